"""What of the log of a task that failed tells why: for those who show some lines of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

FRAMES = 6
"""Frames of the task's own code that are shown of a process that was stopped where it was."""

_ATTEMPT = re.compile(r"\[attempt \d+\]")
_CURRENT, _FRAME = "Current thread ", "  File "
_OTHERS = ("Thread 0x", _FRAME)
_MACHINERY = ("/otter/task/task_reporter.py", "/otter/step/worker/")
_CHAINED = (
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
)
TRACEBACK = "Traceback (most recent call last):"


def excerpt(log: Sequence[str]) -> list[str]:
    """The lines of the last attempt. Of the stacks that a process wrote when it had to end, the task's own frames."""
    begun = max((place for place, line in enumerate(log) if _ATTEMPT.fullmatch(line)), default=-1) + 1
    lines = list(log[begun:] or log)
    at = max((place for place, line in enumerate(lines) if line.startswith(_CURRENT)), default=None)
    if at is None or not all(line.startswith(_FRAME) or not line.strip() for line in lines[at + 1 :]):
        return lines
    frames = lines[at + 1 :]
    own = list(takewhile(lambda frame: not any(part in frame for part in _MACHINERY), frames)) or frames
    before = at
    while before and (not lines[before - 1].strip() or lines[before - 1].startswith(_OTHERS)):
        before -= 1
    shown = own[:FRAMES]
    return [*lines[:before], lines[at], *shown, *(["  …"] if len(shown) < len(frames) else [])]


def first_of_chain(lines: Sequence[str]) -> int:
    """The place of the first traceback of those that tell one failure, one from another; the end if there is none."""
    heads = [place for place, line in enumerate(lines) if line.startswith(TRACEBACK)]
    if not heads:
        return len(lines)
    first = heads.pop()
    while heads and any(line in _CHAINED for line in lines[heads[-1] : first]):
        first = heads.pop()
    # A log that is cut may begin in the middle of the first one.
    return 0 if not heads and any(line in _CHAINED for line in lines[:first]) else first
