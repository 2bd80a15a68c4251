# benchmarks/compare without any framework: contestants that compute nothing, with times and losses known before.
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "benchmarks/compare"))

import report
import targets
import whole_runs
from cases import LARGE
from contestants import Contestant, Failed
from measure import Entrant, Result, Spread, agreeing, measure, ratio


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
    def agreement(self, ours, theirs):
        floe, other = self.fake(1, ours), self.fake(1, theirs, "Other")
        with tempfile.TemporaryDirectory() as folder:
            agree, refused = agreeing("penguins_64", floe, [other], Path(folder) / "values")
        return agree == [other], refused

    def test_that_agree_let_a_contestant_be_timed(self):
        self.assertEqual(self.agreement(["0.5", "1.25"], ["0.50004", "1.25"]), (True, []))

    def test_that_disagree_do_not(self):
        for theirs in (["0.5001", "1.25"], ["0.5"], ["nan", "1.25"]):
            timed, refused = self.agreement(["0.5", "1.25"], theirs)
            self.assertFalse(timed)
            self.assertRegex(refused[0], "^penguins_64: Other is not timed: .*losses")


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


class WholeRuns(Compare):
    def test_measure_the_peak_of_a_process(self):
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log"
            small, large = (
                whole_runs.peak_memory([sys.executable, "-c", f"x = b'1' * {size} * 2**20"], log) for size in (1, 101)
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
