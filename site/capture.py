#!/usr/bin/env python3
"""Runs the programs whose output the pages show, and keeps or compares what they print.

    site/capture.py                 runs all that is quick and writes docs/captured/
    site/capture.py --all           also what takes minutes, and times
    site/capture.py --check NAME    runs one and compares: words as they are, numbers within one in a thousand

The recipe is captures.txt. Programs are those of build/release/bin, or of $FLOE_BIN.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
KEPT = HOME / "docs" / "captured"
BIN = Path(os.environ.get("FLOE_BIN", HOME / "build" / "release" / "bin"))
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d*)?(?:e[+-]?\d+)?")


class Recipe:
    """NAME: COMMAND [KEY VALUE ...]; see captures.txt."""

    def __init__(self, line):
        self.name, rest = line.split(":", 1)
        self.options = dict(re.findall(r"\[(\w+)(?: ([^\]]*))?\]", rest))
        self.command = re.sub(r"\s*\[\w+(?: [^\]]*)?\]", "", rest).strip()

    def run(self):
        """What it prints, or the bytes of the picture it leaves."""
        out = tempfile.mkdtemp(prefix="floe-capture-")
        try:
            words = [word.replace("OUT", out) for word in shlex.split(self.command)]
            if words[0] == "=":
                text, status = (HOME / words[1]).read_text(encoding="utf-8"), 0
            else:
                environment = {"GOMP_SPINCOUNT": "2000"} | os.environ
                done = subprocess.run(
                    [str(BIN / words[0])] + words[1:],
                    cwd=HOME,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    check=False,
                )
                text, status = done.stdout.decode(), done.returncode
            wanted = int(self.options.get("status", 0))
            if status != wanted:
                sys.exit(f"{self.name}: status {status}, not {wanted}:\n{text}")
            if "file" in self.options:
                return Path(out, self.options["file"]).read_bytes()
            return self.cut(text.replace(out, "out")).encode()
        finally:
            shutil.rmtree(out)

    def cut(self, text):
        lines = text.rstrip("\n").split("\n")
        if "from" in self.options:
            start = next((i for i, line in enumerate(lines) if self.options["from"] in line), None)
            if start is None:
                sys.exit(f"{self.name}: no line holds '{self.options['from']}'")
            lines = lines[start:]
        if "behind" in self.options:
            start = next(i for i, line in enumerate(lines) if line == self.options["behind"])
            lines = lines[start + 1 :]
        if "lines" in self.options:
            count = int(self.options["lines"])
            lines = lines[:count] + ["..."] * (len(lines) > count)
        while lines and not lines[0]:
            lines.pop(0)
        while lines and not lines[-1]:
            lines.pop()
        return "\n".join(lines) + "\n"


def recipes():
    lines = (HOME / "site" / "captures.txt").read_text(encoding="utf-8").splitlines()
    return [Recipe(line) for line in lines if line.strip() and not line.startswith("#")]


def disagreement(found, kept):
    """The first lines that differ in words, or in a number by more than one in a thousand."""
    a, b = found.splitlines(), kept.splitlines()
    for x, y in zip(a, b):
        words = [re.sub(r"\s*([][ ])\s*", r"\1", NUMBER.sub("#", line)).strip() for line in (x, y)]  # columns may be wider
        numbers = [[float(n) for n in NUMBER.findall(line)] for line in (x, y)]
        far = any(abs(p - q) > 1e-3 * abs(q) + 1e-5 for p, q in zip(*numbers))
        if words[0] != words[1] or len(numbers[0]) != len(numbers[1]) or far:
            return f"now:  {x}\nkept: {y}"
    return "" if len(a) == len(b) else f"{len(a)} lines now, {len(b)} kept"


def main():
    if sys.argv[1:2] == ["--check"]:
        recipe = next((one for one in recipes() if one.name == sys.argv[2]), None)
        if not recipe:
            sys.exit(f"captures.txt has no {sys.argv[2]}")
        kept = KEPT / recipe.name
        if not kept.exists():
            sys.exit(f"docs/captured/{recipe.name} is missing; site/capture.py makes it")
        if "file" in recipe.options:
            if recipe.run() != kept.read_bytes():
                sys.exit(f"docs/captured/{recipe.name} is not what a run leaves; site/capture.py brings it up to date")
            return
        wrong = disagreement(recipe.run().decode(), kept.read_text(encoding="utf-8"))
        if wrong:
            sys.exit(
                f"docs/captured/{recipe.name} is not what a run prints; site/capture.py brings it up to date\n{wrong}"
            )
        return
    KEPT.mkdir(parents=True, exist_ok=True)
    known = set()
    for recipe in recipes():
        known.add(recipe.name)
        again = "--all" in sys.argv or not (KEPT / recipe.name).exists() and "slow" not in recipe.options
        if ("slow" in recipe.options or "unchecked" in recipe.options) and not again:
            continue
        (KEPT / recipe.name).write_bytes(recipe.run())
    for path in KEPT.iterdir():
        if path.name not in known:
            path.unlink()


main()
