"""The index of the search: a row for each section of each page."""

import json
import re
from html.parser import HTMLParser

from contents import BUILD


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
