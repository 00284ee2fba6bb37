# SPDX-License-Identifier: Apache-2.0
"""Our own documents as man pages (man(7) macros): headings, paragraphs, lists, tables, examples; nothing else is needed."""
import re


def escape(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    for letter, name in (("…", "..."), ("→", "\\(->"), ("—", "\\(em"), ("’", "'"), ("×", "x")):
        text = text.replace(letter, name)
    return text


def inline(text: str) -> str:
    """Bold and code become bold, a link its words (and its address, if that is one on the web)."""
    text = re.sub(r"\[([^\]]+)\]\((\S+?)\)", lambda m: f"{m.group(1)} ({m.group(2)})" if "://" in m.group(2) else m.group(1), text)
    out = []
    for piece in re.split(r"(``[^`]+``|`[^`]+`|\*\*[^*]+\*\*|(?<!\w)_[^_]+_(?!\w))", text):
        if piece.startswith("`"):
            out.append(f"\\fB{escape(piece.strip('`').strip())}\\fR")
        elif piece.startswith("**"):
            inner = inline(piece[2:-2]).replace("\\fR", "\\fB")
            out.append(f"\\fB{inner}\\fR")
        elif piece.startswith("_") and piece.endswith("_") and len(piece) > 2:
            out.append(f"\\fI{escape(piece[1:-1])}\\fR")
        else:
            out.append(escape(piece))
    return "".join(out)


def line_of(text: str) -> str:
    """A line that roff does not take for a request."""
    return "\\&" + text if text[:1] in (".", "'") else text


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def _table(rows: list[str]) -> list[str]:
    """Each row a paragraph: the first cell as its tag, the others below."""
    out = []
    head = cells(rows[0])
    for row in rows[2:]:
        tag, *rest = cells(row)
        out += [".TP", line_of(inline(tag) or "\\ ")]
        if len(head) == 3 and head[1].lower() == "default":
            out.append(line_of(f"{inline(rest[1])} Default: {inline(rest[0])}."))
        else:
            out.append(line_of("; ".join(inline(cell) for cell in rest if cell) or "\\ "))
    return out


def convert(text: str, shift: int = 0) -> list[str]:
    """`##` becomes a section (.SH), `###` and deeper a subsection; with shift 1, `##` becomes a subsection."""
    out: list[str] = []
    lines = text.splitlines()
    paragraph: list[str] = []
    in_item = False

    def flush():
        nonlocal paragraph
        if paragraph:
            out.append(line_of(inline(" ".join(paragraph))))
            paragraph = []

    at = 0
    while at < len(lines):
        line = lines[at]
        heading = re.match(r"^(#+) (.*)$", line)
        item = re.match(r"^( *)(?:[-*]|\d+\.) (.*)$", line)
        if line.startswith("```"):
            flush()
            end = next((i for i in range(at + 1, len(lines)) if lines[i].startswith("```")), len(lines))
            out += [".PP", ".RS 4", ".nf", *(line_of(escape(one)) for one in lines[at + 1:end]), ".fi", ".RE"]
            at, in_item = end, False
        elif line.startswith("<!--"):
            pass
        elif heading:
            flush()
            in_item = False
            level = len(heading.group(1)) + shift
            if level >= 2:
                words = re.sub(r"[`*]", "", heading.group(2))
                out.append(f".SH {quote(words.upper())}" if level == 2 else f".SS {quote(words)}")
        elif line.startswith("|") and at + 1 < len(lines) and lines[at + 1].startswith("|"):
            flush()
            end = next((i for i in range(at, len(lines)) if not lines[i].startswith("|")), len(lines))
            out += _table(lines[at:end])
            at, in_item = end - 1, False
        elif line.startswith("    ") and not paragraph and not in_item:
            end = at
            while end < len(lines) and (lines[end].startswith("    ") or (not lines[end].strip() and end + 1 < len(lines)
                                                                        and lines[end + 1].startswith("    "))):
                end += 1
            out += [".PP", ".RS 4", ".nf", *(line_of(escape(one[4:])) for one in lines[at:end]), ".fi", ".RE"]
            at = end - 1
        elif item:
            flush()
            in_item = True
            option = re.match(r"^((?:`-[^`]*`(?:, )?)+) ?(.*)$", item.group(2))
            if option:
                out += [".TP", line_of(inline(option.group(1)))]
                paragraph = [option.group(2) or "\\ "]
            else:
                out += [".IP \\(bu 2"]
                paragraph = [item.group(2)]
        elif not line.strip():
            flush()
            in_item = False
        else:
            if not paragraph and not in_item:
                out.append(".PP")
            paragraph.append(line.strip())
        at += 1
    flush()
    return out


def quote(text: str) -> str:
    return '"' + escape(text).replace('"', "\\(dq") + '"'


def page(name: str, section: int, version: str, words: str, synopsis: list[str], body: list[str]) -> str:
    head = [".\\\" Made by scripts/make_manual.py; SPDX-License-Identifier: Apache-2.0",
            f'.TH {escape(name).upper()} {section} "" "Restante {escape(version)}" "Restante"', ".nh", ".ad l",
            ".SH NAME", f"{escape(name)} \\- {escape(words)}"]
    if synopsis:
        head += [".SH SYNOPSIS", ".nf", *(line_of(inline(one)) for one in synopsis), ".fi"]
    return "\n".join(head + body) + "\n"
