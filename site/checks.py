"""What must hold of the finished site."""

import html
import re

import apps
import recipes
from contents import BUILD, HOME, is_ready, read


def problems(pages, parts):
    wrong = []
    ids = {name: set(re.findall(r'\b(?:id|name)="([^"]+)"', text)) for name, text in pages.items()}
    for name, text in pages.items():
        for link in set(re.findall(r'\b(?:href|src)="([^"]+)"', text)):
            if re.match(r"(https?:|data:|mailto:)", link):
                continue
            link = html.unescape(link)
            target, _, anchor = link.partition("#")
            target = target or f"{name}.html"
            if not (BUILD / target).exists():
                wrong.append(f"{name}.html: dead link {link}")
            elif anchor and target.endswith(".html") and anchor not in ids.get(target[:-5], ()):
                wrong.append(f"{name}.html: no such place {link}")
        for image in re.findall(r"<img [^>]*>", text):
            if not re.search(r'alt="[^"]{8,}"', image):
                wrong.append(f"{name}.html: a picture without words: {image}")
        if (
            not re.search(r"<title>[^<]+</title>", text)
            or not re.search(r'name="description" content="[^"]{10,}"', text)
            or '<html lang="en">' not in text
        ):
            wrong.append(f"{name}.html: lacks a title, a description or its language")
        if re.search(
            r"\*\*\s*<|@(?:snippet|verbinclude|ref)\b",
            re.sub(r"<pre.*?</pre>|<code>.*?</code>|<div class=\"block\">.*?fragment -->", "", text, flags=re.S),
        ):
            wrong.append(f"{name}.html: markup that shows")
        if text.count("<h1") != 1:
            wrong.append(f"{name}.html: has {text.count('<h1')} headings of the first level")
    listed = [name for _, some in parts for name, _ in some]
    for name in listed:
        if name not in pages:
            wrong.append(f"site/contents.txt: there is no page {name}")
    wrong += [
        f"docs/{path.name} is not in site/contents.txt"
        for path in (HOME / "docs").glob("*.md")
        if path.stem not in listed + apps.apps() + ["home"] and is_ready(path.stem)
    ]
    wrong += unseen_code() + unknown_names() + apps.problems() + recipes.problems()
    return sorted(wrong)


def unseen_code():
    """Code blocks that no compiler saw."""
    wrong = []
    for path in sorted((HOME / "docs").glob("*.md")):
        text = read(path)
        for match in re.finditer(r"^```(\w+)", text, re.M):
            if match[1] in ("cpp", "c++", "cxx") and path.name != "pytorch.md":  # which shows PyTorch's own
                wrong.append(
                    f"docs/{path.name}: C++ that is not a snippet, at line {text[:match.start()].count(chr(10)) + 1}"
                )
    return wrong


def unknown_names():
    """Names of Floe, in the last column of the tables for those who come from elsewhere, that no header has."""
    headers = "\n".join(read(path) for path in (HOME / "framework" / "floe").rglob("*.h"))
    known, wrong = set(re.findall(r"\w+", headers)), []
    for page in ("keras", "pytorch"):
        for row in re.findall(r"^\|.*\|$", read(HOME / "docs" / f"{page}.md"), re.M):
            for code in re.findall(r"`([^`]+)`", row.rstrip("|").rsplit("|", 1)[1]):
                wrong += [
                    f"docs/{page}.md: Floe has no {name}"
                    for name in re.findall(r"[A-Za-z_]\w+", code)
                    if name not in known
                ]
    return wrong
