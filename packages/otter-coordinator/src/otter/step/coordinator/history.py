"""What an earlier run of the step committed, read from its journal, and whether it still stands."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import attrs

from otter.manifest.model import Result


@attrs.define
class Committed:
    """A task that an earlier run committed.

    Attributes:
        sequence: place of the commit among all commits of the journal.
        digest: of its spec.
        entry: its part of the manifest.
        values: scratchpad entries that it made.
        specs: what it generated.
    """

    sequence: int
    digest: str
    entry: dict[str, Any]
    values: dict[str, Any]
    specs: list[dict[str, Any]]


class History:
    """The commits of earlier runs by task name.

    Args:
        records: of the journal, in order.
    """

    def __init__(self, records: Iterable[dict[str, Any]] = ()) -> None:
        self.committed: dict[str, Committed] = {}
        self.sequence = 0
        pages: dict[str, list[dict[str, Any]]] = {}
        for record in records:
            match record.get("kind"):
                case "run":
                    pages.clear()  # of a generator whose commit did not come through
                case "specs":
                    pages.setdefault(record["name"], []).extend(record["specs"])
                case "task":
                    self._take(record, pages.pop(record["entry"]["name"], []))

    def _take(self, record: dict[str, Any], specs: list[dict[str, Any]]) -> None:
        self.sequence += 1
        entry = record["entry"]
        if entry["result"] == Result.SUCCESS.value:
            values = record.get("values") or {}
            self.committed[entry["name"]] = Committed(self.sequence, record["digest"], entry, values, specs)
        else:
            self.committed.pop(entry["name"], None)

    def why_not(self, name: str, digest: str, newest_requirement: int, stale: bool) -> str | None:
        """Why a recorded outcome does not stand; none when it does.

        Args:
            name: the task.
            digest: of its spec as it would run now.
            newest_requirement: sequence of the last commit among all that it requires.
            stale: something that it requires ran in this run.
        """
        committed = self.committed[name]
        if committed.digest != digest:
            return "its spec changed"
        if stale or newest_requirement > committed.sequence:
            return "something that it requires ran again"
        for artifact in committed.entry.get("artifacts") or ():
            problem = artifact_problem(artifact)
            if problem is not None:
                return problem
        return None


def artifact_problem(artifact: dict[str, Any]) -> str | None:
    """Why an artifact is not what was recorded; none when it is, or when it is not a local file.

    Compared are existence, size, and, where the modification time changed, the SHA-256 that was recorded; a file that
    was too large for one must not have been touched.
    """
    try:
        for fact in _recorded_files(artifact):
            problem = _file_problem(fact)
            if problem is not None:
                return problem
    except (AttributeError, TypeError):  # what a journal holds came from a worker, or from whoever can write there
        return "its artifacts are not recorded in a form that can be compared"
    return None


def _recorded_files(artifact: dict[str, Any]) -> list[dict[str, Any]]:
    facts = artifact.get("files")
    if isinstance(facts, list):
        return facts
    destinations = artifact.get("destination") or []
    names = [destinations] if isinstance(destinations, str) else destinations
    return [{"path": path} for name in names if (path := local_path(str(name))) is not None]


def _file_problem(fact: dict[str, Any]) -> str | None:
    path = Path(str(fact.get("path", "")))
    try:
        status = path.stat()
        size, digest = fact.get("size"), fact.get("sha256")
        if size is None:
            return None
        if not stat.S_ISREG(status.st_mode):
            return f"its artifact {path} is no file any more"
        if status.st_size != size:
            return f"its artifact {path} has {status.st_size} bytes instead of {size}"
        if fact.get("modified_ns") == status.st_mtime_ns:
            return None
        if digest is None:
            return f"its artifact {path} was modified, and is too large for a SHA-256 to have been recorded"
        return None if sha256_of(path) == digest else f"its artifact {path} has another SHA-256 than was recorded"
    except FileNotFoundError:
        return f"its artifact {path} is gone"
    except (OSError, ValueError) as error:
        return f"its artifact {path} cannot be read: {getattr(error, 'strerror', None) or error}"


def local_path(location: str) -> str | None:
    """The local path of a location, if it is an absolute one or a file URL."""
    if location.startswith("/"):
        return location
    if location.startswith("file://"):
        return unquote(urlsplit(location).path)
    return None


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
