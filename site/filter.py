#!/usr/bin/env python3
"""Shows Doxygen a header of Floe: plain comments as documentation, line for line, without what is private.

A comment above a declaration documents it, and what follows in the same paragraph without one of its own. A comment
behind a declaration documents it as well; data members and comparisons may go without. The comments at the top and those that stand alone describe the header, which
becomes a page in the group of its room. What serves only `for (... : x)` is left out.
"""

import re
import sys
from typing import NamedTuple

# Declarations that Doxygen does not see: copies and moves, of which the class says that there are none, members defined
# outside of their class, iterators, friends, destructors, and types that are only announced.
INTERNAL = re.compile(
    r"= (default|delete);|\w>::\w+\(|\b(auto|Iterator) (begin|end)\(\)|\bend\(\) const"
    r"|^\s*friend |^\s*~|\bvirtual ~|static_assert|^\s*(class|struct) \w+;"
)
INTERNAL_SCOPE = re.compile(r"namespace (detail|cuda)\b|::Iterator |class Iterator ")
SCOPE = re.compile(r"(?:^|[\s>])(?:namespace|class|struct|union)\b(?![^{;]*\()[^;={]*$")
SEVERAL = re.compile(r"(\s*(?:static )?(?:const )?[\w:]+(?:<[^>]*>)?) ((?:\w+(?: = [^,;]+)?, )+\w+(?: = [^,;]+)?);\s*")
PLAIN = re.compile(r"[^()]*;|.*\boperator==\(.*")  # a member whose name says all; Doxygen wants a comment none the less
NO_WORDS = "&#8203;"
KERNEL = re.compile(r"\s*FLOE_KERNEL\((\w+), (.*)\)\s*", re.S)


class Scope(NamedTuple):
    shown: bool
    is_class: bool


# --- Text ------------------------------------------------------------------------------------------------------------


def escape(text):
    """Doxygen's commands and HTML, as plain text; what stands in backticks is left as it is."""
    parts = text.split("`")
    for i in range(0, len(parts), 2):
        part = re.sub(r"<(?=\S)", "&lt;", parts[i].replace("&", "&amp;"))
        parts[i] = re.sub(r"([\\@%#*]|(?<=\s)_)", lambda m: "\\" + m[0], part)
    return "`".join(parts)


def is_code(line):
    return line.startswith("   ")


def prose(comment):
    """The lines of a comment, as many as it has. Indented ones are code; an empty line stands before them."""
    lines, code = [], False
    for i, line in enumerate(comment):
        goes_on = code and not line.strip() and i + 1 < len(comment) and is_code(comment[i + 1])
        if is_code(line) and not code:
            language = ".cpp" if any(";" in later or "{" in later for later in comment[i:]) else ".unparsed"
            lines[-1] = "@code{%s}" % language
            code = True
        elif code and not is_code(line) and not goes_on:
            lines[-1] += " @endcode"
            code = False
        text = line.removeprefix(" ")
        lines.append(text if code else escape(text))
    if code:
        lines[-1] += " @endcode"
    return lines


def on_one_line(comment):
    """What a comment says beside its examples."""
    return escape(" ".join(line.strip() for line in comment if not is_code(line)))


def sentences(notes):
    return " ".join(note if note.endswith(".") or note is notes[-1] else note + "." for note in notes)


# --- Declarations ----------------------------------------------------------------------------------------------------


class Declaration(NamedTuple):
    end: int  # the line behind it
    opens: bool  # a scope begins
    code: list  # its lines, without comments
    beside: str  # the comment behind it

    def is_internal(self):
        pattern = INTERNAL_SCOPE if self.opens else INTERNAL
        return bool(pattern.search(" ".join(self.code)))


def declaration(lines, i):
    """The one that begins at line i."""
    depth, code, beside = 0, [], ""
    while True:
        line = lines[i]
        bare = re.sub(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\'', lambda m: " " * len(m[0]), line)
        if (cut := bare.find("//")) >= 0:
            if depth == 0:
                beside = (beside + " " + line[cut + 2 :].strip()).strip()
            line, bare = line[:cut].rstrip(), bare[:cut].rstrip()
        code.append(line)
        i += 1
        flat = " ".join(code)
        if depth == 0 and bare.endswith("{") and "(" not in bare:
            if SCOPE.search(re.sub(r"template <[^{}]*?>(?= )", "", flat[:-1].rstrip())):
                return Declaration(i, True, code, beside)
        depth += len(re.findall(r"[{(]", bare)) - len(re.findall(r"[})]", bare))
        if depth == 0 and (bare.endswith((";", "}")) or "FLOE_KERNEL" in flat and bare.endswith(")")):
            return Declaration(i, False, code, beside)


def each_alone(code):
    """Members that share a declaration, one by one; a kernel in its namespace."""
    flat = " ".join(line if i == 0 else line.strip() for i, line in enumerate(code))
    if match := KERNEL.fullmatch(flat):
        return ["namespace cpu { ", f"void {match[1]}({match[2]});", " }"]
    if match := SEVERAL.fullmatch(flat):
        return [""] + [f"{match[1].strip()} {name};" for name in match[2].split(", ")] + [""]
    return None


def documented(above, beside, code):
    """A declaration behind its documentation, in as many lines as both have."""
    if parts := each_alone(code):
        note = " ".join([sentences(beside + [""]).strip()] + [line.strip() for line in above]).strip() or NO_WORDS
        note = f"/** {note} */ "
        whole = parts[0] + " ".join(note + part for part in parts[1:-1]) + parts[-1]
        return [""] * len(above) + [whole] + [""] * (len(code) - 1)
    if above:
        first = sentences(beside + [""]) if beside else ""
        lines = [f"/** {first}{above[0]}"] + above[1:]
        return lines[:-1] + [lines[-1] + " */"] + code
    if beside:
        return [f"/** {sentences(beside)} */ {code[0].strip()}"] + code[1:]
    if PLAIN.fullmatch(" ".join(code)):
        return [f"/** {NO_WORDS} */ {code[0].strip()}"] + code[1:]
    return code


# --- A header --------------------------------------------------------------------------------------------------------


# What floe.h does not name: part of other headers, for programs that choose how floats are multiplied, for who adds an op.
BY_NAME = ["floe/ops/padding.h", "floe/backend/settings.h", "floe/backend/kernels.h", "floe/tape/record.h"]


class Header:
    def __init__(self, path, lines):
        self.path, self.lines = path, lines
        folder, file = path.split("/")[-2:]
        self.stem = file.removesuffix(".h")
        self.of_data = path.startswith("datasets/")
        self.room = "datasets" if self.of_data else folder
        self.group = f"{self.room}_{folder}_{self.stem}" if self.of_data else f"{self.room}_{self.stem}"
        self.shown = path.removeprefix("framework/")
        self.notes = []

    def is_public(self):
        """Whether floe.h names it, some include it by its name, or apps include it for their data."""
        if self.of_data:
            return self.path == f"datasets/{self.stem}/{self.stem}.h"
        with open("framework/floe/floe.h", encoding="utf-8") as umbrella:
            return self.shown in re.findall(r"<(floe/[^>]+)>", umbrella.read()) + BY_NAME

    def text(self):
        """As many lines as the header has: its description in place of the includes, then the declarations."""
        begin = next(i for i, line in enumerate(self.lines) if line.startswith("namespace "))
        last = max(i for i, line in enumerate(self.lines) if line.startswith("}"))
        end = next((i for i, line in enumerate(self.lines) if line.startswith("// --- Implementation")), last)
        top = next(i for i, line in enumerate(self.lines) if not line.startswith("//"))
        self.notes = [[line[2:] for line in self.lines[:top]]]
        body = self.body(begin, end)
        body += [""] * (last - begin - len(body))
        body[max(i for i, line in enumerate(body) if not line)] = "/** @} */"
        return self.description(begin) + body + self.lines[last:]

    def description(self, room):
        text = []
        for note in self.notes:
            paragraph = prose(note)
            text += ["<p>" + paragraph[0]] + paragraph[1:] if text else paragraph
        text.append(f'<p><a href="source:{self.path}">`{self.shown}`</a> */')
        while len(text) > room - 2:
            text[-2:] = [text[-2] + " " + text[-1]]
        head = [f"/** @defgroup {self.group} {self.stem}.h", f"@ingroup room_{self.room}"]
        return head + text + [""] * (room - 2 - len(text))

    def body(self, begin, end):
        out, scopes, above, shared, i = [], [], None, None, begin
        while i < end:
            line, stripped = self.lines[i], self.lines[i].strip()
            shown = all(scope.shown for scope in scopes)
            start = i
            i += 1
            if stripped.startswith("//"):
                while i < end and self.lines[i].strip().startswith("//"):
                    i += 1
                comment = [text.strip()[2:] for text in self.lines[start:i]]
                alone, ruler = i == end or not self.lines[i].strip(), comment[0].startswith(" ---")
                if shown and not alone and not ruler:
                    above = comment
                    continue
                if shown and alone and not ruler and len(scopes) == 1:
                    self.notes.append(comment)
                out += [""] * len(comment)
            elif not stripped or stripped.startswith("#"):
                while self.lines[i - 1].endswith("\\"):
                    i += 1
                out += [""] * (i - start)
                shared = None if not stripped else shared
            elif match := re.match(r"(public|protected|private):", stripped):
                outside = all(scope.shown for scope in scopes[:-1])
                scopes[-1] = Scope(scopes[-1].is_class and match[1] != "private", scopes[-1].is_class)
                out.append(line if outside and scopes[-1].shown else "")
                shared = None
            elif stripped.startswith("}"):
                scope = scopes.pop()
                out.append(line if all(outer.shown for outer in scopes) and (scope.shown or scope.is_class) else "")
                shared = None
            else:
                found = declaration(self.lines, start)
                i = found.end
                shared = above if above is not None else shared
                visible = shown and not found.is_internal()
                if visible:
                    in_class = any(scope.is_class for scope in scopes)
                    out += self.one(found, above, shared, in_class)
                    if found.opens and not scopes:
                        out[-1] += " /** @addtogroup %s */ /** @{ */" % self.group
                else:
                    out += [""] * (len(above or []) + i - start)
                if found.opens:
                    is_type = re.search(r"\b(class|struct)\b", " ".join(found.code))
                    scopes.append(Scope(visible, visible and bool(is_type)))
                    shared = None
                above = None
        return out

    def one(self, found, above, shared, in_class):
        """A declaration that is shown, with all that is said about it."""
        beside = [escape(found.beside)] if found.beside else []
        if above is None and shared is not None and not found.opens and not (in_class and beside):
            beside.append(on_one_line(shared))
        lines = prose(above) if above is not None else []
        name = re.search(r"\b(?:class|struct) (\w+)", " ".join(found.code))
        if found.opens and name and f"{name[1]}(const {name[1]}&) = delete" in "\n".join(self.lines):
            if lines:
                lines[-1] += " Neither copied nor moved."
            else:
                beside.append("Neither copied nor moved.")
        return documented(lines, beside, found.code)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        lines = file.read().split("\n")
    path = re.sub(r"^.*?(?=(framework/floe|datasets)/)", "", sys.argv[1])
    header = Header(path, lines)
    if header.is_public():
        print("\n".join(header.text()))


main()
