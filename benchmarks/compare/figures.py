# The figures of gpu_benchmark: read from its JSON, and in one line.
#
# figures.py FILE prints that line.
import json
import re
import statistics
import sys
from collections import namedtuple

MICROSECONDS = {"ns": 1e-3, "us": 1, "ms": 1e3, "s": 1e6}

Figure = namedtuple("Figure", "name microseconds rate unit share")  # share: of what the card did in the same run


def read(path):
    """The Figures by name."""
    with open(path) as file:
        text = json.load(file)
    figures = {}
    for run in text["benchmarks"]:
        if run.get("error_occurred"):
            continue
        name = re.sub(r"/(iterations:\d+|real_time|manual_time)", "", run["name"])
        unit = next((unit for unit in ("GB/s", "TFLOP/s", "images/s") if unit in run), "")
        share = run.get("of_copy", run.get("of_bf16"))
        time = run["real_time"] * MICROSECONDS[run["time_unit"]]
        figures[name] = Figure(name, time, run.get(unit), unit, share)
    return figures


def of(kind, figures):
    return [figure for name, figure in figures.items() if name.startswith(kind + "/")]


def summary(figures):
    parts = []
    if host := of("host", figures):
        parts.append("host " + ", ".join(f"{f.name.removeprefix('host/')} {f.microseconds:.1f} us" for f in host))
    if shares := [figure.share for figure in of("kernel", figures) if figure.share]:
        parts.append(f"kernels {min(shares):.0%} to {max(shares):.0%} of copy, median {statistics.median(shares):.0%}")
    products = [f for f in of("product", figures) if f.share and f.name.endswith("/bf16")]
    if products:
        parts.append(f"bf16 products {max(f.share for f in products):.0%} of cuBLASLt")
    return "; ".join(parts)


if __name__ == "__main__":
    print(summary(read(sys.argv[1])))
