#!/usr/bin/env python3
# Floe against PyTorch, JAX and TensorFlow: the same work in turns on the same machine, written to benchmarks/RESULTS.md.
#
#   python3 benchmarks/compare/compare.py              everything; the frameworks are installed into build/compare-venv
#   python3 benchmarks/compare/compare.py --quick --cases add,penguins_64
#   python3 benchmarks/compare/compare.py --device cuda     Floe and PyTorch on the first GPU; benchmarks/RESULTS-gpu.md
import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import figures
import machine
import report
import targets
import whole_runs
from cases import CASES, GPU_CASES, PRECISIONS, extra_entrants
from contestants import WAITING, Contestant, Failed, number_of_cores
from measure import GPU_AGREEMENT, Entrant, agreeing, measure

HERE = Path(__file__).resolve().parent
HOME = HERE.parent.parent
GPU_PRESET = os.environ.get("FLOE_GPU_PRESET", "cuda")  # or simulated, to try this without a GPU

# What pip calls a framework, and what the programs need besides.
PACKAGES = {
    "PyTorch": ["torch", "numpy", "safetensors"],
    "JAX": ["jax", "numpy", "safetensors"],
    "TensorFlow": ["tensorflow-cpu", "numpy", "safetensors"],
}

# glibc gives large blocks back to the system and takes them anew, a page fault for each 4 KiB of every large tensor.
KEEP_MEMORY = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**33),
    "MALLOC_TOP_PAD_": str(2**26),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",  # huge pages for what is kept
}


def say(text):
    print(text, flush=True)


# --- What is compared -------------------------------------------------------------------------------------------------


def python_of(venv):
    return venv / "bin/python"


def install(venv, wanted=tuple(PACKAGES)):
    """Frameworks that are there, and a sentence for each that is not."""
    if not python_of(venv).exists():
        say(f"making {venv}")
        if subprocess.run([sys.executable, "-m", "venv", str(venv)]).returncode:
            sys.exit(f"compare: {venv} could not be made; on Debian and Ubuntu it needs the package python3-venv")
    there, missing = [], []
    for framework in wanted:
        absent = [package for package in PACKAGES[framework] if not version_of(python_of(venv), package)]
        if absent:
            say(f"installing {', '.join(absent)}")
            pip = [str(python_of(venv)), "-m", "pip", "install", "--quiet", *absent]
            run = subprocess.run(pip, capture_output=True, text=True)
            if run.returncode:
                why = (run.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
                missing.append(f"{framework} could not be installed: {why}")
                continue
        there.append(framework)
    return there, missing


def version_of(python, package):
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return machine.output_of(python, "-c", code)


def build_floe(chosen, preset, *programs):
    say("building Floe's side")
    with open(chosen.work / "build.log", "w") as log:
        fresh = not (chosen.folder / "build.ninja").exists()
        configure = ["cmake", "--preset", preset, "-B", chosen.folder, "-DFLOE_BENCHMARKS=ON"]
        configure += ["-DFLOE_TESTS=OFF"] if fresh else []
        for command in (configure, ["ninja", "-C", chosen.folder, "floe_contestant", *programs]):
            if subprocess.run([str(p) for p in command], cwd=HOME, stdout=log, stderr=log).returncode:
                sys.exit(f"compare: the build failed; see {log.name}")
    return chosen.folder / "bin/floe_contestant"


def build_libtorch(venv, work):
    """The program, or None and why not."""
    source, program = HERE / "libtorch_peer.cpp", work / "libtorch_peer"
    torch = next(venv.glob("lib/python*/site-packages/torch"), None)
    if torch is None:
        return None, "LibTorch is part of PyTorch's package, which is missing"
    if program.exists() and program.stat().st_mtime > max(p.stat().st_mtime for p in (source, torch / "version.py")):
        return program, None
    say("building LibTorch's side")
    include = torch / "include"
    command = ["g++", "-std=c++20", "-O3", "-march=native", "-w", "-isystem", include]
    command += ["-isystem", include / "torch/csrc/api/include", source, "-o", program, "-L", torch / "lib"]
    command += [f"-Wl,-rpath,{torch / 'lib'}", "-Wl,--no-as-needed", "-ltorch_cpu", "-ltorch", "-lc10"]
    with open(work / "libtorch.log", "w") as log:
        if subprocess.run([str(p) for p in command], stdout=log, stderr=log).returncode:
            return None, f"LibTorch's side could not be built; see {log.name}"
    return program, None


def peers(venv, there, libtorch, work):
    python, cores = python_of(venv), number_of_cores()
    one_too = sorted({1, cores})
    found = []

    def add(framework, mode, *command, threads=None):
        environment = {**WAITING, **KEEP_MEMORY, "CUDA_VISIBLE_DEVICES": ""}
        log = log_of(work, framework, mode or "peer")
        found.append(Contestant(framework, mode, command, environment, threads, log))

    if "PyTorch" in there:
        for mode in ("eager", "channels_last", "compile"):
            add("PyTorch", mode, python, HERE / "torch_peer.py", mode, threads=one_too)
    if libtorch:
        add("LibTorch", "", libtorch, threads=one_too)
    if "JAX" in there:
        add("JAX", "jit", python, HERE / "jax_peer.py")
    if "TensorFlow" in there:
        for mode in ("eager", "function"):
            add("TensorFlow", mode, python, HERE / "tensorflow_peer.py", mode)
    return found


def log_of(work, *names):
    return work / ("-".join(names).lower().replace(" ", "-") + ".log")


# --- One run ----------------------------------------------------------------------------------------------------------


def run_cases(names, floe, others, rounds):
    """Results by case, and a sentence for each contestant that disagreed with Floe."""
    results, refused = {}, []
    for name in names:
        fit = others
        if CASES[name].losses:
            with tempfile.TemporaryDirectory() as folder:
                fit, wrong = agreeing(name, floe, others, Path(folder) / "values.safetensors")
            refused += wrong
        entrants = [Entrant(c, name, threads) for c in (floe, *fit) for threads in c.threads]
        entrants += [Entrant(floe, case, threads) for case, threads in extra_entrants(name)]
        results[name] = measure(name, entrants, rounds, CASES[name].quantum)
        say("\n".join(report.lines_of(results[name])))
    return results, refused


def whole_targets(chosen, floe, python, there):
    """Targets that are about whole programs, and a sentence for each that could not be measured."""
    rows, missing = [], []
    app, quick = chosen.folder / "bin/penguins", chosen.quick

    def attempt(what, measured):
        say(f"measuring {what}")
        try:
            rows.append(measured())
        except (Failed, RuntimeError, OSError, TypeError) as failure:
            missing.append(f"{what} could not be measured: {failure}")

    def growth():
        steps = 500 if quick else 10000
        log = chosen.work / "growth.log"
        fresh = Contestant("Floe", "", floe.command, WAITING, log=log)  # which has measured nothing else
        grown, faults = fresh.numbers(fresh.ask(f"growth penguins_4 {steps}", timeout=3600))
        fresh.close()
        return targets.growth_target(steps, grown, int(faults))

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "PyTorch" in there:
            memory = lambda: targets.memory_target(*whole_runs.penguins_memory(app, python, HERE, folder))
            attempt("peak memory", memory)
        attempt("growth", growth)
        starts = lambda: [whole_runs.seconds_to_first_step(app, folder) for _ in range(2 if quick else 7)][1:]
        attempt("the start", lambda: targets.start_target(starts()))
    return rows, missing


def versions_of(contestants):
    found = []
    for contestant in contestants:
        try:
            found.append((contestant.name, contestant.ask("version") or "unknown"))
        except Failed as failure:
            contestant.failures.append(str(failure))
    return found


# --- On a GPU ---------------------------------------------------------------------------------------------------------


def torch_for_gpu(chosen):
    """A Python that has PyTorch, or None and why not."""
    if chosen.alone:
        return None, "PyTorch was not asked for"
    if all(version_of(sys.executable, package) for package in PACKAGES["PyTorch"]):
        return sys.executable, None
    say("PyTorch with CUDA is some 3 GB from PyPI, and 5 GB on the disk")
    try:
        there, missing = install(chosen.venv, ("PyTorch",))
    except SystemExit as why:
        return None, str(why)
    return (python_of(chosen.venv), None) if there else (None, missing[0])


def gpu_contestants(floe, python, work):
    """Floe and PyTorch's modes in each precision."""
    found = []
    for precision in PRECISIONS:

        def add(framework, mode, *command):
            log = log_of(work, "gpu", framework, mode, precision)
            found.append(Contestant(framework, mode, command, WAITING, [0], log, precision))

        add("Floe", "", floe, "cuda", precision)
        for mode in ("eager", "channels_last", "graphs", "compile") if python else ():
            add("PyTorch", mode, python, HERE / "torch_peer.py", mode, "cuda", precision)
    return found


def run_cases_on_gpu(names, reference, contestants, rounds, end):
    """Versions, Results by case and precision, a sentence for each contestant that disagreed with Floe on the CPU, and
    one for each case that was not begun by the end."""
    versions, results, refused, late = [], {}, [], []
    for precision in PRECISIONS:
        those = [c for c in contestants if c.precision == precision]
        versions += versions_of(those)
        those = [c for c in those if not c.failures]  # who cannot begin is asked no more
        for name in names:
            if precision not in GPU_CASES[name].precisions:
                continue
            if time.monotonic() > end:
                late.append(f"{name} {precision} was not measured: there was no time left")
                continue
            fit = those
            if GPU_CASES[name].losses:
                with tempfile.TemporaryDirectory() as folder:
                    file = Path(folder) / "values.safetensors"
                    fit, wrong = agreeing(name, reference, those, file, GPU_AGREEMENT[precision])
                refused += wrong
            result = measure(name, [Entrant(c, name, 0) for c in fit], rounds)
            results[f"{name} {precision}"] = result
            say(f"{precision}: " + "\n".join(report.lines_of(result)))
        for contestant in those:  # each holds memory of the GPU
            contestant.close()
    return versions, results, refused, late


def measured_figures(chosen):
    if chosen.figures is None:
        say("measuring Floe's kernels")
        chosen.figures = chosen.work / "gpu_benchmark.json"
        command = [chosen.folder / "bin/gpu_benchmark", "--benchmark_min_time=0.1", f"--benchmark_out={chosen.figures}"]
        log = log_of(chosen.work, "gpu", "benchmark")
        with open(log, "w") as output:
            if subprocess.run([str(p) for p in command], stdout=output, stderr=output).returncode:
                sys.exit(f"compare: gpu_benchmark failed; see {log}")
    return figures.read(chosen.figures)


def compare_on_gpu(chosen):
    card = machine.gpu()
    if not card and GPU_PRESET == "cuda":
        sys.exit("compare: nvidia-smi names no GPU on this machine; leave --device away to compare on the CPU")
    program = build_floe(chosen, GPU_PRESET, "gpu_benchmark")
    python, why = torch_for_gpu(chosen)
    reference = Contestant("Floe", "on the CPU", [program], WAITING, log=log_of(chosen.work, "gpu", "reference"))
    contestants = gpu_contestants(program, python, chosen.work)
    measured = measured_figures(chosen)

    facts = machine.describe(HOME, chosen.folder) + card
    end = time.monotonic() + chosen.minutes * 60
    versions, results, refused, late = run_cases_on_gpu(chosen.names, reference, contestants, chosen.rounds, end)
    reference.close()
    rows = targets.gpu_targets(results, measured)
    missing = [why] if why else []
    if os.environ.get("FLOE_BENCH_SMALL") == "1":
        missing.append("Sizes were small (FLOE_BENCH_SMALL=1), so that no figure here means anything")
    finish(chosen, facts, versions, rows, results, missing + late, refused, [reference, *contestants], measured)


# --- All together -----------------------------------------------------------------------------------------------------


def arguments(words=None):
    parser = argparse.ArgumentParser(description="Floe against PyTorch, JAX and TensorFlow.")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="cuda: on the first GPU, with PyTorch")
    parser.add_argument("--cases", help="some of " + ", ".join(CASES) + "; all of them by default")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="3 rounds and few steps, to see that everything works")
    parser.add_argument("--build", action="store_true", help="also measure a cold build")
    parser.add_argument("--folder", type=Path, help="Floe's build; build/release, or build/cuda for a GPU")
    parser.add_argument("--venv", type=Path, help="where the frameworks are; compare-venv beside Floe's build")
    parser.add_argument("--alone", action="store_true", help="on a GPU: without PyTorch")
    parser.add_argument("--figures", type=Path, help="on a GPU: the JSON of gpu_benchmark, which is run without it")
    parser.add_argument("--minutes", type=float, default=20, help="on a GPU: begin no case after measuring so long")
    parser.add_argument(
        "--out", type=Path, help="where to write; by default benchmarks/RESULTS.md if all cases were run"
    )
    chosen = parser.parse_args(words)
    on_gpu = chosen.device == "cuda"
    cases = GPU_CASES if on_gpu else CASES
    chosen.names = chosen.cases.split(",") if chosen.cases else list(cases)
    if unknown := [name for name in chosen.names if name not in cases]:
        parser.error(f"there is no case {unknown[0]}; choose from: {', '.join(cases)}")
    if chosen.rounds < 1:
        parser.error("--rounds must be 1 or more")
    if on_gpu and chosen.build:
        parser.error("--build measures the build for the CPU; leave it or --device away")
    if not on_gpu and (chosen.alone or chosen.figures):
        parser.error("--alone and --figures are for --device cuda")
    if chosen.quick:
        chosen.rounds = min(chosen.rounds, 3)
    chosen.folder = (chosen.folder or HOME / "build" / (GPU_PRESET if on_gpu else "release")).resolve()
    chosen.work = chosen.folder.parent / "compare"
    chosen.venv = chosen.venv or chosen.folder.parent / "compare-venv"
    if chosen.out is None:
        whole = not chosen.cases and not chosen.quick and not chosen.alone
        name = "RESULTS-gpu.md" if on_gpu else "RESULTS.md"
        chosen.out = (HOME / "benchmarks" if whole else chosen.work) / name
    return chosen


def compare_on_cpu(chosen):
    there, missing = install(chosen.venv)
    program = build_floe(chosen, "release", "penguins")
    floe = Contestant("Floe", "", [program], WAITING, log=chosen.work / "floe.log")
    libtorch, why = build_libtorch(chosen.venv, chosen.work)
    missing += [why] if why else []
    others = peers(chosen.venv, there, libtorch, chosen.work)

    facts = machine.describe(HOME, chosen.folder)
    versions = versions_of([floe, *others])
    results, refused = run_cases(chosen.names, floe, others, chosen.rounds)
    for contestant in others:
        contestant.close()
    rows = targets.timed_targets(results)
    if not chosen.cases:
        more, lost = whole_targets(chosen, floe, python_of(chosen.venv), there)
        rows, missing = rows + more, missing + lost
    floe.close()
    if chosen.build:
        say("measuring a cold build")
        rows += targets.building_targets(*whole_runs.building(HOME, chosen.work / "cold-build.log"))
    finish(chosen, facts, versions, rows, results, missing, refused, [floe, *others])


def finish(chosen, facts, versions, rows, results, missing, refused, contestants, measured=None):
    """Writes the report, and ends with 1 if a contestant disagreed or failed."""
    failures = [failure for contestant in contestants for failure in contestant.failures]
    missing = [what.replace(f"{HOME}/", "") for what in missing + refused + failures]
    on_gpu = chosen.device == "cuda"
    command = "./floe gpu" if on_gpu else "./floe bench compare --build"
    remarks = HERE / ("remarks-gpu.md" if on_gpu else "remarks.md")
    chosen.out.write_text(
        report.markdown(
            facts,
            versions,
            rows,
            results,
            missing,
            chosen.rounds,
            number_of_cores(),
            command,
            remarks.read_text() if remarks.exists() else "",
            report.GPU_WORDS if on_gpu else report.CPU_WORDS,
            measured,
        )
    )
    say(f"written to {chosen.out}")
    if on_gpu:
        say(targets.summary(rows, any(contestant.framework == "PyTorch" for contestant in contestants)))
    sys.exit(1 if refused or failures else 0)


def main():
    chosen = arguments()
    chosen.work.mkdir(parents=True, exist_ok=True)
    (compare_on_gpu if chosen.device == "cuda" else compare_on_cpu)(chosen)


if __name__ == "__main__":
    main()
