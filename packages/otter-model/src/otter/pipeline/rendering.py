"""Problems as compilers show them: the place, the line, a caret, and what would be right."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from otter.pipeline.problem import Problem

MAX_WIDTH = 100
"""Characters of a source line that are shown; a longer one is cut around the caret."""

_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_BOLD, _RED, _YELLOW, _CYAN, _DIM, _RESET = "\x1b[1m", "\x1b[1;31m", "\x1b[1;33m", "\x1b[1;36m", "\x1b[2m", "\x1b[0m"


def visible(text: str) -> str:
    """A text of someone else's as a terminal may show it: control and direction characters become escapes."""
    return _HIDDEN.sub(lambda match: _escape(match[0]), text) if not text.isprintable() else text


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def render(problems: Iterable[Problem], *, colour: bool = False, limit: int | None = 100) -> str:
    """Problems as text, with a summary line at the end.

    Args:
        problems: what to show, in order.
        colour: with the escape sequences of a terminal.
        limit: show so many, and say how many more there are; none shows all.
    """
    problems = list(problems)
    shown = problems if limit is None or len(problems) <= limit else problems[:limit]
    blocks = [render_one(problem, colour=colour) for problem in shown]
    if len(shown) < len(problems):
        blocks.append(f"… and {len(problems) - len(shown):,} more")
    return "\n".join([*blocks, summary(problems)])


def summary(problems: Sequence[Problem]) -> str:
    """`3 errors, 1 warning`; `no problems` where there is none."""
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    counts = [f"{n:,} {word}{'s' * (n != 1)}" for n, word in ((errors, "error"), (warnings, "warning")) if n]
    return ", ".join(counts) or "no problems"


def render_one(problem: Problem, *, colour: bool = False) -> str:
    """One problem: a line that editors can jump to, and below it the source, the hint and the notes."""
    tint = (_RED if problem.severity == "error" else _YELLOW) if colour else ""
    bold, dim, cyan, reset = (_BOLD, _DIM, _CYAN, _RESET) if colour else ("", "", "", "")
    file = visible(problem.file)
    place = f"{file}:{problem.line}:{problem.column}" if problem.line else file
    what = f"{visible(problem.path)}: " if problem.path else ""
    lines = [f"{bold}{place}:{reset} {tint}{problem.severity}:{reset} {what}{bold}{visible(problem.message)}{reset}"]
    if problem.line and problem.source.strip():
        number = f"{problem.line:>5}"
        source, before, length = _window(problem.source, problem.column - 1, problem.length)
        lines.append(f"{dim}{number} |{reset} {source}")
        lines.append(f"{' ' * len(number)} {dim}|{reset} {' ' * before}{tint}{'^' * length}{reset}")
    if problem.hint:
        lines.append(f"  {cyan}help:{reset} {visible(problem.hint)}")
    for note in problem.notes:
        where = f"{file}:{note.line}:{note.column}: " if note.line else ""
        lines.append(f"  {cyan}note:{reset} {where}{visible(note.message)}")
    return "\n".join(lines)


def _window(source: str, start: int, length: int) -> tuple[str, int, int]:
    """A line fit to be shown, with the cells before the caret and below the fault."""
    end = start + length
    first = 0
    if len(source) > MAX_WIDTH:
        first = max(0, min(start - MAX_WIDTH // 3, len(source) - MAX_WIDTH))
        end = min(end, first + MAX_WIDTH)
    cut = source[first : first + MAX_WIDTH]
    before, fault = source[first:start], source[start:end]
    left = "…" if first else ""
    right = "…" if first + MAX_WIDTH < len(source) else ""
    return (
        f"{left}{_spread(cut)}{right}",
        len(left) + _cells(_spread(before)),
        max(_cells(_spread(fault)), 1),
    )


def _spread(text: str) -> str:
    return visible(text.replace("\t", "    "))


def _cells(text: str) -> int:
    """Columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
