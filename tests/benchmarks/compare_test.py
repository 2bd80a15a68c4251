# benchmarks/compare without any framework: contestants that compute nothing, with times and losses known before.
import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "benchmarks/compare"))

import compare
import figures
import machine
import report
import targets
import whole_runs
from cases import CASES, GPU_CASES, LARGE
from contestants import Contestant, Failed
from measure import GPU_AGREEMENT, Entrant, Result, Spread, agreeing, measure, ratio


class Compare(unittest.TestCase):
    def fake(self, nanoseconds, losses=(), framework="Floe", mode="", threads=(1,)):
        command = [sys.executable, HERE / "fake_contestant.py", nanoseconds, *losses]
        contestant = Contestant(framework, mode, command, threads=list(threads))
        self.addCleanup(contestant.close)
        return contestant

    def measured(self, case, *contestants, quantum=1):
        entrants = [Entrant(c, case, threads) for c in contestants for threads in c.threads]
        return measure(case, entrants, rounds=3, quantum=quantum)


class Rounds(Compare):
    def test_give_the_seconds_of_one_execution(self):
        floe = self.fake(200)
        times = self.measured("add", floe).times_of("Floe")
        self.assertEqual(len(times), 3)
        for time in times:
            self.assertAlmostEqual(time, 200e-9, delta=1e-15)

    def test_ask_for_whole_chains(self):
        floe = self.fake(7)
        asked = []
        seconds = floe.seconds
        floe.seconds = lambda case, threads, repeats: asked.append(repeats) or seconds(case, threads, repeats)
        self.measured("add_recorded", floe, quantum=1000)
        self.assertTrue(asked)
        self.assertEqual([count % 1000 for count in asked], [0] * len(asked))
        self.assertAlmostEqual(asked[-1] * 7e-9, 0.3, delta=1e-5)

    def test_begin_with_another_contestant_each_time(self):
        asked = []
        contestants = [self.fake(10**8, framework=name) for name in "ABC"]
        for contestant in contestants:
            contestant.seconds = lambda *_, name=contestant.framework: asked.append(name) or 0.1
        self.measured("add", *contestants)
        self.assertEqual("".join(asked), "ABC" + "ABC" + "BCA" + "CAB")

    def test_leave_out_who_cannot_and_keep_why_for_who_fails(self):
        floe = self.fake(100)
        result = self.measured("unknown", floe)
        self.assertEqual((result.times, floe.failures), ({}, []))
        for case, why in (
            ("ends", "ended with status 3"),
            ("nonsense", "'soon' instead of numbers"),
            ("fails", "reason"),
        ):
            broken = self.fake(100)
            self.assertEqual(self.measured(case, broken).times, {})
            self.assertIn(why, broken.failures[0])

    def test_compare_with_the_fastest_mode_and_number_of_threads(self):
        floe = self.fake(300)
        torch = [
            self.fake(ns, framework="PyTorch", mode=mode, threads=(1, 2))
            for ns, mode in ((1600, "slow"), (1200, "fast"))
        ]
        result = self.measured("add", floe, *torch)
        self.assertEqual(result.best("PyTorch"), Entrant(torch[1], "add", 2))
        self.assertAlmostEqual(ratio(result.times_of("Floe"), result.times_of("PyTorch")).median, 0.5)
        self.assertIsNone(result.times_of("JAX"))

    def test_take_ratios_within_each_round(self):
        self.assertEqual(ratio([1, 4, 9], [2, 4, 3]), Spread(1, 0.5, 3))

    def test_do_not_wait_for_ever(self):
        silent = Contestant("Silent", "", [sys.executable, "-c", "import time; time.sleep(60)"])
        with self.assertRaisesRegex(Failed, "did not answer within 0.1 s"):
            silent.ask("version", timeout=0.1)


class Losses(Compare):
    def agreement(self, ours, theirs, *limit):
        floe, other = self.fake(1, ours), self.fake(1, theirs, "Other")
        with tempfile.TemporaryDirectory() as folder:
            agree, refused = agreeing("penguins_64", floe, [other], Path(folder) / "values", *limit)
        return agree == [other], refused

    def test_that_agree_let_a_contestant_be_timed(self):
        self.assertEqual(self.agreement(["0.5", "1.25"], ["0.50004", "1.25"]), (True, []))

    def test_that_disagree_do_not(self):
        for theirs in (["0.5001", "1.25"], ["0.5"], ["nan", "1.25"]):
            timed, refused = self.agreement(["0.5", "1.25"], theirs)
            self.assertFalse(timed)
            self.assertRegex(refused[0], "^penguins_64: Other is not timed: .*losses")


    def test_may_differ_more_where_factors_are_rounded(self):
        for limit, timed in zip(GPU_AGREEMENT.values(), (False, True, True)):
            self.assertEqual(self.agreement(["0.5", "1.25"], ["0.503", "1.25"], limit)[0], timed)


class Targets(Compare):
    def results(self, case, **times):
        """Times by framework, or by another case of Floe's."""
        contestants = {name: self.fake(1, framework=name) for name in ("Floe", "PyTorch", "LibTorch")}
        entrants = {}
        for name, some in times.items():
            known = name in contestants
            entrants[Entrant(contestants[name if known else "Floe"], case if known else name, 1)] = some
        return {case: Result(case, entrants)}

    def test_are_reached_or_not_by_the_median(self):
        add = targets.timed_targets(self.results("add", Floe=[90e-9, 95e-9, 120e-9], LibTorch=[400e-9, 360e-9, 480e-9]))
        self.assertEqual([t.reached for t in add], [True, True])
        self.assertEqual(add[0].measured, "0.095 us (0.090 to 0.120)")
        self.assertEqual(add[1].measured, "0.25 (0.23 to 0.26)")

    def test_of_penguins_take_the_larger_limit(self):
        for bare, reached in (([0.8], True), ([0.7], False)):
            rows = targets.timed_targets(self.results("penguins_64", Floe=[1.0], bare_penguins_64=bare, PyTorch=[1.6]))
            self.assertEqual([row.reached for row in rows], [reached])

    def test_of_bandwidth_count_what_must_be_moved(self):
        copy = 2 * LARGE / 50e9
        rows = targets.timed_targets(self.results("adam", Floe=[7 * LARGE / 45e9], copy=[copy]))
        self.assertEqual((rows[0].measured, rows[0].reached), ("90% (90% to 90%)", True))
        self.assertEqual(rows[0].remark, "copy 50.0 GB/s")

    def test_of_growth_refuse_page_faults_and_short_runs(self):
        self.assertTrue(targets.growth_target(10000, 2**20, 0).reached)
        self.assertFalse(targets.growth_target(10000, 0, 1).reached)
        self.assertFalse(targets.growth_target(500, 0, 0).reached)


class Report(Compare):
    def test_shows_the_ratio_and_both_times(self):
        floe, torch = self.fake(250_000), self.fake(1_000_000, framework="PyTorch", mode="eager", threads=(1, 2))
        result = self.measured("exp", floe, torch)
        text = report.markdown(
            [("processor", "a fake")], [], [], {"exp": result}, ["nothing"], 3, 2, "run it", "One remark."
        )
        self.assertIn("| `exp`: 16 Mi floats | 250 us | 0.50 (0.50 to 0.50)<br>500 us, eager, 2 threads |", text)
        self.assertIn("| `exp` | PyTorch eager | 1 | 1.00 ms | 1.00 ms to 1.00 ms |", text)
        self.assertIn("## What is missing\n\n- nothing", text)
        self.assertIn("One remark.", text)

    def test_says_what_a_table_is_for_each_target(self):
        rows = [targets.Target("start", "<= 0.3 s", "0.5 s", False, "late")]
        text = report.markdown([], [], rows, {}, [], 3, 2, "run it", "")
        self.assertIn("| start | <= 0.3 s | 0.5 s | **no** | late |", text)


class Gpu(Compare):
    FIGURES = {
        "host/add": figures.Figure("host/add", 2.5, None, "", None),
        "host/conv2d": figures.Figure("host/conv2d", 3.5, None, "", None),
        "kernel/exp": figures.Figure("kernel/exp", 120, 4400, "GB/s", 0.93),
        "product/4096/bf16": figures.Figure("product/4096/bf16", 200, 700, "TFLOP/s", 0.9),
    }

    def result(self, case, floe, **torch):
        contestants = {mode: self.fake(1, framework="PyTorch", mode=mode, threads=[0]) for mode in torch}
        entrants = {Entrant(self.fake(1, threads=[0]), case, 0): floe}
        return Result(case, {**entrants, **{Entrant(contestants[mode], case, 0): torch[mode] for mode in torch}})

    def test_targets_are_about_the_faster_eager_mode_of_the_same_precision(self):
        results = {
            "penguins_256 float32": self.result("penguins_256", [0.6], eager=[1.2], channels_last=[1.0], graphs=[0.5]),
            "penguins_256 bf16": self.result("penguins_256", [0.75], eager=[1.0]),
            "penguins_2048 bf16": self.result("penguins_2048", [0.75], eager=[1.0]),
            "exp float32": self.result("exp", [0.75]),
        }
        rows = targets.gpu_targets(results, self.FIGURES)
        self.assertEqual([row.reached for row in rows], [True, False, True, False, True])
        self.assertEqual((rows[1].target, rows[1].measured), ("<= 3 us", "3.50 us"))
        self.assertEqual((rows[2].target, rows[2].measured), ("<= 0.7 x", "0.60 (0.60 to 0.60)"))
        self.assertEqual(rows[2].remark, "1.20 (1.20 to 1.20) x its fastest mode, graphs")
        self.assertEqual(rows[4].target, "<= 1.0 x")
        line = "3 of 5 targets reached; penguins_256 float32, against PyTorch eager: 0.60 (0.60 to 0.60)"
        self.assertEqual(targets.summary(rows, True), line)
        self.assertEqual(targets.summary(rows, False), "Floe alone, without PyTorch; " + line)

    def test_figures_are_read_without_what_google_benchmark_adds_to_names(self):
        runs = [
            {"name": "host/add/iterations:200/manual_time", "real_time": 2500, "time_unit": "ns"},
            {"name": "kernel/exp/real_time", "real_time": 0.12, "time_unit": "ms", "GB/s": 4400, "of_copy": 0.93},
            {"name": "product/4096/bf16", "real_time": 200, "time_unit": "us", "TFLOP/s": 700, "of_bf16": 0.9},
            {"name": "product/8192/bf16/real_time", "error_occurred": True},
        ]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "figures.json"
            path.write_text(json.dumps({"benchmarks": runs}))
            read = figures.read(path)
        self.assertEqual(list(read), ["host/add", "kernel/exp", "product/4096/bf16"])
        for name, figure in read.items():
            expected = self.FIGURES[name]._replace(microseconds=figure.microseconds)
            self.assertEqual(figure, expected)
            self.assertAlmostEqual(figure.microseconds, self.FIGURES[name].microseconds)
        line = "host add 2.5 us; kernels 93% to 93% of copy, median 93%; bf16 products 90% of cuBLASLt"
        self.assertEqual(figures.summary(read), line)

    def test_the_report_has_precisions_shares_and_no_threads(self):
        results = {"exp float32": self.result("exp", [250e-6], eager=[500e-6])}
        text = report.markdown(
            [], [], [], results, [], 3, 2, "./floe gpu", "", report.GPU_WORDS, figures=self.FIGURES
        )
        self.assertIn("# Floe on a GPU, against PyTorch", text)
        self.assertIn("| `exp float32`: 64 Mi floats | 250 us | 0.50 (0.50 to 0.50)<br>500 us, eager |", text)
        self.assertIn("| `exp float32` | PyTorch eager | - | 500 us | 500 us to 500 us |", text)
        self.assertIn("| `kernel/exp` | 120 us | 4400 GB/s | 93% |", text)
        self.assertIn("| `host/add` | 2.50 us |  |  |", text)

    def test_the_card_is_what_nvidia_smi_names_first(self):
        for said, card in (
            ("A card, 9 MiB, 580.1\nanother, 1 MiB, 580.1", [("card", "A card, 9 MiB"), ("driver", "580.1")]),
            ("No devices were found", []),
            ("", []),
        ):
            with mock.patch.object(machine, "output_of", return_value=said):
                self.assertEqual(machine.gpu(), card)

    def test_who_cannot_begin_is_asked_no_more(self):
        asked = []
        absent = self.fake(1, framework="PyTorch", mode="eager")
        absent.command, absent.precision = [sys.executable, "-c", "raise SystemExit(4)"], "float32"
        floe = self.fake(10**8)
        floe.precision, seconds = "float32", floe.seconds
        floe.seconds = lambda case, *rest: asked.append(case) or seconds(case, *rest)
        with contextlib.redirect_stdout(io.StringIO()):
            versions, results, refused, late = compare.run_cases_on_gpu(["exp"], None, [floe, absent], 1, float("inf"))
        self.assertEqual((versions, refused, late), ([("Floe float32", "a fake of 1e+08 ns")], [], []))
        self.assertEqual([entrant.contestant for entrant in results["exp float32"].times], [floe])
        self.assertEqual(len(absent.failures), 1)
        self.assertEqual(set(asked), {"exp"})

    def test_no_case_begins_when_the_time_is_over(self):
        _, results, _, late = compare.run_cases_on_gpu(["exp", "matmul_4096"], None, [], 1, 0)
        self.assertEqual(results, {})
        self.assertEqual(len(late), 1 + 3)
        self.assertEqual(late[0], "exp float32 was not measured: there was no time left")


class Arguments(unittest.TestCase):
    def refused(self, *words):
        with contextlib.redirect_stderr(io.StringIO()) as said, self.assertRaises(SystemExit):
            compare.arguments(words)
        return said.getvalue()

    def test_are_those_of_the_cpu_by_default(self):
        chosen = compare.arguments([])
        self.assertEqual((chosen.device, chosen.names), ("cpu", list(CASES)))
        self.assertEqual(chosen.folder, compare.HOME / "build/release")
        self.assertEqual(chosen.work, compare.HOME / "build/compare")
        self.assertEqual(chosen.venv, compare.HOME / "build/compare-venv")
        self.assertEqual(chosen.out, compare.HOME / "benchmarks/RESULTS.md")

    def test_of_a_gpu_have_its_cases_its_build_and_its_report(self):
        chosen = compare.arguments(["--device", "cuda"])
        self.assertEqual(chosen.names, list(GPU_CASES))
        self.assertEqual(chosen.folder, compare.HOME / "build" / compare.GPU_PRESET)
        self.assertEqual(chosen.out, compare.HOME / "benchmarks/RESULTS-gpu.md")
        for part in (["--quick"], ["--alone"], ["--cases", "exp"]):
            self.assertEqual(compare.arguments(["--device", "cuda", *part]).out, chosen.work / "RESULTS-gpu.md")

    def test_that_do_not_fit_are_refused(self):
        self.assertIn("there is no case add;", self.refused("--device", "cuda", "--cases", "add"))
        self.assertIn("there is no case matmul_4096;", self.refused("--cases", "matmul_4096"))
        self.assertIn("--build measures the build for the CPU", self.refused("--device", "cuda", "--build"))
        self.assertIn("are for --device cuda", self.refused("--alone"))
        self.assertIn("invalid choice: 'tpu'", self.refused("--device", "tpu"))

    def test_of_a_gpu_need_one(self):
        with mock.patch.object(machine, "gpu", return_value=[]), mock.patch.object(compare, "GPU_PRESET", "cuda"):
            with self.assertRaisesRegex(SystemExit, "compare: nvidia-smi names no GPU on this machine"):
                compare.compare_on_gpu(compare.arguments(["--device", "cuda"]))


class WholeRuns(Compare):
    def test_measure_the_peak_of_a_process(self):
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log"
            small, large = (
                whole_runs.peak_memory([sys.executable, "-c", f"x = b'1' * {size} * 2**20"], log) for size in (101, 201)  # more than this process, of which each begins as a copy
            )
            self.assertAlmostEqual(large - small, 100, delta=5)
            with self.assertRaisesRegex(RuntimeError, "ended with status 4"):
                whole_runs.peak_memory([sys.executable, "-c", "import sys; sys.exit(4)"], log)

    def test_write_an_npy_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "drawings.npy"
            whole_runs.random_drawings(path)
            data = path.read_bytes()
        length = int.from_bytes(data[8:10], "little")
        self.assertEqual((10 + length) % 64, 0)
        self.assertEqual(len(data), 10 + length + 40000 * 784)
        self.assertIn(b"'shape': (40000, 28, 28, 1)", data[:100])


if __name__ == "__main__":
    unittest.main()
