"""Manifest models: pure data, and names that other programs rely on.

Times are UTC, in ISO 8601 with microseconds and a `Z`; durations are seconds. Fields of other versions survive a read
and a write, because every model is a `Record`.
"""

from __future__ import annotations

import datetime as dt
import enum
from pathlib import Path
from typing import Any

import orjson

from otter.util.errors import ManifestError, OtterError
from otter.util.record import Record


class Result(enum.StrEnum):
    """How a task, a step or a release ended."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ABORTED = "aborted"


class Artifact(Record):
    """Something that a task made: from where, to where."""

    source: str | list[str]
    destination: str | list[str]


class _Timed(Record):
    name: str = ""
    result: Result = Result.PENDING
    elapsed: float | None = None
    log: list[str] = []
    artifacts: list[Artifact] = []
    failure_reason: str | None = None
    started_run_at: dt.datetime | None = None
    finished_run_at: dt.datetime | None = None


class TaskManifest(_Timed):
    """What happened to one task; times of its last attempt."""

    run_elapsed: float | None = None
    started_validation_at: dt.datetime | None = None
    finished_validation_at: dt.datetime | None = None
    validation_elapsed: float | None = None


class StepManifest(_Timed):
    """What happened to one step."""

    tasks: list[TaskManifest] = []


class RootManifest(Record):
    """What happened to a release: one entry for each step, under `<runner>_<step>`."""

    result: Result = Result.PENDING
    started_at: dt.datetime | None = None
    modified_at: dt.datetime | None = None
    log: list[str] = []
    steps: dict[str, StepManifest] = {}

    @classmethod
    def read(cls, path: str | Path) -> RootManifest:
        """The manifest in a file.

        Raises:
            ManifestError: there is none, or it is not a manifest.
        """
        try:
            return cls.model_validate(orjson.loads(Path(path).read_bytes()))
        except OSError as error:
            raise ManifestError(f"{path}: {error.strerror or error}") from error
        except (ValueError, OtterError) as error:
            raise ManifestError(f"{path}: not a manifest: {error}") from error

    def to_json(self) -> bytes:
        """The manifest as the file holds it."""
        return orjson.dumps(self.model_dump(), default=_to_json, option=JSON_OPTIONS | orjson.OPT_INDENT_2)


JSON_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC


def _to_json(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"a manifest cannot hold a {type(value).__name__}")
