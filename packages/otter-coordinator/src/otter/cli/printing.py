"""What the verbs that only tell something have in common."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

import orjson

from otter.observers.lines import silence
from otter.pipeline import Problem, render, render_one, visible

SHOWN = 50
"""Items of a list that are shown to a person; a program gets all of them."""


@contextlib.contextmanager
def while_somebody_reads() -> Iterator[None]:
    """Let the reader of a pipe leave before the end, as `head` does: what he does not hear is no error."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        silence(sys.stdout)


def print_json(value: Any) -> None:
    """Print JSON."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())


def tell_problems(problems: Iterable[Problem], *, summed_up: bool = True) -> None:
    """Show what is wrong with a pipeline file on the error output.

    Args:
        summed_up: with a line that counts it.
    """
    shown = list(problems)
    colour = wants_colour(sys.stderr)
    text = render(shown, colour=colour) if summed_up else "\n".join(render_one(one, colour=colour) for one in shown)
    if shown:
        print(text, file=sys.stderr)


def wants_colour(stream: TextIO) -> bool:
    """Whether a stream is a terminal, and its user has not said no to colours."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def say(text: str = "") -> None:
    """Print a line in which nothing acts on a terminal, whoever wrote it."""
    sys.stdout.write(f"{visible(text)}\n")


def say_some(lines: Iterable[str], indent: str = "    ", shown: int = SHOWN) -> None:
    """Print the first lines of a list, and how many more there are."""
    rest = 0
    for number, line in enumerate(lines):
        if number < shown:
            say(f"{indent}{line}")
        else:
            rest += 1
    if rest:
        say(f"{indent}… and {rest:,} more; --json has all of them")


def count(number: int, word: str) -> str:
    """`1 step`, `1,200 tasks`."""
    return f"{number:,} {word}{'s' * (number != 1)}"


def first_line(text: str | None, width: int = 300) -> str:
    """The first line of a text that has something in it, cut."""
    line = next((line.strip() for line in (text or "").splitlines() if line.strip()), "")
    return line if len(line) <= width else f"{line[: width - 1]}…"


def moment(text: Any) -> str:
    """A time of a manifest for people: to the second, in UTC as it was recorded."""
    return f"{text[:19].replace('T', ' ')}Z" if isinstance(text, str) and len(text) >= 19 else "not recorded"
