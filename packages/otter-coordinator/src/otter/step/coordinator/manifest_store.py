"""Where the manifest of a release is kept: one file for all its steps, which may run at the same time.

A writer takes the lock, reads, replaces its own step's entry, and publishes the whole by renaming a finished file over
the old one. The file begins with the SHA-256 of itself, counted with zeros in the digest's place, so that damage is found.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from otter.manifest.model import Result
from otter.step.coordinator import failpoints
from otter.step.coordinator.journal import sync_directory
from otter.step.coordinator.ledger import utc_text
from otter.util.errors import ManifestError

FILE_NAME = "manifest.json"
_PREFIX = b'{"sha256":"'
_BLANK = b"0" * 64
_ORDER = ("result", "started_at", "modified_at", "log", "steps")

StepEntry = dict[str, Any]
"""A step's part of the manifest; its `tasks` may be `orjson.Fragment`s."""


def seal(body: bytes) -> bytes:
    """The bytes of the file for a JSON object: its digest comes first."""
    blank = _PREFIX + _BLANK + b'",' + body[1:]
    return _PREFIX + hashlib.sha256(blank).hexdigest().encode() + b'",' + body[1:]


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
    root.pop("sha256", None)
    return root


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
        self._known_root: dict[str, Any] = {}

    def publish(self, key: str, entry: StepEntry) -> None:
        """Insert or replace the entry of one step. Entries of other steps are kept as they are at this moment.

        Raises:
            ManifestError: it cannot be written; the old one stands.
        """
        try:
            with self._locked():
                root = dict(self._known_root) if self._known == self._identity() else self._read()
                root["steps"] = {**root.get("steps", {}), key: entry}
                self._write(_summed_up(root))
                # A long run writes often. As long as nobody else does, what the others wrote need not be read again.
                self._known, self._known_root = self._identity(), root
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
        fd = os.open(self.path.with_name(f".{FILE_NAME}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def _read(self) -> dict[str, Any]:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        try:
            return unseal(data)
        except ManifestError:
            now = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S.%f")
            self.set_aside = self.path.with_name(f"{FILE_NAME}.corrupt-{now}")
            os.replace(self.path, self.set_aside)
            kept = _parsable_steps(data)
            return {"steps": {**kept, **self._rebuild()}}

    def _write(self, root: dict[str, Any]) -> None:
        data = seal(orjson.dumps(root, option=orjson.OPT_UTC_Z))
        temporary = self.path.with_name(f".{FILE_NAME}.{os.getpid()}.tmp")
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(fd, view) :]
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


def _parsable_steps(data: bytes) -> dict[str, Any]:
    """The steps of a manifest whose digest is wrong but whose JSON is whole, as an editor leaves it."""
    try:
        root = orjson.loads(data)
    except ValueError:
        return {}
    steps = root.get("steps") if isinstance(root, dict) else None
    return {key: step for key, step in steps.items() if isinstance(step, dict)} if isinstance(steps, dict) else {}


def _summed_up(root: dict[str, Any]) -> dict[str, Any]:
    """The root's own fields from those of its steps; unknown ones are kept."""
    steps = root["steps"].values()
    results = {step.get("result") for step in steps}
    root["result"] = next(
        (result.value for result in (Result.FAILURE, Result.ABORTED, Result.PENDING) if result in results),
        Result.SUCCESS.value,
    )
    begun = [str(step["started_run_at"]) for step in steps if step.get("started_run_at")]
    if root.get("started_at"):
        begun.append(str(root["started_at"]))
    root["started_at"] = min(begun, default=None)
    root["modified_at"] = utc_text(time.time())
    root.setdefault("log", [])
    return {**{name: root[name] for name in _ORDER}, **{k: v for k, v in root.items() if k not in _ORDER}}
