#!/usr/bin/env python3
"""Builds the site into site/build: Doxygen first, then what Doxygen has not: navigation, neighbours, search, links to
sources, and the checks. Anything that is lost (a tag, a page, a link, a picture's words) ends the build."""

import html
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
from checks import problems
from contents import BUILD, HOME, contents, drop_unreachable, read
from page import finish, source_pages, text_pages
from search import search_index

KATEX = Path("/usr/share/javascript/katex")


def fail(lines):
    for line in lines[:40]:
        print(line, file=sys.stderr)
    if len(lines) > 40:
        print(f"... and {len(lines) - 40} more", file=sys.stderr)
    sys.exit(1)


def run_doxygen():
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    result = subprocess.run(["doxygen", "site/Doxyfile"], cwd=HOME, capture_output=True, text=True, check=False)
    said = [line.replace(f"{HOME}/", "") for line in (result.stdout + result.stderr).splitlines() if line.strip()]
    if result.returncode != 0 or said:
        fail(said or ["doxygen failed"])
    shutil.copytree(
        KATEX,
        BUILD / "katex",
        ignore=shutil.ignore_patterns("contrib", "*.mjs", "katex.js", "katex.css", "fonts", "katex.min.js"),
    )
    shutil.copyfile(KATEX / "katex.js", BUILD / "katex" / "katex.min.js")
    shutil.copyfile(KATEX / "contrib" / "auto-render.js", BUILD / "katex" / "auto-render.js")
    shutil.copytree(
        KATEX / "fonts",
        BUILD / "katex" / "fonts",
        ignore=lambda folder, names: (
            [n for n in names if not n.endswith(".woff2")]
            if any(n.endswith(".woff2") for n in os.listdir(folder))
            else []
        ),
    )


def main():
    run_doxygen()
    parts, sources = contents(), source_pages()
    sources = text_pages(sources, read(BUILD / sources["apps/start/start.cpp"]))
    classes = {
        match[1]: path.name
        for path in BUILD.glob("*floe_1_1*.html")
        if (match := re.fullmatch(r"(?:class|struct)floe_1_1(\w+)", path.stem)) and "_" not in match[1]
    }
    pages = {}
    for path in sorted(BUILD.glob("*.html")):
        pages[path.stem] = finish(path.stem, read(path), parts, sources, classes)
        path.write_text(pages[path.stem], encoding="utf-8")
    drop_unreachable(pages, parts)
    names = {
        name: html.unescape(re.search(r"<title>(.*?)</title>", text)[1]).removesuffix(" · Floe")
        for name, text in pages.items()
    }
    search_index(pages, names)
    wrong = problems(pages, parts)
    if wrong:
        fail(wrong)
    print((BUILD / "index.html").as_uri())


main()
