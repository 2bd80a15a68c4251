#!/usr/bin/env python3
"""Runs the programs whose output the pages show, and keeps or compares what they print.

    site/capture.py                 runs all that is quick and writes docs/captured/
    site/capture.py --all           also what takes minutes, and times
    site/capture.py NAME ...        runs these
    site/capture.py --check NAME    runs one and compares: words as they are, numbers within one in a thousand
    site/capture.py --check         runs nothing: whether pages, recipes and kept files fit together
    site/capture.py --list          the names that are compared; --list --fast or --list --slow those of one label

The pages say what to run; recipes.py tells how. Programs are those of build/release/bin, or of $FLOE_BIN.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
from recipes import HOME, KEPT, problems, recipes

BIN = Path(os.environ.get("FLOE_BIN", HOME / "build" / "release" / "bin"))
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d*)?(?:e[+-]?\d+)?")


def run(recipe):
    """What it prints, or the bytes of the picture it leaves."""
    out = tempfile.mkdtemp(prefix="floe-capture-")
    try:
        words = [word.replace("OUT", out) for word in shlex.split(recipe.command)]
        if words[0] == "=":
            text, status = (HOME / words[1]).read_text(encoding="utf-8"), recipe.statuses[0]
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
        if status not in recipe.statuses:
            wanted = " or ".join(str(one) for one in recipe.statuses)
            sys.exit(f"{recipe.name}: status {status}, not {wanted}:\n{text}")
        if "file" in recipe.options:
            return Path(out, recipe.options["file"]).read_bytes()
        return cut(recipe, text.replace(out, "out")).encode()
    finally:
        shutil.rmtree(out)


def cut(recipe, text):
    lines = text.rstrip("\n").split("\n")
    for option, behind in (("from", 0), ("behind", 1)):
        if option in recipe.options:
            wanted = recipe.options[option]
            found = (i for i, line in enumerate(lines) if (line == wanted if behind else wanted in line))
            start = next(found, None)
            if start is None:
                sys.exit(f"{recipe.name}: no line {'is' if behind else 'holds'} '{wanted}'")
            lines = lines[start + behind :]
    if "lines" in recipe.options:
        count = int(recipe.options["lines"])
        lines = lines[:count] + ["..."] * (len(lines) > count)
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(lines) + "\n"


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


def recipe_of(name):
    if name not in recipes():
        sys.exit(f"no page shows docs/captured/{name}")
    if not recipes()[name]:
        sys.exit(f"no page says how docs/captured/{name} is made; site/capture.py --check says where")
    return recipes()[name]


def check(name):
    recipe, kept = recipe_of(name), KEPT / name
    if not kept.exists():
        sys.exit(f"docs/captured/{name} is missing; site/capture.py {name} makes it")
    if "file" in recipe.options:
        if run(recipe) != kept.read_bytes():
            sys.exit(f"docs/captured/{name} is not what a run leaves; site/capture.py {name} brings it up to date")
        return
    wrong = disagreement(run(recipe).decode(), kept.read_text(encoding="utf-8"))
    if wrong:
        sys.exit(f"docs/captured/{name} is not what a run prints; site/capture.py {name} brings it up to date\n{wrong}")


def keep(recipe):
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / recipe.name).write_bytes(run(recipe))


def list_names(flags):
    for name, recipe in recipes().items():
        slow = recipe is not None and recipe.options.get("label") == "slow"
        if (recipe is None or recipe.is_checked()) and flags in ([], ["--slow" if slow else "--fast"]):
            print(name)


def main(words):
    if words[:1] == ["--list"]:
        return list_names(words[1:])
    if words == ["--check"]:
        return sys.exit("\n".join(problems()) or None)
    if words[:1] == ["--check"]:
        return check(words[1])
    for recipe in [recipe_of(name) for name in words if name != "--all"]:
        keep(recipe)
    if words in ([], ["--all"]):
        for recipe in [recipe_of(name) for name in recipes()]:
            if words or recipe.is_checked() or "slow" not in recipe.options and not (KEPT / recipe.name).exists():
                keep(recipe)
        for path in KEPT.iterdir():
            if path.name not in recipes():
                path.unlink()
    return None


main(sys.argv[1:])
