"""How each output and picture of the pages is made, which the pages say themselves.

A page shows what is in docs/captured/ as a picture or by @verbinclude. The line above says what made it, on one of the
pages that show it:

    <!-- capture: COMMAND [OPTION ...] -->

Programs come from build/release/bin; OUT is a fresh folder; "= FILE" takes a file of the repository, which a test
compares with a run.
    [status 2]    how it ends, if not with 0
    [from TEXT]   begins at the first line that holds the text; [behind LINE] after the line that is it
    [lines N]     so many lines, then "..."
    [file PATH]   not the output but this picture in OUT
    [label slow]  takes more than five seconds, so its test has the label slow
    [slow]        takes minutes: made with --all alone, and not compared
    [unchecked]   not compared: times, or numbers at the edge of what a float holds; tests look at their words

Three names need no such line:
    X.txt                what stands in apps/X/expected.txt behind the line "the whole run", or all of it
    X-WHAT.txt           pages X.WHAT, an example in docs/code
    mistake-X-WHAT.txt   the same
"""

import re
from pathlib import Path
from typing import NamedTuple

HOME = Path(__file__).resolve().parent.parent
KEPT = HOME / "docs" / "captured"
OPTIONS = ("status", "from", "behind", "lines", "file", "label", "slow", "unchecked")
WHOLE_RUN = "the whole run"


class Recipe:
    """COMMAND [KEY VALUE ...]; it may end with any of these statuses, which what it prints tells apart."""

    def __init__(self, name, text, statuses=(0,)):
        self.name = name
        self.options = dict(re.findall(r"\[(\w+)(?: ([^\]]*))?\]", text))
        self.command = re.sub(r"\s*\[\w+(?: [^\]]*)?\]", "", text).strip()
        self.statuses = (int(self.options["status"]),) if "status" in self.options else statuses

    def is_checked(self):
        return "slow" not in self.options and "unchecked" not in self.options


class Place(NamedTuple):
    """A line of a page that shows something captured, or that says how it is made and shows nothing."""

    line: str  # docs/PAGE.md:NUMBER
    name: str
    text: str  # of the recipe above it


def places():
    found = []
    for page in sorted((HOME / "docs").glob("*.md")):
        text = ""
        for number, line in enumerate(page.read_text(encoding="utf-8").split("\n"), 1):
            where = f"docs/{page.name}:{number}"
            shown = re.findall(r"^@verbinclude docs/captured/(\S+)|\]\(captured/([\w.-]+)\)", line)
            found += [Place(where, output or picture, text) for output, picture in shown]
            if text and not shown:
                found.append(Place(where, "", text))
            match = re.fullmatch(r"<!-- capture: (.*) -->", line)
            text = match[1] if match else ""
    return found


def examples():
    """The names that docs/code enters."""
    sources = [path.read_text(encoding="utf-8") for path in (HOME / "docs" / "code").glob("*.cpp")]
    return set(re.findall(r'[{(]"(\w+\.\w+)", ', "\n".join(sources)))


def by_name(name, known):
    """The recipe of a name that says what it is."""
    expected = HOME / "apps" / Path(name).stem / "expected.txt"
    if name.endswith(".txt") and expected.exists():
        lines = expected.read_text(encoding="utf-8").splitlines()
        behind = f" [behind {WHOLE_RUN}]" if WHOLE_RUN in lines else ""
        return Recipe(name, f"= {expected.relative_to(HOME)}{behind}")
    match = re.fullmatch(r"(?:mistake-)?(\w+)-(\w+)\.txt", name)
    example = f"{match[1]}.{match[2]}" if match else ""
    return Recipe(name, f"pages {example}", (0, 2)) if example in known else None


def recipes():
    """By name, in the order of the pages; None where nothing says how."""
    shown, known = places(), examples()
    texts = {place.name: place.text for place in shown if place.name and place.text}
    names = dict.fromkeys(place.name for place in shown if place.name)
    return {name: Recipe(name, texts[name]) if name in texts else by_name(name, known) for name in names}


def problems():
    """What does not fit together: pages, recipes and kept files."""
    wrong, made, shown = [], {}, places()
    for line, name, text in shown:
        if not text:
            continue
        if not name:
            wrong.append(f"{line}: the capture above makes nothing that this line shows")
        elif name in made:
            wrong.append(f"{line}: {made[name]} says as well how captured/{name} is made; once is enough")
        wrong += [
            f"{line}: a capture has no [{option}]; choose from: {', '.join(OPTIONS)}"
            for option in Recipe(name, text).options
            if option not in OPTIONS
        ]
        made.setdefault(name, line)
    found = recipes()
    for name, recipe in found.items():
        first = next(place.line for place in shown if place.name == name)
        if not recipe:
            wrong.append(f"{first}: nothing says how captured/{name} is made; <!-- capture: COMMAND --> above it does")
        elif not (KEPT / name).exists():
            wrong.append(f"{first}: docs/captured/{name} is missing; site/capture.py {name} makes it")
    kept = sorted(path.name for path in KEPT.iterdir()) if KEPT.exists() else []
    return wrong + [f"docs/captured/{name}: no page shows it" for name in kept if name not in found]
