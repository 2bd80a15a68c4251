#!/usr/bin/env python3
"""The table of apps in README.md, from the first line of each, in the order of the site.

    site/apps.py            writes it
    site/apps.py --check    says whether it is up to date
"""

import re
import sys

sys.dont_write_bytecode = True
from contents import HOME, apps, contents, read, sentence

README = HOME / "README.md"
TABLE = re.compile(r"(<!-- apps: [^\n]*\n).*?(<!-- end of apps -->\n)", re.S)


def with_table(text):
    pages = [name for _, some in contents() for name, _ in some]
    rows = [f"| [{app}](docs/{app}.md) | {sentence(app).rstrip('.')} |\n" for app in pages if app in apps()]
    return TABLE.sub(lambda found: found[1] + "".join(["| app | what it shows |\n|---|---|\n"] + rows) + found[2], text)


def problems():
    """Apps that the README or the site does not show as they are."""
    pages = [name for _, some in contents() for name, _ in some]
    wrong = [
        f"docs/{app}.md is missing: each app has a page"
        if not (HOME / "docs" / f"{app}.md").exists()
        else f"docs/{app}.md: its first line gives no place among the apps, as <!-- App 50: what it is about. --> does"
        for app in apps()
        if app not in pages
    ]
    if not TABLE.search(read(README)):
        wrong.append("README.md has no lines <!-- apps: ... --> and <!-- end of apps -->, with the table between them")
    elif with_table(read(README)) != read(README):
        wrong.append("README.md: the table of apps is out of date; site/apps.py brings it up to date")
    return wrong


def main():
    if sys.argv[1:] == ["--check"]:
        sys.exit("\n".join(problems()) or None)
    README.write_text(with_table(read(README)), encoding="utf-8")


if __name__ == "__main__":
    main()
