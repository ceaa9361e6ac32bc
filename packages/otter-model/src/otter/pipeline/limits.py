"""Limits that a text must keep before a parser sees it.

A TOML file may be written by whoever can reach a template or a shared directory, and parsers of TOML have had
quadratic time for keys of many parts and deep recursion for nested arrays. Both are refused here, by a scan that runs
in regular expressions and byte operations: 15 ms for a megabyte.
"""

from __future__ import annotations

import re

MAX_BYTES = 64 * 2**20
"""Bytes of a pipeline file: a step of 100,000 tasks is legitimate and has about 15 MB."""

MAX_SPEC = 12 * 2**20
"""Bytes of one spec as JSON: a frame to a worker has room for it and for what goes with it."""

MAX_VALUES = 6 * 2**20
"""Bytes of the scratchpad that a run begins with as JSON, and of what its tasks store there: a new worker gets all of
it in one frame."""

MAX_KEY_PARTS = 64
MAX_NESTING = 64

# A text that is never closed runs to its end: trying it again from each later quote would be quadratic.
MULTILINE_TEXT = r'"""(?:[^"\\]++|\\.|"(?!""))*+(?:"{3,5})?' + r"|'''(?:[^']++|'(?!''))*+(?:'{3,5})?"
LINE_TEXT = r'"(?:[^"\\\n]++|\\[^\n])*+"?' + r"|'[^'\n]*+'?"
COMMENT = r"#[^\n]*+"

_TEXTS = re.compile(f"{MULTILINE_TEXT}|{LINE_TEXT}|{COMMENT}", re.DOTALL)
_TOKENS = re.compile(rf"{MULTILINE_TEXT}|{LINE_TEXT}|{COMMENT}|[\[\]{{}}.,=\n]", re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_NOT_DOTS = bytes(set(range(256)) - set(b".\n"))


def beyond_limits(text: str) -> tuple[int, str] | None:
    """The place and the name of the first limit that a text breaks; none when it keeps them all."""
    bare = _TEXTS.sub("", text).encode("utf-8", "surrogatepass")
    if b"." * MAX_KEY_PARTS in bare.translate(None, _NOT_DOTS) or _deep(bare):
        return _first_breach(text)
    return None


def _deep(bare: bytes) -> bool:
    """Whether brackets nest deeper than the limit, or do not match, so that only a closer look can tell."""
    brackets = bare.translate(None, _NOT_BRACKETS)
    for _ in range(MAX_NESTING):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return bool(brackets)


def _first_breach(text: str) -> tuple[int, str] | None:
    depth = dots = 0
    for match in _TOKENS.finditer(text):
        mark = match[0]
        if mark in ("[", "{"):
            depth += 1
            dots = 0
            if depth > MAX_NESTING:
                return match.start(), f"arrays and tables nest deeper than {MAX_NESTING}"
        elif mark in ("]", "}"):
            depth = max(depth - 1, 0)
            dots = 0
        elif mark == ".":
            dots += 1
            if dots >= MAX_KEY_PARTS:
                return match.start(), f"a key has more than {MAX_KEY_PARTS} parts"
        elif mark in ("\n", ",", "="):
            dots = 0
    return None
