#!/usr/bin/env python3
"""Builds the site into site/build: Doxygen first, then what Doxygen has not: navigation, neighbours, search, links to
sources, and the checks. Anything that is lost (a tag, a page, a link, a picture's words) ends the build."""

import html
import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
BUILD = HOME / "site" / "build"
KATEX = Path("/usr/share/javascript/katex")


def fail(lines):
    for line in lines[:40]:
        print(line, file=sys.stderr)
    if len(lines) > 40:
        print(f"... and {len(lines) - 40} more", file=sys.stderr)
    sys.exit(1)


def read(path):
    return path.read_text(encoding="utf-8")


# --- Doxygen ---------------------------------------------------------------------------------------------------------


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


# --- The order of the pages ------------------------------------------------------------------------------------------


def contents():
    """[(part, [(name, title)])], as contents.txt has it."""
    parts = []
    for line in read(HOME / "site" / "contents.txt").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith(" "):
            name, title = line.split(None, 1)
            if name.endswith("?") and not (HOME / "docs" / f"{name[:-1]}.md").exists():
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
    if place > 0:
        text += f'<a class="previous" rel="prev" href="{order[place - 1][0]}.html"><small>Before</small>{html.escape(order[place - 1][1])}</a>'
    if place + 1 < len(order):
        text += f'<a class="next" rel="next" href="{order[place + 1][0]}.html"><small>Next</small>{html.escape(order[place + 1][1])}</a>'
    return text + "</nav>"


# --- One page --------------------------------------------------------------------------------------------------------


def plain(text):
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text))).strip()


def dedented(match):
    """A piece of a program without the indentation that all of its lines have."""
    block = match[0]
    widths = [
        len(spaces)
        for spaces, rest in re.findall(r'<div class="line">(?:<span class="lineno">.*?</span>)?( *)(.*?)</div>', block)
        if rest
    ]
    cut = " " * min(widths, default=0)
    if not cut or 'class="lineno"' in block:
        return block
    return block.replace('<div class="line">' + cut, '<div class="line">')


def linked(match, classes):
    """A piece of a program whose types and calls lead to the reference; Doxygen also takes other things for its functions."""
    out, quiet = [], []
    block = re.sub(r'<a class="code[^"]*" href="[^"]*">([^<]*)</a>(?!\()', r"\1", match[0])
    for part in re.split(r"(<[^>]+>)", block):
        if part.startswith("<span"):
            quiet.append("comment" in part or "literal" in part)
        elif part.startswith("</span"):
            quiet.pop()
        elif part.startswith("<a"):
            quiet.append(True)
        elif part.startswith("</a"):
            quiet.pop()
        elif not part.startswith("<") and not any(quiet):
            part = re.sub(
                r"\b[A-Z]\w+",
                lambda m: f'<a class="code" href="{classes[m[0]]}">{m[0]}</a>' if m[0] in classes else m[0],
                part,
            )
        out.append(part)
    return "".join(out)


def slugs(body):
    """Sections under names made of their headings, which stay when others come and go."""
    taken = {}
    for anchor, heading in re.findall(r'<a class="anchor" id="(autotoc_md\d+)"></a>\s*(.*?)</h\d>', body, re.S):
        slug = re.sub(r"[^a-z0-9]+", "-", plain(heading).lower()).strip("-")
        taken[slug] = taken.get(slug, 0) + 1
        slug += f"-{taken[slug]}" if taken[slug] > 1 else ""
        body = re.sub(rf'(["#]){anchor}"', rf'\g<1>{slug}"', body)
    return body


BLOCK = (
    r'<div class="block"><div class="fragment" tabindex="0">(?:(?!<div class="block">).)*?</div><!-- fragment --></div>'
)


def side_by_side(text, theirs):
    """Pieces of another library, each beside its twin in Floe, which is the snippet that follows it."""

    def pair(match):
        left = re.sub(r'<a class="code[^"]*" href="[^"]*">(.*?)</a>', r"\1", match[1])
        return f'<div class="pair"><div><h4>{theirs}</h4>{left}</div><div><h4>Floe</h4>{match[2]}</div></div>'

    return re.sub(rf'({BLOCK})\s*({BLOCK}<p class="from">.*?</p>)', pair, text, flags=re.S)


def strip(match):
    """The table below the title of a page of the path, as a strip: time to read, time to run, what is new."""
    heads = [plain(cell) for cell in re.findall(r"<th[^>]*>(.*?)</th>", match[0], re.S)]
    cells = [cell.strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", match[0], re.S)]
    kinds = ["new" if head == "New here" else "plain" for head in heads]
    rows = "".join(
        f'<div class="{kind}"><dt>{head}</dt><dd>{cell}</dd></div>' for kind, head, cell in zip(kinds, heads, cells)
    )
    return f'<dl class="strip">{rows}</dl>'


def finish(name, text, parts, sources, titles, classes):
    title = plain(re.search(r"<title>(.*?)</title>", text, re.S)[1]).removeprefix("Floe: ")
    title = titles.get(name, title)
    text = re.sub(
        r"<title>.*?</title>",
        f"<title>{html.escape(title)}{' · Floe' if title != 'Floe' else ''}</title>",
        text,
        count=1,
        flags=re.S,
    )
    text = re.sub(
        r'<div class="title">(.*?)</div>', lambda m: f'<h1 class="title">{m[1]}</h1>', text, count=1, flags=re.S
    )
    if name.endswith("_source") and not name.startswith("text_"):
        path = next(path for path, file in sources.items() if file == f"{name}.html")
        title = path
        text = re.sub(r'<h1 class="title">.*?</h1>', f'<h1 class="title">{path}</h1>', text, count=1, flags=re.S)
        text = re.sub(r"<title>.*?</title>", f"<title>{path} · Floe</title>", text, count=1)
    if name == "index":
        text = re.sub(r'<h1 class="title">.*?</h1>', '<h1 class="title">Floe</h1>', text, count=1, flags=re.S)

    # A page's own sections begin at h2.
    top, mark, body = text.partition('<div class="contents">')
    if "<h1>" in body:
        body = re.sub(r"<(/?)h([1-4])(?=[ >])", lambda m: f"<{m[1]}h{int(m[2]) + 1}", body)
    body = re.sub(
        r'(<h[23]>)<a class="anchor" id="([^"]+)"></a>\s*(.*?)(</h[23]>)',
        lambda m: f'{m[1]}<a class="anchor" id="{m[2]}"></a>{m[3]}<a class="here" href="#{m[2]}" aria-label="Link to this section">#</a>{m[4]}',
        body,
        flags=re.S,
    )
    text = top + mark + slugs(body)

    # Pictures say in words what they show; programs lose their indentation; each block can be copied.
    text = re.sub(
        r'<img src="([^"]+)"[^>]*?/>(\s*<div class="caption">\s*(.*?)</div>)?',
        lambda m: f'<img src="{m[1]}" alt="{html.escape(plain(m[3] or ""), quote=True)}"{size_of(m[1])} loading="lazy">{m[2] or ""}',
        text,
        flags=re.S,
    )
    if not name.endswith("_source"):
        text = re.sub(r'<div class="fragment">.*?</div><!-- fragment -->', dedented, text, flags=re.S)
        text = re.sub(r'<div class="ttc".*?</div></div>\n', "", text, flags=re.S)
        text = re.sub(
            r'<div class="fragment">.*?</div><!-- fragment -->', lambda m: linked(m, classes), text, flags=re.S
        )
    text = re.sub(
        r'<div class="fragment">(.*?</div><!-- fragment -->)',
        r'<div class="block"><div class="fragment" tabindex="0">\1</div>',
        text,
        flags=re.S,
    )
    text = re.sub(
        r'(<!-- fragment --></div>)\s*<p ?><a href="([^"]+)">([\w./]+/[\w./]+)</a></p>',
        r'\1<p class="from"><a href="\2">\3</a></p>',
        text,
    )
    if name in ("keras", "pytorch"):
        text = side_by_side(text, {"keras": "Keras, TensorFlow", "pytorch": "PyTorch"}[name])
    text = re.sub(
        r'<table class="markdownTable">\s*<tr class="markdownTableHead">\s*<th[^>]*>To read .*?</table>',
        strip,
        text,
        count=1,
        flags=re.S,
    )
    text = re.sub(
        r'<pre class="fragment">(.*?)</pre>',
        r'<div class="block"><pre class="fragment output" tabindex="0">\1</pre></div>',
        text,
        flags=re.S,
    )
    text = re.sub(
        r'<table class="markdownTable">.*?</table>',
        lambda m: f'<div class="wide" tabindex="0">{m[0]}</div>',
        text,
        flags=re.S,
    )

    # Links to sources, by their place in the repository, which is told from that of the page's own file.
    folder = {"md_CONTRIBUTING": "", "md_framework_README": "framework"}.get(name, "docs")

    def to_source(match):
        path = (
            match[1].removeprefix("source:")
            if match[1].startswith("source:")
            else os.path.normpath(os.path.join(folder, match[1]))
        )
        return f'href="{sources[path]}"' if path in sources else match[0]

    text = re.sub(r'href="(source:[^"#]+|[^"#:]+/[^"#:]+)"', to_source, text)
    text = text.replace('href="framework/README.md#the-framework-read-in-an-hour"', 'href="md_framework_README.html"')
    text = re.sub(r'<h2 class="groupheader">Detailed Description</h2>', "", text)

    # A file is its source; folders are in the navigation of no one.
    text = re.sub(r'<div id="nav-path".*?</div>', "", text, flags=re.S)
    text = re.sub(r'href="(\w+_8(?:h|cpp))\.html(?:#\w+)?"', r'href="\1_source.html"', text)

    text = re.sub(r'<span class="mlabel">(?:inline|strong)</span>', "", text)
    text = re.sub(r'<p>\s*<a href="[^"]*-members.html">List of all members.*?</p>', "", text, flags=re.S)
    text = re.sub(r'<a href="[^"]*-members.html">List of all members</a>(?: &#124; )?', "", text)

    # What a class has from another is told there; unfolding it here would take scripts of Doxygen's own.
    text = re.sub(r'<tr class="(?:memitem|memdesc|separator):[^"]* inherit [^"]*">.*?</tr>\n?', "", text, flags=re.S)
    text = re.sub(r'<td colspan="2" onclick="[^"]*"><img src="closed.png"[^>]*>', '<td colspan="2">', text)

    first = re.search(r'<div class="(?:contents|textblock)">.*?<p[^>]*>(.{20,}?)</p>', text, re.S)
    about = plain(first[1]) if first and len(plain(first[1])) > 9 else f"{title}: Floe, deep learning in modern C++."
    about = about if len(about) <= 160 else about[:157].rsplit(" ", 1)[0] + " ..."
    text = text.replace(
        '<meta name="description" content="">', f'<meta name="description" content="{html.escape(about, quote=True)}">'
    )
    kinds = " ".join(
        kind
        for kind, yes in [
            ("source", name.endswith("_source")),
            ("with-pairs", 'class="pair"' in text),
            ("home", name == "index"),
            ("group", name.startswith("group__")),
        ]
        if yes
    )
    text = text.replace("<body>", f'<body class="{kinds}">' if kinds else "<body>", 1)
    text = text.replace("<!-- navigation -->", navigation(parts, name))
    return text.replace("<!-- neighbours -->", neighbours(parts, name))


def size_of(name):
    """Width and height of a PNG, so that a page does not jump when it arrives."""
    path = BUILD / name
    if not path.exists() or path.suffix != ".png":
        return ""
    head = path.read_bytes()[:24]
    return f' width="{int.from_bytes(head[16:20], "big")}" height="{int.from_bytes(head[20:24], "big")}"'


def source_pages():
    """The page that shows a source, by its path in the repository."""
    pages = {}
    for path in BUILD.glob("*_source.html"):
        title = re.search(r'<div class="title">(.*?)</div>', read(path), re.S)
        crumbs = re.findall(r'class="navelem"><a class="el" href="[^"]*">(.*?)</a>', read(path))
        pages["/".join(plain(part) for part in crumbs + [title[1]]) if title else path.name] = path.name
    return pages


def text_pages(sources, page):
    """Pages for files that Doxygen does not show and that a page links to: tests, expected outputs, lists."""
    shown = {}
    for path in list((HOME / "docs").glob("*.md")) + [HOME / "CONTRIBUTING.md", HOME / "framework" / "README.md"]:
        for link in re.findall(r"\]\(([^)#:]+)\)", read(path)):
            target = (path.parent / link).resolve()
            name = os.path.relpath(target, HOME)
            if target.is_file() and name not in sources and not name.endswith((".md", ".png")):
                shown[name] = "text_" + re.sub(r"\W", "_", name) + "_source.html"
    start, rest = page.split('<div class="contents">', 1)
    end = rest[rest.index("<!-- start footer part -->") :]
    for name, file in shown.items():
        lines = "".join(f'<div class="line">{html.escape(line)}</div>\n' for line in read(HOME / name).split("\n"))
        head = re.sub(
            r'<div class="title">.*?</div>',
            f'<div class="title">{name}</div>',
            re.sub(r"<title>.*?</title>", f"<title>{name}</title>", start),
        )
        (BUILD / file).write_text(
            f'{head}<div class="contents">\n<div class="fragment">{lines}</div><!-- fragment --></div><!-- contents -->\n{end}',
            encoding="utf-8",
        )
    return sources | shown


# --- Search ----------------------------------------------------------------------------------------------------------


class Sections(HTMLParser):
    """The text of a page, section by section: (anchor, heading, text)."""

    def __init__(self):
        super().__init__()
        self.rows, self.inside, self.heading, self.skip = [["", "", []]], 0, None, 0
        self.anchor = ""

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        classes = attributes.get("class") or ""
        if tag == "div" and "contents" in classes.split():
            self.inside = 1
        elif self.inside and tag == "div":
            self.inside += 1
        if not self.inside:
            return
        if tag == "a" and attributes.get("id"):
            self.anchor = attributes["id"]
        if tag in ("h2", "h3") and "groupheader" not in classes and "memtitle" not in classes:
            self.rows.append([self.anchor, "", []])
            self.heading = tag
        if tag == "h2" and "memtitle" in classes:
            self.rows.append([self.anchor, "", []])
            self.heading = tag
        if classes in ("here", "permalink", "ttc", "overload", "mlabels"):
            self.skip += 1
            self.skip_tag = tag

    def handle_endtag(self, tag):
        if self.skip and tag == self.skip_tag:
            self.skip -= 1
        if tag == self.heading:
            self.heading = None
            if self.anchor and not self.rows[-1][0]:
                self.rows[-1][0] = self.anchor
        if self.inside and tag == "div":
            self.inside -= 1
            self.rows[-1][2].append("\n")
        if self.inside and tag in ("p", "li", "td", "th", "tr", "pre"):
            self.rows[-1][2].append(" ")

    def handle_data(self, data):
        if not self.inside or self.skip:
            return
        if self.heading:
            self.rows[-1][1] += data
            for_anchor = self.anchor
            self.rows[-1][0] = for_anchor
        else:
            self.rows[-1][2].append(data)


def search_index(pages, titles):
    rows = []
    for name, text in sorted(pages.items()):
        if name.endswith("_source") or name.startswith("namespace"):
            continue
        page = titles[name]
        parser = Sections()
        parser.feed(text)
        for anchor, heading, parts in parser.rows:
            words = re.sub(r"\s+", " ", "".join(parts)).strip()
            heading = re.sub(r"\s+", " ", heading).replace("◆ ", "").strip()
            if words or heading:
                rows.append(
                    [f"{name}.html" + (f"#{anchor}" if anchor and heading else ""), page, heading, words[:4000]]
                )
    (BUILD / "search-index.js").write_text(
        "window.floeSearch=" + json.dumps(rows, ensure_ascii=False, separators=(",", ":")) + ";\n", encoding="utf-8"
    )


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


# --- Checks ----------------------------------------------------------------------------------------------------------


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
        if path.stem not in listed + ["home"]
    ]
    wrong += unseen_code() + unknown_names()
    return sorted(wrong)


def unseen_code():
    """Code blocks that no compiler saw, and pictures and outputs that no recipe made."""
    wrong = []
    recipes = HOME / "site" / "captures.txt"
    made = re.findall(r"^(\S+):", read(recipes), re.M) if recipes.exists() else []
    for path in sorted((HOME / "docs").glob("*.md")):
        text = read(path)
        for match in re.finditer(r"^```(\w+)", text, re.M):
            if match[1] in ("cpp", "c++", "cxx") and path.name != "pytorch.md":  # which shows PyTorch's own
                wrong.append(
                    f"docs/{path.name}: C++ that is not a snippet, at line {text[:match.start()].count(chr(10)) + 1}"
                )
        for used in re.findall(r"docs/captured/([\w.-]+)", text) + re.findall(r"\(captured/([\w.-]+)\)", text):
            if used not in made:
                wrong.append(f"docs/{path.name}: site/captures.txt does not say how captured/{used} was made")
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


def main():
    run_doxygen()
    parts, sources = contents(), source_pages()
    sources = text_pages(sources, read(BUILD / sources["apps/start/start.cpp"]))
    titles = {name: title for _, some in parts for name, title in some} | {"index": "Floe"}
    classes = {
        match[1]: path.name
        for path in BUILD.glob("*floe_1_1*.html")
        if (match := re.fullmatch(r"(?:class|struct)floe_1_1(\w+)", path.stem)) and "_" not in match[1]
    }
    pages = {}
    for path in sorted(BUILD.glob("*.html")):
        pages[path.stem] = finish(path.stem, read(path), parts, sources, titles, classes)
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
