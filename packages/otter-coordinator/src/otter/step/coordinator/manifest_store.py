"""Where the manifest of a release is kept: one file for all its steps, which may run at the same time.

A writer takes the lock, reads, replaces its own step's entry, and publishes the whole by renaming a finished file
over the old one. The file begins with the SHA-256 of itself, counted with zeros in the digest's place, so that damage
is found.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import hashlib
import itertools
import mmap
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import attrs
import orjson

from otter.manifest.model import Result
from otter.step.coordinator import failpoints
from otter.step.coordinator.durable import sync_directory
from otter.step.coordinator.ledger import utc_text
from otter.util.errors import ManifestError
from otter.util.values import Value

FILE_NAME = "manifest.json"
_PREFIX = b'{"sha256":"'
_BLANK = b"0" * 64
_ORDER = ("result", "started_at", "modified_at", "log")
_TASKS_AT_ONCE = 1000
_STEPS = b',"steps":{'
_INDEX = b',"index":{'
"""Where the steps begin, and the index that closes the file: place, size, result and start of each step's text.

Neither can stand inside a JSON text, where a quotation mark has a backslash before it."""

StepEntry = dict[str, Any]
"""A step's part of the manifest."""


def unseal(data: bytes) -> dict[str, Any]:
    """The object in a manifest file.

    Raises:
        ManifestError: it is damaged. A file without a digest, of another version, is accepted.
    """
    if data.startswith(_PREFIX):
        start = len(_PREFIX)
        blank = data[:start] + _BLANK + data[start + 64 :]
        if hashlib.sha256(blank).hexdigest().encode() != data[start : start + 64]:
            raise ManifestError("it does not match its own SHA-256")
    try:
        root = orjson.loads(data)
    except ValueError as error:
        raise ManifestError(f"it is not JSON: {error}") from error
    if not isinstance(root, dict) or not isinstance(root.get("steps", {}), dict):
        raise ManifestError("it is not a manifest")
    for name in ("sha256", "index"):
        root.pop(name, None)
    return root


@attrs.frozen(eq=False, repr=False)
class _OtherStep(Value):
    """A step that someone else writes: what the whole depends on, and its text as it is."""

    result: Any
    started_at: str | None
    text: bytes

    @classmethod
    def of(cls, step: StepEntry) -> _OtherStep:
        started = step.get("started_run_at")
        return cls(step.get("result"), str(started) if started else None, orjson.dumps(step))


def _split(data: mmap.mmap | bytes, key: str) -> tuple[dict[str, Any], dict[str, _OtherStep]] | None:
    """The root's own fields and the other steps of a manifest, by its index, without reading what the steps hold.

    A step of a million tasks takes ten times its text as objects. None without a usable index: then all of it is read.
    """
    steps_at, index_at = data.find(_STEPS), data.rfind(_INDEX)
    if not 0 < steps_at < index_at:
        return None
    try:
        root = orjson.loads(data[:steps_at] + b"}")
        index = orjson.loads(data[index_at + len(_INDEX) - 1 : len(data) - 1])
        others = {}
        for name, (start, size, result, started_at) in index.items():
            if name != key:
                text = data[start : start + size]
                if not (steps_at < start < index_at and text[:1] == b"{" and text[-1:] == b"}"):
                    return None
                others[name] = _OtherStep(result, started_at, bytes(text))
    except (ValueError, TypeError, AttributeError):
        return None
    return root, others


class LocalManifestStore:
    """The manifest in a directory.

    Args:
        directory: where `manifest.json` stands.
        rebuild: gives the entries of the steps whose journals are at hand, for a manifest that is damaged.

    Attributes:
        set_aside: where a damaged manifest was kept; none if there was none.
    """

    def __init__(self, directory: Path, rebuild: Callable[[], dict[str, StepEntry]] = dict) -> None:
        self.path = directory / FILE_NAME
        self.set_aside: Path | None = None
        self._rebuild = rebuild
        self._known: tuple[int, int, int] | None = None
        self._root: dict[str, Any] = {}
        self._others: dict[str, _OtherStep] = {}

    @property
    def location(self) -> str:
        """The file."""
        return str(self.path)

    def publish(self, key: str, entry: StepEntry, tasks: Iterable[bytes] = ()) -> None:
        """Insert or replace the entry of one step. Entries of other steps are kept as they are at this moment.

        Args:
            key: `<runner>_<step>`.
            entry: the step's part of the manifest, but for its tasks.
            tasks: the tasks' parts as JSON; they are written as they come, because there may be a million of them.

        Raises:
            ManifestError: it cannot be written; the old one stands.
        """
        try:
            with self._locked():
                # A long run writes often. As long as nobody else does, what others wrote need not be read again.
                if self._known is None or self._known != self._identity():
                    self._read(key)
                self._write(self._chunks(key, entry, tasks))
                self._known = self._identity()
        except OSError as error:
            raise ManifestError(f"{self.path}: {error.strerror}") from error

    def _identity(self) -> tuple[int, int, int] | None:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        # A lock file of its own: the manifest itself is replaced, and a lock on it would be left with the old file.
        fd = os.open(self.path.with_name(f".otter.{FILE_NAME}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def _read(self, key: str) -> None:
        try:
            with open(self.path, "rb") as file, contextlib.closing(_mapped(file)) as data:
                split = _split(data, key) if _is_sound(data) else None
                whole = b"" if split is not None else bytes(data)
        except FileNotFoundError:
            self._root, self._others = {}, {}
            return
        self._root, self._others = split if split is not None else self._read_whole(whole, key)
        self._root.pop("sha256", None)

    def _read_whole(self, data: bytes, key: str) -> tuple[dict[str, Any], dict[str, _OtherStep]]:
        try:
            root = unseal(data)
        except ManifestError:
            now = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S.%f")
            self.set_aside = self.path.with_name(f"{FILE_NAME}.corrupt-{now}")
            os.replace(self.path, self.set_aside)
            root = {"steps": {**_parsable_steps(data), **self._rebuild()}}
        steps = root.pop("steps", {})
        return root, {name: _OtherStep.of(step) for name, step in steps.items() if name != key}

    def _chunks(self, key: str, entry: StepEntry, tasks: Iterable[bytes]) -> Iterator[bytes]:
        """The text of the manifest in pieces; its digest is counted with zeros."""
        own = _OtherStep.of(entry)
        root = _summed_up(self._root, [own, *self._others.values()])
        index: dict[str, list[Any]] = {}
        head = _PREFIX + _BLANK + b'",' + orjson.dumps(root)[1:-1] + _STEPS
        size = len(head)
        yield head
        for name, step in self._others.items():
            label = orjson.dumps(name) + b":"
            index[name] = [size + len(label), len(step.text), step.result, step.started_at]
            yield label + step.text + b","
            size += len(label) + len(step.text) + 1
        label = orjson.dumps(key) + b":"
        start = size + len(label)
        for chunk in _step_chunks(label + own.text[:-1], tasks):
            size += len(chunk)
            yield chunk
        index[key] = [start, size - start, own.result, own.started_at]
        yield b"}" + _INDEX + orjson.dumps(index)[1:] + b"}"

    def _write(self, chunks: Iterable[bytes]) -> None:
        temporary = self.path.with_name(f".otter.{FILE_NAME}.tmp")
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            try:
                digest = hashlib.sha256()
                for chunk in chunks:
                    digest.update(chunk)
                    view = memoryview(chunk)
                    while view:
                        view = view[os.write(fd, view) :]
                os.pwrite(fd, digest.hexdigest().encode(), len(_PREFIX))
                failpoints.hit("manifest.tmp")
                os.fsync(fd)
            finally:
                os.close(fd)  # an error may come here, too, and then the file must not be published
            failpoints.hit("manifest.after_fsync")
            os.replace(temporary, self.path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        failpoints.hit("manifest.after_replace")
        sync_directory(self.path.parent)


def _step_chunks(head: bytes, tasks: Iterable[bytes]) -> Iterator[bytes]:
    """The text of a step in pieces, from its own fields to its last task."""
    yield head + b',"tasks":['
    separator, remaining = b"", iter(tasks)
    while batch := list(itertools.islice(remaining, _TASKS_AT_ONCE)):
        yield separator + b",".join(batch)
        separator = b","
    yield b"]}"


def _mapped(file: BinaryIO) -> mmap.mmap:
    """A file's content without a copy of it. An empty file cannot be mapped, so that it is given one byte."""
    if os.fstat(file.fileno()).st_size == 0:
        return mmap.mmap(-1, 1)
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _is_sound(data: mmap.mmap) -> bool:
    """Whether a manifest matches the digest that it begins with."""
    start = len(_PREFIX)
    if data[:start] != _PREFIX:
        return False
    digest = hashlib.sha256(_PREFIX + _BLANK)
    with memoryview(data) as view, view[start + 64 :] as rest:
        digest.update(rest)
    return digest.hexdigest().encode() == data[start : start + 64]


def _parsable_steps(data: bytes) -> dict[str, Any]:
    """The steps of a manifest whose digest is wrong but whose JSON is whole, as an editor leaves it."""
    try:
        root = orjson.loads(data)
    except ValueError:
        return {}
    steps = root.get("steps") if isinstance(root, dict) else None
    return {key: step for key, step in steps.items() if isinstance(step, dict)} if isinstance(steps, dict) else {}


def _summed_up(former: dict[str, Any], steps: list[_OtherStep]) -> dict[str, Any]:
    """The root's own fields from those of its steps; unknown ones are kept."""
    results = {step.result for step in steps}
    root = {**dict.fromkeys(_ORDER), **former}
    root["result"] = next(
        (result.value for result in (Result.FAILURE, Result.ABORTED, Result.PENDING) if result.value in results),
        Result.SUCCESS.value,
    )
    begun = [step.started_at for step in steps if step.started_at is not None]
    if former.get("started_at"):
        begun.append(str(former["started_at"]))
    root["started_at"] = min(begun, default=None)
    root["modified_at"] = utc_text(time.time())
    root["log"] = root["log"] or []
    return root
