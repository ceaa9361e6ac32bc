"""How long tasks took in an earlier run, and how long others like them may take."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from statistics import fmean
from typing import Any, Self

import attrs
import orjson

from otter.config.model import Config
from otter.manifest.model import Result
from otter.util.errors import ManifestError


class Basis(StrEnum):
    """What an expected duration rests on."""

    RECORDED = "recorded"
    """The task itself, in an earlier run."""
    TYPE = "type"
    """The mean of its type."""
    UNKNOWN = "unknown"
    """Nothing: it counts as no time at all."""


@attrs.frozen
class Generated:
    """A task that a generator made in the earlier run."""

    name: str
    kind: str
    requires: tuple[str, ...]


USUAL_START = 0.25
"""Seconds that a worker takes to start, where no earlier run tells."""


@attrs.frozen
class Durations:
    """What an earlier run tells.

    Attributes:
        seconds: by the names of tasks that succeeded, `run` and `validate` together.
        means: by task type.
        generated: by the name of the generator, what it made.
        start: seconds that a worker took to start, the checks of the step included.
        elapsed: of the whole step.
    """

    seconds: Mapping[str, float] = attrs.field(factory=dict, repr=False)
    means: Mapping[str, float] = attrs.field(factory=dict)
    generated: Mapping[str, tuple[Generated, ...]] = attrs.field(factory=dict, repr=False)
    start: float = USUAL_START
    elapsed: float | None = None

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Self:
        """What the entry of a step in a manifest tells."""
        seconds: dict[str, float] = {}
        by_kind: dict[str, list[float]] = {}
        generated: dict[str, list[Generated]] = {}
        for task in entry.get("tasks") or ():
            name, elapsed = str(task.get("name")), task.get("elapsed")
            kind = name.split(None, 1)[0] if name.strip() else ""
            if task.get("result") == Result.SUCCESS and isinstance(elapsed, int | float):
                seconds[name] = float(elapsed)
                by_kind.setdefault(kind, []).append(float(elapsed))
            if task.get("parent") is not None:
                requires = tuple(task.get("requires") or ())
                generated.setdefault(str(task["parent"]), []).append(Generated(name, kind, requires))
        return cls(
            seconds=seconds,
            means={kind: fmean(values) for kind, values in by_kind.items()},
            generated={name: tuple(made) for name, made in generated.items()},
            start=_start(entry),
            elapsed=entry.get("elapsed"),
        )

    def expect(self, name: str, kind: str) -> tuple[float, Basis]:
        """The seconds that a task may take, and what that rests on."""
        if name in self.seconds:
            return self.seconds[name], Basis.RECORDED
        if kind in self.means:
            return self.means[kind], Basis.TYPE
        return 0.0, Basis.UNKNOWN


def _start(entry: Mapping[str, Any]) -> float:
    """Seconds from the beginning of the step to that of its first task: what starting a worker took, and the checks."""
    import datetime as dt

    times = [task.get("started_run_at") for task in entry.get("tasks") or () if not task.get("reused")]
    try:
        began = dt.datetime.fromisoformat(str(entry.get("started_run_at")))
        first = min(dt.datetime.fromisoformat(str(time)) for time in times if time)
        seconds = (first - began).total_seconds()
    except (ValueError, TypeError):
        return USUAL_START
    return seconds if 0 < seconds < 10 else USUAL_START


def read_durations(config: Config, manifest: Path | None) -> Durations:
    """What the manifest of an earlier run tells of a step; nothing where there is none.

    Args:
        config: of the run that is planned.
        manifest: the file; none for the one where the run would write its own.

    Raises:
        ManifestError: the file that was named cannot be read, or has no such step.
    """
    path = manifest if manifest is not None else local_root(config) / "manifest.json"
    try:
        steps = orjson.loads(path.read_bytes())["steps"]
        entry = steps.get(f"{config.runner_name}_{config.step}")
        if entry is None:  # an application runs the same file under its own name
            named = [steps[key] for key in steps if key.partition("_")[2] == config.step]
            entry = named[0] if len(named) == 1 else None
    except (OSError, ValueError, LookupError, AttributeError, TypeError) as error:
        if manifest is None:
            return Durations()
        raise ManifestError(f"{path}: {getattr(error, 'strerror', None) or 'not a manifest'}") from error
    if entry is None and manifest is not None:
        raise ManifestError(f"{path}: no run of the step {config.step!r} is in it")
    return Durations.of(entry or {})


def local_root(config: Config) -> Path:
    """The directory of the manifest of a run; for a remote release the work path."""
    return config.release_directory or config.work_path
