"""Whether the artifacts still are what was recorded when they were made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs

from otter.inspection.manifest_view import ManifestView, Table, TaskView, file_facts, locations
from otter.manifest.model import Result
from otter.step.coordinator.history import sha256_of
from otter.util.errors import FSError


@attrs.frozen
class Finding:
    """What became of something that a task made.

    Attributes:
        path: of the file or directory; for what is no local file, its location.
        verdict: `intact`; `missing`; `changed`; `touched`: of the recorded size, modified since, and too large to have
            had its digest recorded; `elsewhere`: no local file, so that nothing was recorded of it.
        detail: what differs.
    """

    step: str
    task: str
    path: str
    verdict: str
    detail: str = ""

    @property
    def is_wrong(self) -> bool:
        """Whether it is certain that the artifact is not what was recorded."""
        return self.verdict in ("missing", "changed")


def verify(
    manifest: ManifestView, steps: Iterable[str] | None = None, *, quick: bool = False, moved_from: Path | None = None
) -> Iterator[Finding]:
    """Look at every artifact of the tasks that succeeded.

    What several tasks wrote to the same path is compared with what the last of them left.

    Args:
        steps: keys; by default all.
        quick: trust the modification time, as `--resume` does, and read only what was touched.
        moved_from: the directory of the manifest when it was made; what was recorded below it is looked for beside the
            manifest.

    Raises:
        FSError: a file is there and cannot be read.
    """
    last: dict[str, tuple[TaskView, Table | None]] = {}
    tasks = [task for task in manifest.tasks() if task.result == Result.SUCCESS.value]
    for task in sorted(tasks, key=lambda task: task.finished or 0):
        for artifact in task.artifacts:
            facts = file_facts(artifact)
            for fact in facts:
                last[str(fact["path"])] = task, fact
            if not facts:
                last.update((location, (task, None)) for location in locations(artifact, "destination"))
    chosen = set(manifest.steps if steps is None else steps)
    for path, (task, recorded) in last.items():
        if task.step not in chosen:
            continue
        if recorded is None:
            yield Finding(task.step, task.name, path, "elsewhere")
            continue
        file = _now_at(Path(path), manifest, moved_from)
        verdict, detail = _judge(file, recorded, quick)
        yield Finding(task.step, task.name, str(file), verdict, detail)


def _now_at(path: Path, manifest: ManifestView, moved_from: Path | None) -> Path:
    if moved_from is not None and path.is_relative_to(moved_from):
        return manifest.base / path.relative_to(moved_from)
    return path


def _judge(path: Path, fact: Table, quick: bool) -> tuple[str, str]:
    size, digest = fact.get("size"), fact.get("sha256")
    try:
        try:
            status = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return "missing", "it is gone"
        if not isinstance(size, int):  # a directory: that it is there is all that was recorded
            return ("intact", "") if path.is_dir() else ("changed", "it is no directory any more")
        if not path.is_file():
            return "changed", "it is no file any more"
        if status.st_size != size:
            return "changed", f"it has {status.st_size:,} bytes instead of {size:,}"
        untouched = fact.get("modified_ns") == status.st_mtime_ns
        if untouched and (quick or not isinstance(digest, str)):
            return "intact", ""
        if not isinstance(digest, str):
            return "touched", "it has the recorded size, and was modified since; no SHA-256 was recorded"
        found = sha256_of(path)
    except OSError as error:
        raise FSError(f"{path} cannot be read: {error.strerror}") from error
    return ("intact", "") if found == digest else ("changed", f"its SHA-256 is {found} instead of {digest}")
