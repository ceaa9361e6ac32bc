"""The fenced blocks of a Markdown page, and what their info strings say of them.

The first word of an info string is the language, as everywhere. After it may stand

    file=PATH   the block is the content of this file
    setup       what makes the environment: only executed where there is none yet
    exit=N      the commands end with this exit code instead of 0
    output      what the commands of the block before print; … stands for anything
    fragment    part of a pipeline file
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<info>[^`]*)$")
LANGUAGES = frozenset({"sh", "toml", "python", "text"})


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        line: of its first line in the page, from 1.
        flags: words after the language; `file=x` is `{"file": "x"}`, and a word alone has no value.
    """

    page: Path
    line: int
    language: str
    flags: dict[str, str]
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found: list[Block] = []
    fence, start, info, lines = "", 0, "", list[str]()
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        opening = _FENCE.match(line)
        if not fence and opening is not None:
            fence, start, info, lines = opening["fence"], number + 1, opening["info"].strip(), []
        elif fence and line == fence:
            language, *words = info.split() or [""]
            flags = {key: value for key, _, value in (word.partition("=") for word in words)}
            found.append(Block(page, start, language, flags, "\n".join(lines) + "\n"))
            fence = ""
        elif fence:
            lines.append(line)
    assert not fence, f"{page}:{start}: the block has no end"
    return found


def matches(expected: str, printed: str) -> bool:
    """Whether something was printed as a page shows it."""
    pattern = ".*?".join(re.escape(part) for part in expected.strip().split("…"))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None
