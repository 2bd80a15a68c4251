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


def contents():
    """[(part, [(name, title)])], as contents.txt has it."""
    parts = []
    for line in read(HOME / "site" / "contents.txt").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith(" "):
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
    for way, rel, word, other in (("previous", "prev", "Before", place - 1), ("next", "next", "Next", place + 1)):
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
