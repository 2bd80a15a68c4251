#!/usr/bin/env python3
"""Shows Doxygen a header of Floe: plain comments as documentation, line for line, without what is private.

A comment above a declaration documents it, and what follows in the same paragraph without one of its own. A comment
behind a declaration documents it as well. The comments at the top and those that stand alone describe the header, which
becomes a page in the group of its room. What serves only `for (... : x)` is left out.
"""

import re
import sys

SCOPE = re.compile(r"(?:^|[\s>])(?:namespace|class|struct|union)\b(?![^{;]*\()[^;={]*$|^\s*extern \"C\"\s*$")


def escape(text):
    """Doxygen's commands and HTML, as plain text; what stands in backticks is left as it is."""
    parts = text.split("`")
    for i in range(0, len(parts), 2):
        part = re.sub(r"&", "&amp;", parts[i])
        part = re.sub(r"<(?=\S)", "&lt;", part)
        parts[i] = re.sub(r"([\\@%#*]|(?<=\s)_)", lambda m: "\\" + m[0], part)
    return "`".join(parts)


def prose(comment):
    """The lines of a comment; indented ones as code, which must not change the number of lines."""
    lines, code = [], False
    for i, line in enumerate(comment):
        text = line[1:] if line.startswith(" ") else line
        indented = text.startswith("  ") or (
            code and not text.strip() and any(later[1:].startswith("  ") for later in comment[i + 1 : i + 2])
        )
        if indented and not code:
            language = ".cpp" if any(";" in later or "{" in later for later in comment[i:]) else ".unparsed"
            if lines and not lines[-1].strip():
                lines[-1] = "@code{%s}" % language
            else:
                text = "@code{%s}\n%s" % (language, text)
            code = True
        elif code and not indented:
            lines[-1] += " @endcode"
            code = False
        lines.append(text if code else escape(text))
    if code:
        lines[-1] += " @endcode"
    return lines


def one_line(comment):
    return " ".join(line.strip() for line in comment)


class Header:
    def __init__(self, path, lines):
        self.path, self.lines, self.out = path, lines, []
        match = re.search(r"(?:framework/floe|(datasets))/(?:([a-z0-9_]+)/)?([A-Za-z0-9_]+)\.h$", path)
        self.room = "datasets" if match and match[1] else match[2] if match else None
        self.name = (
            f"{self.room}_{match[2]}_{match[3]}" if match and match[1] else f"{self.room}_{match[3]}" if match else None
        )
        self.shown_path = path[path.index("framework/floe/") + 10 :] if "framework/floe/" in path else path

    def public(self):
        """Whether it is one of the headers that floe.h names, or one that apps include for their data."""
        if "datasets/" in self.path:
            folder, stem = self.path.split("/")[-2:]
            return stem == folder + ".h"
        if not self.room:
            return False
        with open("framework/floe/floe.h", encoding="utf-8") as umbrella:
            named = re.findall(r"<(floe/[^>]+)>", umbrella.read())
        return self.shown_path in named + ["floe/ops/window.h"]

    # --- The parts of a file -----------------------------------------------------------------------------------------

    def run(self):
        lines = self.lines
        top = 0
        while top < len(lines) and lines[top].startswith("//"):
            top += 1
        begin = next(i for i, line in enumerate(lines) if line.startswith("namespace "))
        end = next((i for i, line in enumerate(lines) if line.startswith("// --- Implementation")), None)
        last = max(i for i, line in enumerate(lines) if line.startswith("}"))
        self.notes = [[line[2:] for line in lines[:top]]]
        body = self.body(begin, last if end is None else end)
        body += [""] * (last - begin - len(body))
        describe = [f"/** @defgroup {self.name} {self.shown_path.split('/')[-1]}", f"@ingroup room_{self.room}"]
        for i, note in enumerate(self.notes):
            text = prose(note)
            describe += text if i == 0 else ["<p>" + text[0]] + text[1:]
        describe += [f'<p><a href="source:{self.path}">`{self.shown_path}`</a> */']
        while len(describe) > begin:  # the lines of the file are to stay where they are
            joint = max(i for i in range(1, len(describe)) if i == 2 or not describe[i - 1].startswith(("/**", "@")))
            describe[joint - 1 : joint + 1] = [describe[joint - 1] + " " + describe[joint]]
        return describe + [""] * (begin - len(describe)) + body + lines[last:]

    def body(self, begin, end):
        """The lines from the namespace to its end."""
        out, i, lines = [], begin, self.lines
        scopes = []  # of each open scope: is it shown, and is it a class
        shared = pending = None
        while i < end:
            line = lines[i]
            stripped = line.strip()
            shown = all(scope[0] for scope in scopes)
            if not stripped:
                shared = None
                out.append("")
                i += 1
            elif stripped.startswith("//"):
                start = i
                while i < end and lines[i].strip().startswith("//"):
                    i += 1
                comment = [text.strip()[2:] for text in lines[start:i]]
                alone = i >= end or not lines[i].strip()
                ruler = comment[0].startswith(" ---")
                if alone or ruler or not shown:
                    if alone and not ruler and shown and not (len(scopes) > 1):
                        self.notes.append(comment)
                    out += [""] * len(comment)
                else:
                    pending = comment
            elif stripped.startswith("#"):
                while lines[i].rstrip().endswith("\\"):
                    out.append("")
                    i += 1
                out.append("")
                i += 1
            elif re.match(r"(public|protected|private):", stripped):
                out.append("" if stripped.startswith("private") else line)
                if scopes[-1][1] is not None:
                    scopes[-1] = (not stripped.startswith("private"), True)
                elif out[-1]:
                    out[-1] = ""
                shared = None
                i += 1
            elif stripped.startswith("}"):
                hidden = not all(scope[0] for scope in scopes[:-1]) or scopes[-1][1] is None
                scopes.pop()
                out.append("" if hidden else line)
                shared = None
                i += 1
            else:
                start, opens = i, False
                i, opens, code, trailing = self.statement(i)
                flat = " ".join(code)
                if opens:
                    hidden = bool(re.search(r"namespace (detail|cuda)\b|::Iterator ", flat)) or not shown
                else:
                    hidden = not shown or bool(
                        re.search(
                            r"= (default|delete);|\w>::\w+\(|\bend\(\) const|^\s*friend |^\s*~|\bvirtual ~|static_assert|\b(auto|sentinel_t|Iterator) (begin|end)\(\)|^\s*(class|struct) \w+;",
                            flat,
                        )
                    )
                comment, pending_here = None, pending
                if pending_here is not None:
                    shared = pending_here
                in_class = any(scope[1] for scope in scopes)
                if hidden:
                    out += [""] * (len(pending_here or []) + i - start)
                else:
                    text = prose(pending_here) if pending_here is not None else []
                    extra = []
                    if trailing:
                        extra.append(escape(trailing))
                    if pending_here is None and shared is not None and not opens and not (in_class and trailing):
                        extra.append(
                            escape(one_line(shared))
                            if not any(c.startswith("   ") for c in shared)
                            else escape(one_line([c for c in shared if not c.startswith("   ")]))
                        )
                    if opens and re.search(r"\b(class|struct)\b", flat):
                        name = re.search(r"\b(?:class|struct) (\w+)", flat)
                        if name and re.search(
                            r"\b%s\(const %s&\) = delete" % (name[1], name[1]), "\n".join(lines[i : i + 60])
                        ):
                            extra.append("Neither copied nor moved.")
                    if in_class and not opens:
                        code = self.one_each(code)
                    out += self.documented(text, extra, code, flat)
                    if opens and not scopes:
                        out[-1] += " /** @addtogroup %s */ /** @{ */" % self.name
                if opens:
                    scopes.append(
                        (
                            not hidden,
                            (
                                True
                                if not hidden and re.search(r"\b(class|struct)\b", flat)
                                else None if hidden else False
                            ),
                        )
                    )
                    shared = None
                pending = None
        if scopes:
            out.append("") if len(out) < end - begin else None
        for k in range(len(out) - 1, -1, -1):
            if not out[k]:
                out[k] = "/** @} */"
                break
        return out

    def one_each(self, code):
        """Members that share a declaration, one by one, each of which takes the documentation."""
        match = re.fullmatch(
            r"(\s*(?:static )?(?:const )?[\w:]+(?:<[^>]*>)?) ((?:\w+(?: = [^,;]+)?, )+\w+(?: = [^,;]+)?);\s*",
            " ".join(part.strip() if i else part for i, part in enumerate(code)),
        )
        if not match:
            return code
        return [
            "\0".join(
                f"{match[1] if i == 0 else match[1].strip()} {name};" for i, name in enumerate(match[2].split(", "))
            )
        ] + [""] * (len(code) - 1)

    def documented(self, text, extra, code, flat):
        """A declaration behind its documentation, in as many lines as both had."""
        code = list(code)
        indent = re.match(r"\s*", code[0])[0]
        if "\0" in code[0]:
            if not text:
                return [" ".join(self.documented([], extra, [one], one)[0] for one in code[0].split("\0"))] + code[1:]
            whole = "/** " + " ".join(extra + [part.strip() for part in text]) + " */ "
            return [""] * len(text) + [" ".join(whole + one for one in code[0].split("\0"))] + code[1:]
        if text:
            text = list(text)
            joined = ("" if re.search(r"[.:!?]$|endcode$", text[-1].strip()) else ".") + " "
            own = " ".join(part if part.endswith(".") else part + "." for part in extra)
            if extra and extra[-1].startswith("Neither"):
                text[-1] += joined + own
            elif extra:
                text[0] = own + " " + text[0]
            text[-1] += " */"
            text[0] = "/** " + text[0].strip()
            if "\n" in "".join(text):  # code that opens a comment
                text = "\n".join(text).replace("\n", " ", 1).split("\n")
        elif extra:
            code[0] = (
                indent
                + "/** "
                + " ".join(part if part.endswith((".", ")")) or part is extra[-1] else part + "." for part in extra)
                + " */ "
                + code[0].strip()
            )
        kernel = re.match(r"\s*(/\*\*.*?\*/ )?FLOE_KERNEL\((\w+), (.*)\)\s*$", flat, re.S)
        if kernel:
            shown = code[0][: code[0].index("FLOE_KERNEL")] if extra and not text else ""
            code = [f"{shown}namespace cpu {{ void {kernel[2]}({kernel[3]}); }}"] + [""] * (len(code) - 1)
            if shown:
                code[0] = f"namespace cpu {{ {shown}void {kernel[2]}({kernel[3]}); }}"
            elif text:
                code[0] = f"namespace cpu {{ {' '.join(text)} void {kernel[2]}({kernel[3]}); }}"
                text = [""] * len(text)
        return text + code

    def statement(self, i):
        """One declaration from line i on: the line behind it, whether it opens a scope, its code, and its comment."""
        start, depth, code, trailing = i, 0, [], ""
        while True:
            line = self.lines[i]
            bare = re.sub(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\'', lambda m: " " * len(m[0]), line)
            cut = bare.find("//")
            if cut >= 0:
                if depth <= 0 or bare[:cut].rstrip().endswith("{") and depth == 0 or depth == 0:
                    trailing = (
                        (trailing + " " + line[cut + 2 :].strip()).strip() if not trailing or depth == 0 else trailing
                    )
                line, bare = line[:cut].rstrip(), bare[:cut].rstrip()
            code.append(line)
            i += 1
            flat = " ".join(code)
            if (
                depth == 0
                and bare.endswith("{")
                and SCOPE.search(re.sub(r"template <[^{}]*?>(?= )", "", flat.rstrip()[:-1].rstrip()))
                and "(" not in bare
            ):
                return i, True, code, trailing
            depth += bare.count("{") - bare.count("}") + bare.count("(") - bare.count(")")
            if depth == 0 and (bare.endswith((";", "}")) or "FLOE_KERNEL" in flat and bare.endswith(")")):
                return i, False, code, trailing


def main():
    path = sys.argv[1]
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    path = re.sub(r"^.*?(?=(framework/floe|datasets|apps|docs|tests)/)", "", path)
    header = Header(path, lines)
    if path.endswith(".h") and header.public():
        print("\n".join(header.run()))


main()
