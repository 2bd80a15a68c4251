# The targets: what was to be reached, what was measured, and whether that is enough.
from collections import namedtuple

import figures as device_figures
from cases import CASES, GPU_CASES, LARGE
from measure import Spread, ratio

Target = namedtuple("Target", "what target measured reached remark", defaults=("",))


def microseconds(spread):
    return f"{spread.median * 1e6:.3f} us ({spread.low * 1e6:.3f} to {spread.high * 1e6:.3f})"


def plain(spread):
    return f"{figures(spread.median)} ({figures(spread.low)} to {figures(spread.high)})"


def figures(value):
    return f"{value:.2f}" if value >= 0.1 else f"{value:#.2g}"


def percent(spread):
    return f"{spread.median:.0%} ({spread.low:.0%} to {spread.high:.0%})"


def at_most(what, target, limit, spread, text=plain, remark=""):
    return Target(what, target, text(spread), spread.median <= limit, remark)


def at_least(what, target, limit, spread, text=plain, remark=""):
    return Target(what, target, text(spread), spread.median >= limit, remark)


def timed_targets(results):
    """From the Results by case; rows whose cases were not measured are left out."""
    rows = []
    for case, words, limit in (("add", "add of one element", 0.10e-6), ("add_recorded", "the same, recorded", 0.20e-6)):
        if ours := times(results, case, "Floe"):
            rows.append(at_most(words, f"<= {limit * 1e6:.2f} us", limit, Spread.of(ours), microseconds))
            if theirs := times(results, case, "LibTorch"):
                rows.append(at_most(f"{words}, against LibTorch", "<= 0.25 x", 0.25, ratio(ours, theirs)))
    if ours := times(results, "small_network", "Floe"):
        words = "forward and backward of sum(tanh(A W)), 32 x 32"
        rows.append(at_most(words, "<= 4 us", 4e-6, Spread.of(ours), microseconds))

    for case, batch in (("penguins_64", 64), ("penguins_256", 256)):
        rows += penguins_step(results, case, batch)
    ours, theirs = times(results, "snowflakes_100", "Floe"), times(results, "snowflakes_100", "PyTorch")
    if ours and theirs:
        rows.append(at_most("snowflakes step, batch 100, against PyTorch", "<= 0.5 x", 0.5, ratio(ours, theirs)))

    for case, facts in CASES.items():
        ours, copies = times(results, case, "Floe"), times(results, case, "Floe", "copy")
        if facts.moved and ours and copies:
            shares = [facts.moved / time / (2 * LARGE / copy) for time, copy in zip(ours, copies)]
            limit = 2 * LARGE / Spread.of(copies).median / 1e9
            words = f"{case}: share of the copy bandwidth"
            rows.append(at_least(words, ">= 80 %", 0.8, Spread.of(shares), percent, f"copy {limit:.1f} GB/s"))

    one, two = (times(results, "penguins_64", "Floe", threads=threads) for threads in (1, 2))
    if one and two:
        rows.append(at_least("penguins step, 1 to 2 threads", ">= 1.8 x", 1.8, ratio(one, two)))
    return rows


def penguins_step(results, case, batch):
    ours, bare = times(results, case, "Floe"), times(results, case, "Floe", "bare_" + case)
    torch = times(results, case, "PyTorch")
    if not (ours and bare and torch):
        return []
    limits = [max(1.25 * b, 0.6 * t) for b, t in zip(bare, torch)]
    remark = f"{plain(ratio(ours, bare))} x bare, {plain(ratio(ours, torch))} x PyTorch"
    target = "<= the larger of 1.25 x bare and 0.6 x PyTorch"
    return [at_most(f"penguins step, batch {batch}, against that limit", target, 1, ratio(ours, limits), plain, remark)]


def times(results, case, framework, other=None, threads=None):
    return results[case].times_of(framework, other, threads) if case in results else None


def memory_target(ours, theirs, loaded):
    measured = f"{ours / theirs:.2f} ({ours:.0f} MiB against {theirs:.0f} MiB)"
    remark = f"PyTorch, loaded and idle, has {loaded:.0f} MiB"
    return Target(
        "peak memory of a penguins run of 200 steps", "<= 0.5 x PyTorch's", measured, ours <= theirs / 2, remark
    )


def growth_target(steps, grown, faults):
    reached = grown <= 2**20 and faults == 0 and steps >= 10000
    measured = f"{grown / 2**20:.2f} MiB, {faults} page faults in {steps} steps"
    return Target("growth over 10,000 steps after warm-up", "<= 1 MiB, no page faults", measured, reached)


def start_target(seconds):
    text = lambda spread: f"{spread.median:.2f} s ({spread.low:.2f} to {spread.high:.2f})"
    return at_most("start of penguins to the end of its first step", "<= 0.3 s", 0.3, Spread.of(seconds), text)


def building_targets(cold, touched):
    return [
        Target("cold build of framework and penguins", "<= 60 s", f"{cold:.1f} s", cold <= 60),
        Target("building again after touching the app", "<= 2 s", f"{touched:.1f} s", touched <= 2),
    ]


# --- On a GPU ---------------------------------------------------------------------------------------------------------


def gpu_targets(results, figures):
    """From the Results by case and precision, and the Figures of gpu_benchmark."""
    rows = []
    for figure in device_figures.of("host", figures):
        words = f"host cost of a warm {figure.name.removeprefix('host/').replace('_', ', ')}"
        rows.append(Target(words, "<= 3 us", f"{figure.microseconds:.2f} us", figure.microseconds <= 3))
    for label, result in results.items():
        ours, eager = result.times_of("Floe"), result.times_of("PyTorch", modes=("eager", "channels_last"))
        if not (ours and eager):
            continue
        limit = 0.7 if GPU_CASES[result.case].launch_bound else 1.0
        best = result.best("PyTorch")
        remark = f"{plain(ratio(ours, result.times[best]))} x its fastest mode, {best.contestant.mode}"
        words = f"{label}, against PyTorch eager"
        rows.append(at_most(words, f"<= {limit} x", limit, ratio(ours, eager), remark=remark))
    return rows


def summary(rows, beside_torch):
    """How many were reached, and the penguins' step: one line."""
    parts = [] if beside_torch else ["Floe alone, without PyTorch"]
    parts.append(f"{sum(row.reached for row in rows)} of {len(rows)} targets reached")
    parts += [f"{row.what}: {row.measured}" for row in rows if row.what.startswith("penguins_256 float32")]
    return "; ".join(parts)
