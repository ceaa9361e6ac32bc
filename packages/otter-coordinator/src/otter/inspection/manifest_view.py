"""A manifest as it stands in its file: the tables themselves, with names for what is asked of them.

Nothing is converted and nothing is left out, because these tables are also what `--json` prints. A field that is
missing or of another type counts as not recorded: the manifest may come from another version, or from an editor.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import attrs
import orjson

from otter.manifest.model import Result
from otter.step.coordinator.manifest_store import FILE_NAME, unseal
from otter.util.errors import ManifestError
from otter.util.instants import instant

Table = Mapping[str, Any]


@attrs.frozen(eq=False)
class TaskView:
    """A task's part of a manifest.

    Attributes:
        step: key of its step.
        entry: the part itself.
    """

    step: str
    entry: Table

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.entry.get("name") or "(without a name)")

    @property
    def kind(self) -> str:
        """Its task type: the first word of its name, unless another one was recorded."""
        chosen = self.entry.get("task_type")
        return chosen if isinstance(chosen, str) and chosen else self.name.split(None, 1)[0]

    @property
    def result(self) -> str:
        """Its result, as recorded."""
        return str(self.entry.get("result") or Result.PENDING.value)

    @property
    def reason(self) -> str | None:
        """Why it did not succeed."""
        reason = self.entry.get("failure_reason")
        return str(reason) if reason else None

    @property
    def elapsed(self) -> float | None:
        """Seconds that its run and its validation took."""
        value = self.entry.get("elapsed")
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    @property
    def started(self) -> int | None:
        """When its last attempt began, in microseconds since 1970."""
        return instant(self.entry.get("started_run_at"))

    @property
    def finished(self) -> int | None:
        """When its last attempt ended, in microseconds since 1970."""
        return instant(self.entry.get("finished_validation_at")) or instant(self.entry.get("finished_run_at"))

    @property
    def artifacts(self) -> list[Table]:
        """What it made."""
        return [item for item in _list(self.entry.get("artifacts")) if isinstance(item, dict)]


@attrs.frozen(eq=False)
class ManifestView:
    """A manifest.

    Attributes:
        path: its file.
        steps: the parts of the steps by key.
        problem: why the file is not what was written; none when it is.
    """

    path: Path
    steps: dict[str, Table]
    problem: str | None = None

    @property
    def base(self) -> Path:
        """The directory in which relative locations of a release begin."""
        return self.path.absolute().parent

    def tasks(self, steps: Iterable[str] | None = None) -> Iterator[TaskView]:
        """The tasks of some steps, by default of all, in the manifest's order."""
        for key in self.steps if steps is None else steps:
            for entry in _list(self.steps[key].get("tasks")):
                if isinstance(entry, dict):
                    yield TaskView(key, entry)

    def keys_of(self, wanted: Iterable[str]) -> list[str]:
        """The keys of steps that are named by key or by name.

        Raises:
            ManifestError: there is no such step.
        """
        found: list[str] = []
        for word in wanted:
            named = [key for key, step in self.steps.items() if word in (key, step.get("name"))]
            if not named:
                known = ", ".join(self.steps) or "none"
                raise ManifestError(f"{self.path}: there is no step {word!r}; it has: {known}")
            found += [word] if word in named else named
        return list(dict.fromkeys(found))


def read_manifest(path: Path) -> ManifestView:
    """The manifest in a file, or in a directory.

    Raises:
        ManifestError: it cannot be read, or is not a manifest. One that does not match its own digest is read all the
            same, and its `problem` says so.
    """
    file = path / FILE_NAME if path.is_dir() else path
    problem = None
    root: Any
    try:
        data = file.read_bytes()
        try:
            root = unseal(data)
        except ManifestError as error:
            root, problem = orjson.loads(data), str(error)
    except OSError as error:
        raise ManifestError(f"{file}: {error.strerror or error}") from error
    except ValueError as error:
        raise ManifestError(f"{file}: not a manifest: {error}") from error
    steps = root.get("steps") if isinstance(root, dict) else None
    if not isinstance(steps, dict):
        raise ManifestError(f"{file}: not a manifest: it has no table of steps")
    return ManifestView(file, {key: step for key, step in steps.items() if isinstance(step, dict)}, problem)


def locations(artifact: Table, end: str) -> list[str]:
    """The sources or the destinations of an artifact.

    Args:
        end: `source` or `destination`.
    """
    value = artifact.get(end)
    return [value] if isinstance(value, str) else [item for item in _list(value) if isinstance(item, str)]


def file_facts(artifact: Table) -> list[Table]:
    """What was recorded of the files of an artifact: `path`, and of a regular file `size`, `modified_ns`, `sha256`."""
    facts = [item for item in _list(artifact.get("files")) if isinstance(item, dict)]
    return [fact for fact in facts if isinstance(fact.get("path"), str)]


def same_form(location: str, base: Path | str) -> str:
    """A location in the form in which two of them can be compared: an absolute path, or a URL.

    Args:
        base: the directory in which a relative path begins.
    """
    if location.startswith("file://"):
        location = unquote(urlsplit(location).path)
    if "://" in location:
        return location.rstrip("/")
    return os.path.normpath(os.path.join(base, location))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
