"""The logs of tasks: which file is meant, and its text as it grows."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import attrs

from otter.inspection.records import names_in, read_records
from otter.inspection.run_view import LOGS, RunView
from otter.pipeline import visible
from otter.pipeline.nearest import nearest
from otter.util.errors import ConfigError
from otter.util.fs import file_name

SUFFIX = ".log"
SHOWN = 10
"""Names in a message."""
CHUNK = 1 << 20

_DIGEST = re.compile(r"-[0-9a-f]{8}\.log$")


@attrs.frozen
class LogFile:
    """The log of a task; the file need not be there yet.

    Attributes:
        name: of the task; of one that is not known otherwise, what its file name shows of it.
    """

    run: RunView
    name: str
    path: Path


def find_log(runs: list[RunView], wanted: str) -> LogFile:
    """The log of the task with a name, or with the only name that holds a text.

    Raises:
        ConfigError: there is none, or there are several; they are named.
    """
    exact = [LogFile(run, wanted, run.directory / LOGS / file_name(wanted, SUFFIX)) for run in runs]
    if len(written := [log for log in exact if log.path.exists()]) == 1:
        return written[0]
    known = [(run, name, file) for run in runs for name, file in _logs_of(run)]
    run, name, file = known[only_one(wanted, [(run.key, name) for run, name, _ in known])]
    return LogFile(run, name, run.directory / LOGS / file)


def only_one(wanted: str, known: list[tuple[str, str]]) -> int:
    """The place of the task that is meant: by its name, by its description, or by a part of its name.

    Args:
        known: steps and names.

    Raises:
        ConfigError: none is, or several are.
    """
    part = wanted.casefold()
    found = [place for place, (_, name) in enumerate(known) if name == wanted]
    found = found or [place for place, (_, name) in enumerate(known) if name.partition(" ")[2].casefold() == part]
    found = found or [place for place, (_, name) in enumerate(known) if part in name.casefold()]
    if len(found) == 1:
        return found[0]
    if not found:
        near = nearest(wanted, (name for _, name in known))
        hint = f"; did you mean {near!r}?" if near is not None else ""
        raise ConfigError(f"no task that ran has {wanted!r} in its name{hint}")
    several = len({step for step, _ in known}) > 1
    names = [f"{name} (step {step})" if several else name for step, name in (known[place] for place in found)]
    more = f"\n    … and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    lines = "".join(f"\n    {visible(name)}" for name in names[:SHOWN])
    raise ConfigError(f"{wanted!r} is in the names of {len(names):,} tasks:{lines}{more}")


def _logs_of(run: RunView) -> Iterator[tuple[str, str]]:
    """The tasks of a run, each with the name of its log file."""
    names = names_in(read_records(run))
    for table in (run.status or {}).get("running", []), (run.status or {}).get("waiting", []):
        names.update(dict.fromkeys(str(item.get("name")) for item in table))
    files = {file_name(name, SUFFIX): name for name in names}
    for file, name in files.items():
        yield name, file
    for path in sorted((run.directory / LOGS).glob(f"*{SUFFIX}")):
        if path.name not in files:  # a run lists only some of the many tasks that it may be at
            yield _DIGEST.sub("", path.name), path.name


def last_lines(path: Path, count: int) -> int:
    """The offset at which the last lines of a file begin."""
    with open(path, "rb") as file:
        end = file.seek(0, os.SEEK_END)
        at, missing = end, count
        if not count:
            return end
        while at > 0:
            start = max(0, at - CHUNK)
            file.seek(start)
            block = file.read(at - start)
            if at == end and block.endswith(b"\n"):  # it ends the last line, and begins none
                block = block[:-1]
            place = len(block)
            while (place := block.rfind(b"\n", 0, place)) >= 0:
                missing -= 1
                if missing <= 0:
                    return start + place + 1
            at = start
    return 0


def read_from(path: Path, offset: int = 0) -> Iterator[bytes]:
    """What is in a file from an offset on, in pieces."""
    with open(path, "rb") as file:
        file.seek(offset)
        yield from _pieces_of(file)


def follow(path: Path, offset: int, is_over: Callable[[], bool], wait: Callable[[], None]) -> Iterator[bytes]:
    """What is in a file and what comes into it. It may appear later, and may be replaced, as a new run does it.

    Args:
        path: the file.
        offset: where to begin in the file that is there now.
        is_over: whether nothing more will come; asked when nothing has come.
        wait: called between two looks.
    """
    file: BinaryIO | None = None
    try:
        while True:
            over = is_over()  # asked before looking: what came until then is still found
            if file is None:
                file, offset = _open_at(path, offset), 0
            grown = False
            for piece in _pieces_of(file):
                grown = True
                yield piece
            if file is not None and _is_replaced(path, file):
                file.close()
                file, grown = None, path.exists()
            if grown:
                continue
            if over:
                return
            wait()
    finally:
        if file is not None:
            file.close()


def _open_at(path: Path, offset: int) -> BinaryIO | None:
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed by follow()
    except FileNotFoundError:
        return None
    file.seek(offset)
    return file


def _pieces_of(file: BinaryIO | None) -> Iterator[bytes]:
    while file is not None and (piece := file.read(CHUNK)):
        yield piece


def _is_replaced(path: Path, file: BinaryIO) -> bool:
    """Whether a path names another file than the open one, or that one was cut. An open file's number is not reused."""
    try:
        there, ours = path.stat(), os.fstat(file.fileno())
    except FileNotFoundError:
        return True
    return not os.path.samestat(there, ours) or ours.st_size < file.tell()


def harmless(pieces: Iterable[bytes]) -> Iterator[str]:
    """Bytes of a log as a terminal may show them: what could act on it is spelled out."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for piece in pieces:
        yield _harmless(decoder.decode(piece))
    yield _harmless(decoder.decode(b"", True))


def _harmless(text: str) -> str:
    return "".join(part if part in ("\n", "\t") else visible(part) for part in re.split(r"([\n\t])", text))
