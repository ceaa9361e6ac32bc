"""The cause behind a failure: a death, a host, an exception at a place, or else the words of the reason.

A thousand tasks that fail because one host is down are one fact, and a reader has to see it as one.
"""

from __future__ import annotations

import re
from typing import Protocol
from urllib.parse import urlsplit

import attrs

DEATHS = frozenset({"crashed", "lost", "timed out", "stopped"})
"""Results of attempts whose worker did not answer for them."""

_URL = re.compile(r"\b(?:https?|ftp|s3|gs)://[^\s'\"<>)\]]+")
_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>\S+)', re.MULTILINE)
_EXCEPTION = re.compile(r"^(?P<type>[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Warning|Timeout))\b(?::\s*|$)")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_VARIABLE = re.compile(r"\b0x[0-9a-f]+\b|\b[0-9a-f]{16,}\b|\d+(?:\.\d+)*")
_PATH = re.compile(r"(?<![\w:/])/?(?:[\w.+-]+/)+[\w.+-]+")
_PEAK = re.compile(r" \(peak [^)]*\)| \(in \d+ attempts\)")
_LIBRARY = (
    "site-packages", "dist-packages", "/lib/python", "otter/step/worker/", "otter/task/", "otter/storage/",
    "otter/scratchpad/", "otter/util/", "otter/wire/",
)  # fmt: skip
_OUT_OF_MEMORY = re.compile("(?:possibly )?out of memory")
"""As the death of a process has it: without the first word the kernel said so, with it nobody did."""


@attrs.frozen
class Cause:
    """Why something failed.

    Attributes:
        kind: `death`, `host`, `exception` or `message`: what is the same for all failures of this cause.
        title: names it.
        detail: more about it: the place in the code, or the words of the message.
    """

    kind: str
    title: str
    detail: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """What two failures of one cause have in common."""
        # What a host fails with changes from moment to moment; that it fails is the fact.
        return (self.kind, self.title) if self.kind == "host" else (self.kind, self.title, self.detail)


class FailedAttempt(Protocol):
    """What a cause is read from, of the attempt that failed last."""

    @property
    def result(self) -> str:
        """`failure`, or how its worker ended."""

    @property
    def reason(self) -> str | None:
        """In words."""

    @property
    def signal(self) -> str | None:
        """What killed its process."""

    @property
    def exit_code(self) -> int | None:
        """What its process ended with."""


def cause_of(reason: str | None, exception: str | None, traceback: str | None, attempt: FailedAttempt | None) -> Cause:
    """The cause behind a failure.

    Args:
        reason: what was said of it.
        exception: the exception's type, if it is known.
        traceback: its text.
        attempt: the attempt that failed last.
    """
    text = reason or ""
    if text.startswith("timed out after "):  # whether it stopped when it was asked to, or was killed, is not the cause
        return Cause("death", "timed out", _template(text.removeprefix("timed out ")))
    if attempt is not None and attempt.result in DEATHS:
        return _death(attempt, text)
    spoken = _EXCEPTION.match(text)
    kind = exception or (spoken["type"] if spoken else None)
    host = _host(text)
    if host is not None:
        return Cause("host", host, kind or "")
    place = _place(traceback or "")
    if kind is not None and place is not None:
        return Cause("exception", kind, place)
    words = _template(text[spoken.end() :] if spoken else text)
    if kind is not None:
        return Cause("exception", kind, words)
    return Cause("message", words or "no reason was recorded")


def _death(attempt: FailedAttempt, reason: str) -> Cause:
    if attempt.result == "timed out":
        return Cause("death", "timed out", _template(_first_line(attempt.reason or reason)))
    ordered = attempt.result == "stopped"  # how the process was ended says nothing, why it had to be does
    if attempt.signal is not None and not ordered:
        evidence = _OUT_OF_MEMORY.search(attempt.reason or "")
        return Cause("death", f"killed by {attempt.signal}", evidence[0] if evidence is not None else "")
    if attempt.exit_code is not None and not ordered:
        return Cause("death", f"exited with {attempt.exit_code} before it answered")
    return Cause("death", attempt.result, _template(_first_line(_PEAK.sub("", attempt.reason or reason))))


def _host(text: str) -> str | None:
    for match in _URL.finditer(text):
        try:
            host = urlsplit(match[0]).netloc.rpartition("@")[2]
        except ValueError:
            continue
        if host:
            return host.lower()
    return None


def _place(traceback: str) -> str | None:
    """Where the last exception of a traceback arose: the innermost frame outside of libraries, if there is one."""
    frames = list(_FRAME.finditer(traceback.rpartition("Traceback (most recent call last)")[2] or traceback))
    if not frames:
        return None
    own = [frame for frame in frames if not any(part in frame["file"] for part in _LIBRARY)]
    frame = (own or frames)[-1]
    folder, _, file = frame["file"].rpartition("/")
    if file == "__init__.py":  # a hundred files are called so: the folder tells which
        file = f"{folder.rpartition('/')[2]}/{file}"
    return f"{file}:{frame['line']}, in {frame['function']}"


def _template(text: str) -> str:
    """A message without what differs from task to task."""
    line = _PEAK.sub("", _first_line(text))[:400]
    return _VARIABLE.sub("…", _PATH.sub("…", _QUOTED.sub("…", line))).strip()[:200]


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "")
