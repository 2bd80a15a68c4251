#!/usr/bin/env python3
"""Shows Doxygen a page: each snippet with a link to the file that it comes from, the list of apps where @apps stands, no
comment before its title, no word of what made its outputs, and the name of its file as its address."""

import html
import re
import sys

sys.dont_write_bytecode = True
from contents import heading, placed_apps, sentence

with open(sys.argv[1], encoding="utf-8") as file:
    lines = re.sub(r"\A<!--.*?-->\n", "", file.read(), flags=re.S).split("\n")
if any(re.search(r"@[A-Z_]+@", line) for line in lines):  # figures are still to come
    sys.exit()
lines = [line for line in lines if not line.startswith("<!-- capture: ")]
shown = r"\[([^]]+)\]\((\.\./(?!framework/README|CONTRIBUTING)[^)#]+\.md)\)"  # Markdown that is no page here
lines = [re.sub(shown, r'<a href="\2">\1</a>', line) for line in lines]
name = re.search(r"(?:^|/)docs/(\w+)\.md$", sys.argv[1])
if name and name[1] != "home":
    lines[0] += f" {{#{name[1]}}}"
for i, line in enumerate(lines):
    match = re.match(r"@snippet (\S+) (\S+)$", line)
    if line == "@apps":
        for app in placed_apps():
            title, words = html.escape(heading(app)), html.escape(sentence(app))
            print(f'<li><a href="{app}.html"><b>{title}</b><br>{words}</a></li>')
    elif not match:
        print(line)
    elif i + 1 < len(lines) and lines[i + 1].startswith(f"@snippet {match[1]} "):
        print(f"\n{line}\n")
    else:
        print(f'\n{line}\n\n<a href="source:{match[1]}">{match[1]}</a>\n')
