"""Where things are, and the order of the pages."""

import html
import re
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
BUILD = HOME / "site" / "build"


def read(path):
    return path.read_text(encoding="utf-8")


def plain(text):
    """HTML as the words that a reader sees."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text))).strip()


def is_ready(name):
    """Whether the page is there, and its figures are: @NAME@ stands where one is still to come."""
    path = HOME / "docs" / f"{name}.md"
    return path.exists() and not re.search(r"@[A-Z_]+@", read(path))


def apps():
    """All apps by name: folders with a source of their own name."""
    return sorted(path.stem for path in (HOME / "apps").glob("*/*.cpp") if path.stem == path.parent.name)


def sentence(app):
    """What an app says of itself, in the first line of its source."""
    return read(HOME / "apps" / app / f"{app}.cpp").split("\n", 1)[0].lstrip("/ ")


def place(app):
    """The number in the first line of an app's page; None where there is none."""
    path = HOME / "docs" / f"{app}.md"
    number = re.match(r"<!-- App (\d+): ", read(path)) if path.exists() else None
    return int(number[1]) if number else None


def placed_apps():
    """The apps that the line "apps" of contents.txt stands for, by their numbers."""
    named = re.findall(r"^ +(\w+)", read(HOME / "site" / "contents.txt"), re.M)
    return sorted((app for app in apps() if app not in named and place(app)), key=place)


def heading(page):
    return re.search(r"^# (.+)$", read(HOME / "docs" / f"{page}.md"), re.M)[1]


def contents():
    """[(part, [(name, title)])], as contents.txt has it."""
    parts = []
    for line in read(HOME / "site" / "contents.txt").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.split() == ["apps"]:
            parts[-1][1].extend((app, heading(app)) for app in placed_apps())
        elif line.startswith(" "):
            name, title = line.split(None, 1)
            if name.endswith("?") and not is_ready(name[:-1]):
                continue
            name = name.rstrip("?")
            parts[-1][1].append((name, title))
        else:
            parts.append((line.strip(), []))
    return parts


def navigation(parts, here):
    text = []
    for part, pages in parts:
        text.append(f"<h2>{html.escape(part)}</h2><ul>")
        for name, title in pages:
            mark = ' aria-current="page"' if name == here else ""
            text.append(f'<li><a href="{name}.html"{mark}>{html.escape(title)}</a></li>')
        text.append("</ul>")
    return "".join(text)


def neighbours(parts, here):
    order = [page for _, pages in parts for page in pages]
    place = next((i for i, page in enumerate(order) if page[0] == here), None)
    if place is None:
        return ""
    text = '<nav class="neighbours" aria-label="Neighbours">'
    for way, rel, word, other in (("previous", "prev", "Previous", place - 1), ("next", "next", "Next", place + 1)):
        if 0 <= other < len(order):
            name, title = order[other]
            text += f'<a class="{way}" rel="{rel}" href="{name}.html"><small>{word}</small>{html.escape(title)}</a>'
    return text + "</nav>"


def drop_unreachable(pages, parts):
    """Doxygen also makes lists and indices, to which nothing leads here."""
    reached, waiting = set(), [name for _, some in parts for name, _ in some]
    while waiting:
        name = waiting.pop()
        if name in pages and name not in reached:
            reached.add(name)
            waiting += re.findall(r'href="(\w+)\.html', pages[name])
    for name in set(pages) - reached:
        (BUILD / f"{name}.html").unlink()
        del pages[name]
