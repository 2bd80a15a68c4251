# The report: results as Markdown, and the lines that are printed while they come.
import statistics
from collections import namedtuple

from cases import CASES, GPU_CASES
from measure import ratio
from targets import plain

LEGEND = """\
Times are the median of {rounds} rounds. In each round, every contestant runs each case in turn, each for about 0.3 s,
and the order rotates from round to round. A ratio is Floe's time divided by that of the framework's fastest mode,
taken within each round: below 1, Floe is faster. The brackets show the lowest and the highest of the rounds.

Before anything is timed, the losses of the first three training steps from the same weights and inputs must agree
with Floe's to within 1e-4 of their size; a contestant that disagrees is not timed. All compute in float32 on {cores}
threads; PyTorch and LibTorch also ran on one thread, and the better of the two counts.
"""

MODES = """\
- **What a step is.** For the penguins: draw noise, one forward pass of the generator, two of the discriminator (real,
  fake, with dropout), both gradients, two Adam steps. Both gradients share the fake pass. No framework computes filter
  gradients that nobody asked for, except eager TensorFlow, which can't leave them out. For the snowflakes: normal
  draws, one forward pass, gradients to encoder and decoder, Adam. The batch of images stays the same.
- **PyTorch** runs eagerly (NCHW), with channels_last memory, and with channels_last compiled by torch.compile as one
  graph from the forward pass to the gradients. Adam is the fused one. Its networks see mirrored images, because then
  its own padding matches the original's, and no copy is needed. Environment variables tell glibc to keep memory;
  without them, PyTorch's large tensors cost a page fault for each 4 KiB.
- **LibTorch** is the C++ library from the same package. It shows what an operation costs without Python.
- **JAX** is compiled by jit, its state donated. `add_recorded` is jax.vjp without jit, because jit would compile a
  chain into one operation.
- **TensorFlow** runs eagerly, and as a tf.function. Its Adam is the single kernel that Keras 2 used.
- `add_recorded` times how records are made and freed, in chains of 1000 additions.
- Memory is the peak resident memory of a process of its own. Floe's is the app, which also draws its pictures and
  measures the distance between drawings. PyTorch's trains the same networks on as many drawings, with its memory
  settings as installed, which are smaller. Both include the pages of their libraries: PyTorch's package is the one
  with CUDA.
- Start time runs from before the process begins until it reports that its first step is over. With the drawings
  already made, that includes reading all 40,000, and two Frechet distances, one of them for 2000 drawings by the
  untrained generator.
"""

GPU_LEGEND = """\
Times are the median of {rounds} rounds. In each round, every contestant of one precision runs each case in turn, each
for about 0.3 s and until the GPU has done it all, and the order rotates from round to round. A ratio is Floe's time
divided by that of PyTorch's fastest mode in the same precision, taken within each round: below 1, Floe is faster. The
brackets show the lowest and the highest of the rounds.

Before anything is timed, the losses of the first three training steps from the same weights and inputs must agree with
Floe's on the CPU: in float32 to within 1e-3 of their size, in tf32 to 1e-2, in bf16 to 1e-1. A contestant that
disagrees, Floe included, is not timed.
"""

GPU_MODES = """\
- **What a step is.** For the penguins: draw noise, one forward pass of the generator, two of the discriminator (real,
  fake, with dropout), both gradients, two Adam steps; both gradients share the fake pass. For the snowflakes: normal
  draws, one forward pass, gradients to encoder and decoder, Adam. The batch of images stays on the GPU.
- **Precisions.** float32: no TF32 anywhere. tf32: Floe's `--precision tf32`; PyTorch's allow_tf32 for matrix products
  and cuDNN. bf16: Floe's `--precision bf16`, PyTorch's autocast to bfloat16.
- **PyTorch** runs eagerly (NCHW), with channels_last memory, as graphs (channels_last, the whole step captured as one
  CUDA graph, including the draws and the capturable Adam) and with torch.compile (channels_last; steps and the small
  network with mode="reduce-overhead", which replays CUDA graphs too). Adam is the fused one, and cuDNN tries all its
  algorithms and takes the fastest (cudnn.benchmark). The targets refer to the faster of eager and channels_last.
- **Host cost** is the time until the op is queued and the program moves on, in chains of 100 with a wait in between.
- **Shares** of a copy refer to a copy within the card that moves as many bytes. Shares of bf16 refer to bare cuBLASLt
  on bfloat16 matrices of 4096 or 8192, whichever is faster. Both are measured in the same run.
"""

Words = namedtuple("Words", "title remarks legend modes cases")
CPU_WORDS = Words("How Floe compares", "remarks go into benchmarks/compare/remarks.md", LEGEND, MODES, CASES)
GPU_WORDS = Words(
    "Floe on a GPU, against PyTorch",
    "remarks go into benchmarks/compare/remarks-gpu.md",
    GPU_LEGEND,
    GPU_MODES,
    GPU_CASES,
)


def time_text(seconds):
    """Three digits that count."""
    for unit, size in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= 0.9995 * size:
            return f"{number(seconds / size)} {unit}"
    return f"{number(seconds * 1e9)} ns"


def number(value):
    return f"{value:.0f}" if value >= 99.95 else f"{value:#.3g}"


def frameworks_of(results):
    """In order of their first appearance, Floe left out."""
    found = [entrant.contestant.framework for result in results.values() for entrant in result.times]
    return [framework for framework in dict.fromkeys(found) if framework != "Floe"]


def entrant_text(entrant, times):
    return f"{with_threads(entrant.contestant.name, entrant)}: {time_text(statistics.median(times))}"


def with_threads(name, entrant):
    """The name, and the number of threads where it matters."""
    return ", ".join(part for part in (name, entrant.threads and threads_text(entrant)) if part)


def threads_text(entrant):
    return "1 thread" if entrant.threads == 1 else f"{entrant.threads} threads"


def lines_of(result):
    """What is printed of one case."""
    ours = result.times_of("Floe")
    lines = [f"{result.case}: " + (f"Floe {time_text(statistics.median(ours))}" if ours else "not by Floe")]
    for framework in frameworks_of({result.case: result}):
        best = result.best(framework)
        all_of_it = [(e, t) for e, t in result.times.items() if e.contestant.framework == framework]
        line = "; ".join(entrant_text(entrant, times) for entrant, times in all_of_it)
        if ours:
            line += f"; ratio to the best {plain(ratio(ours, result.times[best]))}"
        lines.append("  " + line)
    for entrant, times in result.times.items():
        if entrant.contestant.framework == "Floe" and times is not ours:
            lines.append(f"  Floe's {entrant.case} on {threads_text(entrant)}: {time_text(statistics.median(times))}")
    return lines


def table(header, rows):
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows]) + "\n"


def comparison(results, cases):
    frameworks = frameworks_of(results)
    rows = []
    for label, result in results.items():
        ours = result.times_of("Floe")
        if not ours:
            continue
        row = [f"`{label}`: {cases[result.case].words}", time_text(statistics.median(ours))]
        for framework in frameworks:
            best = result.best(framework)
            if best is None:
                row.append("-")
                continue
            theirs = result.times[best]
            mode = with_threads(best.contestant.mode, best)
            row.append(f"{plain(ratio(ours, theirs))}<br>{time_text(statistics.median(theirs))}, {mode}")
        rows.append(row)
    return table(["case", "Floe", *frameworks], rows)


def every_mode(results):
    rows = []
    for label, result in results.items():
        for entrant, times in result.times.items():
            if entrant.case == result.case:
                low, high = time_text(min(times)), time_text(max(times))
                median = time_text(statistics.median(times))
                threads = str(entrant.threads or "-")
                rows.append([f"`{label}`", entrant.contestant.name, threads, median, f"{low} to {high}"])
    return table(["case", "contestant", "threads", "median", "rounds"], rows)


def figures_table(figures):
    """What gpu_benchmark measured of Floe alone."""
    rows = []
    for figure in figures.values():
        rate = f"{number(figure.rate)} {figure.unit}" if figure.rate else ""
        share = f"{figure.share:.0%}" if figure.share else ""
        rows.append([f"`{figure.name}`", time_text(figure.microseconds * 1e-6), rate, share])
    return table(["what", "time", "rate", "share"], rows)


def markdown(
    machine, versions, targets, results, missing, rounds, cores, command, remarks, words=CPU_WORDS, figures=None
):
    parts = [
        f"<!-- Written by benchmarks/compare/compare.py: {words.remarks}. -->\n# {words.title}\n",
        f"To repeat this, run `{command}` on a machine that does nothing else.\n",
        table(["", ""], [[name, value] for name, value in machine + versions]),
    ]
    if targets:
        rows = [[t.what, t.target, t.measured, "yes" if t.reached else "**no**", t.remark] for t in targets]
        parts += ["## Targets\n", table(["what", "target", "measured", "reached", ""], rows)]
    parts += ["## Comparison\n", words.legend.format(rounds=rounds, cores=cores), comparison(results, words.cases)]
    if figures:
        parts += ["## Shares of what the card can do\n", figures_table(figures)]
    if missing:
        parts += ["## What is missing\n", "\n".join(f"- {what}" for what in missing) + "\n"]
    parts += ["## What was measured\n", words.modes]
    if remarks:
        parts += ["## Remarks\n", remarks.strip() + "\n"]
    parts += ["## Every mode\n", every_mode(results)]
    return "\n".join(parts)
