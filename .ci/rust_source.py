"""Splits Rust source into code and prose, without losing positions."""

import re

# Order matters: a raw string before a string, a lifetime before a character.
TOKEN = re.compile(
    r"""
      (?P<line>//[^\n]*)
    | (?P<block>/\*)
    | (?P<raw>\b(?:b|c)?r(?P<hashes>\#*)")
    | (?P<string>\b(?:b|c)?"|")
    | (?P<char>b?'(?:\\(?:x[0-9a-fA-F]{2}|u\{[0-9a-fA-F_]+\}|.)|[^\\'\n])')
    """,
    re.VERBOSE,
)
STRING_END = re.compile(r'\\.|"', re.DOTALL)
BLOCK_EDGE = re.compile(r"/\*|\*/")


def spans(text):
    """Yields (kind, start, end) of each comment, string and character literal."""
    at = 0
    while found := TOKEN.search(text, at):
        start, end = found.span()
        kind = found.lastgroup if found.lastgroup != "hashes" else "raw"
        if found.group("raw") is not None:
            kind = "raw"
            closing = '"' + found.group("hashes")
            end = text.find(closing, end)
            end = len(text) if end < 0 else end + len(closing)
        elif kind == "string":
            while edge := STRING_END.search(text, end):
                end = edge.end()
                if edge.group() == '"':
                    break
            else:
                end = len(text)
        elif kind == "block":
            depth = 1
            while depth and (edge := BLOCK_EDGE.search(text, end)):
                depth += 1 if edge.group() == "/*" else -1
                end = edge.end()
            if depth:
                end = len(text)
        yield kind, start, end
        at = end


def blank(text):
    """Returns spaces in place of all but the line ends."""
    return re.sub(r"[^\n]", " ", text)


def code(text):
    """Returns `text` with comments and literals as spaces."""
    parts, at = [], 0
    for _, start, end in spans(text):
        parts += [text[at:start], blank(text[start:end])]
        at = end
    return "".join(parts) + text[at:]


def prose(text):
    """Returns `text` with all but comments and strings as spaces.

    The marks of a comment are spaces too, so a phrase that goes over a line end is
    found by `\\s+`. A line break in the code between two of them is one `;`, so that
    two comments, or two strings, are not one phrase.
    """
    parts, at = [], 0
    for kind, start, end in spans(text):
        between = text[at:start]
        parts.append(blank(between) if between.isspace() or not between else separated(between))
        body = text[start:end]
        if kind == "line":
            body = re.sub(r"^//[/!]?", lambda mark: " " * len(mark.group()), body)
        elif kind == "char":
            body = blank(body)
        elif kind in ("string", "raw"):
            # A string that goes on in the next line: `\` and the indentation.
            body = body.replace("\\\n", " \n").replace("\\n", "  ")
        parts.append(body)
        at = end
    return "".join(parts) + blank(text[at:])


def separated(text):
    """Returns `text` as spaces, with a `;` at its first character that is none."""
    found = re.search(r"\S", text)
    return blank(text[: found.start()]) + ";" + blank(text[found.end() :])


def without_tests(text):
    """Returns code (from `code`) with each item under `#[cfg(test)]` as spaces."""
    while found := re.search(r"#\[cfg\((?:all\()?test\b[^\]]*\]", text):
        end = item_end(text, found.end())
        text = text[: found.start()] + blank(text[found.start() : end]) + text[end:]
    return text


def item_end(text, at):
    """Returns where the item that begins at `at` ends: its `;`, or its last brace."""
    depth = 0
    for place in range(at, len(text)):
        char = text[place]
        if char in "{([":
            depth += 1
        elif char in "})]":
            depth -= 1
            if depth == 0 and char == "}" and not text[place + 1 :].lstrip().startswith(";"):
                return place + 1
        elif char == ";" and depth == 0:
            return place + 1
    return len(text)
