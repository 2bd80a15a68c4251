#!/usr/bin/env python3
# Floe beside PyTorch, JAX and TensorFlow: the same work in turns on the same machine, written to benchmarks/RESULTS.md.
#
#   python3 benchmarks/compare/compare.py              everything; the frameworks are installed into build/compare-venv
#   python3 benchmarks/compare/compare.py --quick --cases add,penguins_64
import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import machine
import report
import targets
import whole_runs
from cases import CASES, extra_entrants
from contestants import WAITING, Contestant, Failed, number_of_cores
from measure import Entrant, agreeing, measure

HERE = Path(__file__).resolve().parent
HOME = HERE.parent.parent
BUILD = HOME / "build/release"
WORK = HOME / "build/compare"

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


def install(venv):
    """Frameworks that are there, and a sentence for each that is not."""
    if not python_of(venv).exists():
        say(f"making {venv}")
        if subprocess.run([sys.executable, "-m", "venv", str(venv)]).returncode:
            sys.exit(f"compare: {venv} could not be made; on Debian and Ubuntu it needs the package python3-venv")
    there, missing = [], []
    for framework, packages in PACKAGES.items():
        absent = [package for package in packages if not version_of(venv, package)]
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


def version_of(venv, package):
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return machine.output_of(python_of(venv), "-c", code)


def build_floe():
    say("building Floe's side")
    with open(WORK / "build.log", "w") as log:
        fresh = not (BUILD / "build.ninja").exists()
        configure = ["cmake", "--preset", "release", "-DFLOE_BENCHMARKS=ON", *(["-DFLOE_TESTS=OFF"] if fresh else [])]
        for command in (configure, ["ninja", "-C", BUILD, "floe_contestant", "penguins"]):
            if subprocess.run([str(p) for p in command], cwd=HOME, stdout=log, stderr=log).returncode:
                sys.exit(f"compare: the build failed; see {log.name}")
    return BUILD / "bin/floe_contestant"


def build_libtorch(venv):
    """The program, or None and why not."""
    source, program = HERE / "libtorch_peer.cpp", WORK / "libtorch_peer"
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
    with open(WORK / "libtorch.log", "w") as log:
        if subprocess.run([str(p) for p in command], stdout=log, stderr=log).returncode:
            return None, f"LibTorch's side could not be built; see {log.name}"
    return program, None


def peers(venv, there, libtorch):
    python, cores = python_of(venv), number_of_cores()
    one_too = sorted({1, cores})
    found = []

    def add(framework, mode, *command, threads=None):
        environment = {**WAITING, **KEEP_MEMORY, "CUDA_VISIBLE_DEVICES": ""}
        log = WORK / f"{framework}-{mode or 'peer'}.log".lower().replace(" ", "-")
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


def whole_targets(floe, python, there, quick):
    """Targets that are about whole programs, and a sentence for each that could not be measured."""
    rows, missing = [], []
    app = BUILD / "bin/penguins"

    def attempt(what, measured):
        say(f"measuring {what}")
        try:
            rows.append(measured())
        except (Failed, RuntimeError, OSError, TypeError) as failure:
            missing.append(f"{what} could not be measured: {failure}")

    def growth():
        steps = 500 if quick else 10000
        fresh = Contestant("Floe", "", floe.command, WAITING, log=WORK / "growth.log")  # which has measured nothing else
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


def arguments():
    parser = argparse.ArgumentParser(description="Floe beside PyTorch, JAX and TensorFlow.")
    parser.add_argument("--cases", help="some of " + ", ".join(CASES) + "; all of them by default")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="3 rounds and few steps, to see that everything works")
    parser.add_argument("--build", action="store_true", help="also measure a cold build")
    parser.add_argument("--venv", type=Path, default=HOME / "build/compare-venv", help="where the frameworks are")
    parser.add_argument(
        "--out", type=Path, help="where to write; by default benchmarks/RESULTS.md if all cases were run"
    )
    chosen = parser.parse_args()
    chosen.names = chosen.cases.split(",") if chosen.cases else list(CASES)
    if unknown := [name for name in chosen.names if name not in CASES]:
        parser.error(f"there is no case {unknown[0]}; there is: {', '.join(CASES)}")
    if chosen.rounds < 1:
        parser.error("--rounds must be 1 or more")
    if chosen.quick:
        chosen.rounds = min(chosen.rounds, 3)
    if chosen.out is None:
        whole = not chosen.cases and not chosen.quick
        chosen.out = HOME / "benchmarks/RESULTS.md" if whole else WORK / "RESULTS.md"
    return chosen


def main():
    chosen = arguments()
    WORK.mkdir(parents=True, exist_ok=True)
    there, missing = install(chosen.venv)
    floe = Contestant("Floe", "", [build_floe()], WAITING, log=WORK / "floe.log")
    libtorch, why = build_libtorch(chosen.venv)
    missing += [why] if why else []
    others = peers(chosen.venv, there, libtorch)

    facts = machine.describe(HOME)
    versions = versions_of([floe, *others])
    results, refused = run_cases(chosen.names, floe, others, chosen.rounds)
    for contestant in others:
        contestant.close()
    rows = targets.timed_targets(results)
    if not chosen.cases:
        more, lost = whole_targets(floe, python_of(chosen.venv), there, chosen.quick)
        rows, missing = rows + more, missing + lost
    floe.close()
    if chosen.build:
        say("measuring a cold build")
        rows += targets.building_targets(*whole_runs.building(HOME, WORK / "cold-build.log"))

    failures = [failure for contestant in (floe, *others) for failure in contestant.failures]
    missing = [what.replace(f"{HOME}/", "") for what in missing + refused + failures]
    command = "./floe bench compare --build"
    remarks = HERE / "remarks.md"
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
        )
    )
    say(f"written to {chosen.out}")
    sys.exit(1 if refused or failures else 0)


if __name__ == "__main__":
    main()
