"""What earlier runs of the step did, as their journal tells it, and whether what they committed still stands.

Of a commit only its place in the journal is kept, and it is read again when its task comes to its turn: a step may have
a million of them.
"""

from __future__ import annotations

import hashlib
import re
import stat
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import attrs
import orjson

from otter.manifest.model import Result
from otter.step.coordinator.former_records import FormerRecords
from otter.step.coordinator.journal import JournalError, decode_record
from otter.util.values import Shown, Value

KEPT = "done before, nothing changed"
NEVER = "never run before"

_TASK = re.compile(rb'\{"kind":"task","name":("(?:[^"\\]|\\.)*"),"result":"([a-z]+)","entry_size":(\d+),')
"""How the record of a task begins, so that what else it says need not be looked at."""

LOST = "the run was killed, or its machine went down, while it was running"
"""What is known of an attempt of which the journal has the beginning and no end."""

WIDTH = 200
"""Characters of a reason that is told in one line."""

Table = dict[str, Any]


def begin_task_record(name: str, result: str, entry: bytes) -> bytes:
    """How the record of a task begins; what follows ends with its entry and a brace."""
    return b'{"kind":"task","name":%b,"result":"%b","entry_size":%d,' % (
        orjson.dumps(name),
        result.encode(),
        len(entry),
    )


# Not frozen: that would double the time it takes to make one, and there are as many as tasks.
@attrs.define(eq=False, repr=False)
class Committed(Shown):
    """A task that an earlier run completed.

    Attributes:
        sequence: place of the commit among all commits of the journal.
        at: where the body of its record stands.
        size: of the body.
        entry_size: of its entry, which is the last thing in the body but for a brace; 0 if only decoding tells.
        pages: where the records with what it generated stand, and their sizes.
    """

    sequence: int
    at: int
    size: int
    entry_size: int
    pages: tuple[tuple[int, int], ...] = ()


@attrs.frozen(eq=False, repr=False)
class Recalled(Value):
    """What the journal says of a completed task.

    Attributes:
        sequence: place of the commit among all commits of the journal.
        digest: SHA-256 of its spec, where an older version recorded that.
        spec: as it was sent to the worker; none where an older version did not record it.
        entry: its part of the manifest.
        values: scratchpad entries that it made.
        specs: what it generated.
    """

    sequence: int
    digest: str | None
    spec: Table | None
    entry: Table
    values: Table
    specs: list[Table]


@attrs.define(eq=False, repr=False)
class Unfinished(Value):
    """A task that earlier runs began, or came to, and did not complete.

    Attributes:
        result: of its last commit; none when there was none, because the run was killed.
        reason: in words, of the last thing that is known to have happened to it.
        attempts: all that were made since it was completed last, if it ever was.
        running: the last of them, whose end nobody recorded.
    """

    result: str | None = None
    reason: str | None = None
    attempts: list[Table] = attrs.field(factory=list)
    running: Table | None = None


class History:
    """What earlier runs did, by task name. Empty until records have been taken in."""

    def __init__(self) -> None:
        self.committed: dict[str, Committed] = {}
        self.unfinished: dict[str, Unfinished] = {}
        self.sequence = 0
        self._file: FormerRecords | None = None
        self._pages: dict[str, list[tuple[int, int]]] = {}
        self._recalled: dict[str, Recalled] = {}

    def attach(self, fd: int) -> None:
        """Give it the open journal, from which commits are read again."""
        self._file = FormerRecords(fd)

    # --- taking records in --------------------------------------------------------------------------------------------

    def take(self, at: int, body: bytes) -> None:
        """Take in the next record of the journal.

        Args:
            at: where its body stands.

        Raises:
            JournalError: it is no JSON.
        """
        head = _TASK.match(body)
        if head is not None and head[2] == b"success":
            self._complete(orjson.loads(head[1]), at, len(body), int(head[3]))
            return
        record = decode_record(at, body)
        match record:
            case {"kind": "run"}:
                self._pages.clear()  # of a generator whose commit did not come through
                for name in [name for name, task in self.unfinished.items() if task.running is not None]:
                    self._lose(name)
            case {"kind": "specs", "name": str(name)}:
                self._pages.setdefault(name, []).append((at, len(body)))
            case {"kind": "start", "name": str(name)}:
                self._lose(name)
                keys = ("attempt", "worker", "started_at")
                self._unfinish(name).running = {key: record[key] for key in keys if key in record}
            case {"kind": "attempt", "name": str(name)}:
                task = self._unfinish(name)
                task.running, task.reason = None, record.get("reason")
                task.attempts.append({key: value for key, value in record.items() if key not in ("kind", "name")})
            case {"kind": "task", "entry": {"name": str(name), "result": Result.SUCCESS.value}}:
                self._complete(name, at, len(body), 0)
            case {"kind": "task", "entry": {"name": str(name), "result": str(result)} as entry}:
                self._end_badly(name, result, entry)

    def _complete(self, name: str, at: int, size: int, entry_size: int) -> None:
        self.sequence += 1
        pages = tuple(self._pages.pop(name, ())) if self._pages else ()
        self.committed[name] = Committed(self.sequence, at, size, entry_size, pages)
        if self.unfinished:
            self.unfinished.pop(name, None)

    def _end_badly(self, name: str, result: str, entry: Table) -> None:
        self.sequence += 1
        self._pages.pop(name, None)
        task = self._unfinish(name)
        task.result, task.reason, task.running = result, entry.get("failure_reason"), None
        attempts = entry.get("attempts")  # with those of the runs before
        if isinstance(attempts, list) and attempts:
            task.attempts = attempts

    def _unfinish(self, name: str) -> Unfinished:
        """A task that was begun again, or ended badly: what it completed before is not what is there now."""
        self.committed.pop(name, None)
        task = self.unfinished.setdefault(name, Unfinished())
        task.result = None
        return task

    def _lose(self, name: str) -> None:
        """Nobody recorded how the attempt ended that was running."""
        task = self.unfinished.get(name)
        if task is not None and task.running is not None:
            task.attempts.append(
                {**task.running, "result": "lost", "reason": LOST, "next": "tried again by a later run"}
            )
            task.running, task.reason = None, LOST

    # --- asking -------------------------------------------------------------------------------------------------------

    def attempts_of(self, name: str) -> list[Table]:
        """The attempts that earlier runs made of a task since it was completed last."""
        if name not in self.unfinished:
            return []
        self._lose(name)
        return self.unfinished[name].attempts

    def attempts_made(self, name: str) -> int:
        """The number of the last of those attempts."""
        numbers = [attempt.get("attempt") for attempt in self.attempts_of(name)[-1:]]
        return numbers[0] if numbers and isinstance(numbers[0], int) else 0

    def recall(self, name: str) -> Recalled:
        """What the journal says of a completed task; `forget` when it is not needed any more.

        Raises:
            JournalError: its record cannot be read again.
        """
        recalled = self._recalled.get(name)
        if recalled is None:
            recalled = self._recalled[name] = self._read(self.committed[name])
        return recalled

    def forget(self, name: str) -> None:
        """Give the room back that `recall` took."""
        self._recalled.pop(name, None)

    def entry_of(self, committed: Committed) -> bytes:
        """A completed task's part of the manifest, as JSON.

        Raises:
            JournalError: its record cannot be read again.
        """
        assert self._file is not None, "what is committed has been read from there"
        size = committed.entry_size
        if size:
            text = self._file.read(committed.at + committed.size - 1 - size, size)
            if text[:1] == b"{" and text[-1:] == b"}":
                return text
        return orjson.dumps(self._read(committed).entry)

    def _read(self, committed: Committed) -> Recalled:
        assert self._file is not None, "what is committed has been read from there"
        record = decode_record(committed.at, self._file.read(committed.at, committed.size))
        specs: list[Table] = []
        try:
            for at, size in committed.pages:
                specs += decode_record(at, self._file.read(at, size))["specs"]
            digest, values = record.get("digest"), record.get("values") or {}
            spec = record["spec"] if digest is None else record.get("spec")
            return Recalled(committed.sequence, digest, spec, record["entry"], values, specs)
        except (KeyError, TypeError, AttributeError) as error:
            raise JournalError(f"the record at byte {committed.at} does not say what it must: {error!r}") from error

    def why_not(self, name: str, payload: bytes, upstream: str | None) -> str | None:
        """Why a completed task has to run again; none when it has not.

        Args:
            payload: its spec as it would run now, as JSON with sorted keys.
            upstream: what happened to something that it requires; none if nothing did.
        """
        recalled = self.recall(name)
        if not _is_spec(recalled, payload):
            return spec_change(recalled.spec, orjson.loads(payload))
        if upstream is not None:
            return upstream
        for artifact in recalled.entry.get("artifacts") or ():
            problem = artifact_problem(artifact)
            if problem is not None:
                return problem
        return None

    def why_again(self, name: str) -> str:
        """Why a task runs that no run has completed."""
        task = self.unfinished.get(name)
        if task is None:
            return NEVER
        self._lose(name)
        reason = " ".join((task.reason or "").split())[:WIDTH]
        match task.result:
            case None if task.reason == LOST:
                return "it was running when an earlier run was killed"
            case None:
                return f"it was to be tried again when an earlier run was killed: {reason}"
            case Result.FAILURE.value if reason.startswith(("crashed", "timed out")):
                return f"it {reason}"
            case Result.FAILURE.value:
                return f"it failed: {reason}"
            case Result.ABORTED.value:
                return f"it was {reason}" if reason.startswith("aborted") else f"it was aborted: {reason}"
            case _:
                return f"it was {reason}" if reason.startswith("not begun") else NEVER


def _is_spec(recalled: Recalled, payload: bytes) -> bool:
    """Whether a task was completed with this very spec. As text: to Python, 1 is the same as true."""
    if recalled.digest is not None:
        return recalled.digest == hashlib.sha256(payload).hexdigest()
    return orjson.dumps(recalled.spec, option=orjson.OPT_SORT_KEYS) == payload


def spec_change(before: Table | None, now: Table) -> str:
    """What of a spec changed: the fields, not what stands in them."""
    before = before if isinstance(before, dict) else {}
    changed = [key for key in sorted({*before, *now}) if (key in before, before.get(key)) != (key in now, now.get(key))]
    return f"its spec changed ({', '.join(changed)})" if before and changed else "its spec changed"


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
