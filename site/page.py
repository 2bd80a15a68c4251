"""One page: what Doxygen wrote, and what becomes of it."""

import html
import os
import re

from contents import BUILD, HOME, navigation, neighbours, plain, read

THEIRS = {
    "keras": "Keras, TensorFlow",
    "pytorch": "PyTorch",
}  # pages with pieces side by side, and whose the left ones are


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
    """A piece of a program whose types and calls lead to the reference; Doxygen takes more than calls for functions."""
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


def sub(pattern, to, text, count=0):
    return re.sub(pattern, to, text, count=count, flags=re.S)


def titled(name, text, title):
    text = sub(
        r"<title>.*?</title>", f"<title>{html.escape(title)}{' · Floe' if title != 'Floe' else ''}</title>", text, 1
    )
    shown = r"\1" if name not in ("index",) and not name.endswith("_source") else html.escape(title)
    return sub(r'<div class="title">(.*?)</div>', f'<h1 class="title">{shown}</h1>', text, 1)


def sections(text):
    """A page's own sections begin at h2, have addresses that stay, and link to themselves."""
    top, mark, body = text.partition('<div class="contents">')
    if "<h1>" in body:
        body = re.sub(r"<(/?)h([1-4])(?=[ >])", lambda m: f"<{m[1]}h{int(m[2]) + 1}", body)
    anchor = r'<a class="anchor" id="\2"></a>'
    here = r'<a class="here" href="#\2" aria-label="Link to this section">#</a>'
    body = sub(r'(<h[23]>)<a class="anchor" id="([^"]+)"></a>\s*(.*?)(</h[23]>)', rf"\1{anchor}\3{here}\4", body)
    return top + mark + slugs(body)


def pictures(text):
    """Pictures say in words what they show, and take their place before they arrive."""

    def picture(match):
        words = html.escape(plain(match[3] or ""), quote=True)
        return f'<img src="{match[1]}" alt="{words}"{size_of(match[1])} loading="lazy">{match[2] or ""}'

    return sub(r'<img src="([^"]+)"[^>]*?/>(\s*<div class="caption">\s*(.*?)</div>)?', picture, text)


def code(name, text, classes):
    """Programs and outputs: blocks that can be copied, with a link to the file that they come from."""
    if not name.endswith("_source"):
        text = sub(r'<div class="fragment">.*?</div><!-- fragment -->', dedented, text)
        text = sub(r'<div class="ttc".*?</div></div>\n', "", text)
        text = sub(r'<div class="fragment">.*?</div><!-- fragment -->', lambda m: linked(m, classes), text)
    block = r'<div class="block"><div class="fragment" tabindex="0">\1</div>'
    text = sub(r'<div class="fragment">(.*?</div><!-- fragment -->)', block, text)
    output = r'<div class="block"><pre class="fragment output" tabindex="0">\1</pre></div>'
    text = sub(r'<pre class="fragment">(.*?)</pre>', output, text)
    path = r'<p ?><a href="([^"]+)">([\w./]+/[\w./]+)</a></p>'
    return sub(rf"(<!-- fragment --></div>)\s*{path}", r'\1<p class="from"><a href="\2">\3</a></p>', text)


def tables(text):
    text = sub(
        r'<table class="markdownTable">\s*<tr class="markdownTableHead">\s*<th[^>]*>To read .*?</table>', strip, text, 1
    )
    return sub(r'(<table class="markdownTable">.*?</table>)', r'<div class="wide" tabindex="0">\1</div>', text)


def links(name, text, sources):
    """Links to sources, by their place in the repository, which is told from that of the page's own file."""
    folder = {"md_CONTRIBUTING": "", "md_framework_README": "framework"}.get(name, "docs")

    def to_source(match):
        path = match[1].removeprefix("source:")
        if path == match[1]:
            path = os.path.normpath(os.path.join(folder, path))
        return f'href="{sources[path]}"' if path in sources else match[0]

    text = re.sub(r'href="(source:[^"#]+|[^"#:]+/[^"#:]+)"', to_source, text)
    text = text.replace('href="framework/README.md#the-framework-read-in-an-hour"', 'href="md_framework_README.html"')
    return re.sub(r'href="(\w+_8(?:h|cpp))\.html(?:#\w+)?"', r'href="\1_source.html"', text)


def quiet(text):
    """Without what Doxygen says of itself: folders, lists of lists, and what would take its own scripts to unfold."""
    text = sub(r'<div id="nav-path".*?</div>', "", text)
    text = text.replace('<h2 class="groupheader">Detailed Description</h2>', "")
    text = re.sub(r'<span class="mlabel">(?:inline|strong)</span>', "", text)
    text = sub(r'<p>\s*<a href="[^"]*-members.html">List of all members.*?</p>', "", text)
    text = re.sub(r'<a href="[^"]*-members.html">List of all members</a>(?: &#124; )?', "", text)
    text = sub(r'<tr class="(?:memitem|memdesc|separator):[^"]* inherit [^"]*">.*?</tr>\n?', "", text)
    return re.sub(r'<td colspan="2" onclick="[^"]*"><img src="closed.png"[^>]*>', '<td colspan="2">', text)


def described(text, title):
    first = re.search(r'<div class="(?:contents|textblock)">.*?<p[^>]*>(.{20,}?)</p>', text, re.S)
    about = plain(first[1]) if first and len(plain(first[1])) > 9 else f"{title}: Floe, deep learning in modern C++."
    about = about if len(about) <= 160 else about[:157].rsplit(" ", 1)[0] + " ..."
    return text.replace(
        'name="description" content=""', f'name="description" content="{html.escape(about, quote=True)}"'
    )


def finish(name, text, parts, sources, classes):
    """What Doxygen wrote, as a page of this site."""
    titles = {page: title for _, some in parts for page, title in some} | {"index": "Floe"}
    paths = {file.removesuffix(".html"): path for path, file in sources.items()}
    title = (
        titles.get(name)
        or paths.get(name)
        or plain(re.search(r"<title>(.*?)</title>", text, re.S)[1]).removeprefix("Floe: ")
    )
    text = code(name, pictures(sections(titled(name, text, title))), classes)
    if name in THEIRS:
        text = side_by_side(text, THEIRS[name])
    text = described(quiet(links(name, tables(text), sources)), title)

    kinds = {"source": name.endswith("_source"), "with-pairs": name in THEIRS, "home": name == "index"}
    text = text.replace("<body>", f'<body class="{" ".join(kind for kind, yes in kinds.items() if yes)}">', 1)
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
            is_page = name.startswith("docs/") or name in ("CONTRIBUTING.md", "framework/README.md")
            if target.is_file() and name not in sources and not (is_page and name.endswith((".md", ".png"))):
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
            f'{head}<div class="contents">\n<div class="fragment">{lines}</div><!-- fragment --></div>\n{end}',
            encoding="utf-8",
        )
    return sources | shown
