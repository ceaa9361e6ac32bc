"""What differs between two manifests: results, artifacts by size and digest, and durations.

Tasks are compared by step and name, artifacts by location: the part below each manifest's own directory, so that runs
in two work directories can be compared.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import attrs

from otter.inspection.manifest_view import ManifestView, Table, TaskView, file_facts, locations, same_form

RATIO = 1.5
"""How many times as long a task must have taken, in either run, for that to be a difference."""
LEAST_SECONDS = 0.1
"""Durations that are closer than this are the same."""


@attrs.frozen
class Change:
    """Two values of something: in the old manifest and in the new one; none where there is none."""

    name: str
    old: str | None
    new: str | None
    note: str | None = None


@attrs.frozen
class Duration:
    """Seconds that a task took in each run."""

    name: str
    old: float
    new: float


@attrs.frozen
class Content:
    """What was recorded of a location; none for what was not."""

    size: int | None = None
    sha256: str | None = None

    def differs_from(self, other: Content) -> bool:
        """Whether two records cannot be of the same content; where one of them has no digest, the size decides."""
        pairs = ((self.sha256, other.sha256), (self.size, other.size))
        return any(a is not None and b is not None and a != b for a, b in pairs)


@attrs.frozen
class ArtifactChange:
    """A location whose content differs, or that only one of the manifests has."""

    location: str
    old: Content | None
    new: Content | None


@attrs.frozen
class StepDifference:
    """What differs in one step.

    Attributes:
        result: of the step, where the two differ; a step that only one manifest has misses the other value.
        tasks: that only one manifest has.
        results: of tasks; the note is the reason of the new one.
        durations: of tasks that took considerably longer or shorter, the greatest difference first.
        elapsed: seconds of the whole step.
    """

    key: str
    result: Change | None
    tasks: list[Change]
    results: list[Change]
    artifacts: list[ArtifactChange]
    durations: list[Duration]
    elapsed: tuple[float | None, float | None]

    @property
    def matters(self) -> bool:
        """Whether anything but time differs."""
        return bool(self.result or self.tasks or self.results or self.artifacts)


def differences(old: ManifestView, new: ManifestView) -> list[StepDifference]:
    """What differs, step by step; steps in which nothing does are in it too."""
    return [_step(key, old, new) for key in dict.fromkeys((*old.steps, *new.steps))]


def _step(key: str, old: ManifestView, new: ManifestView) -> StepDifference:
    before, after = old.steps.get(key), new.steps.get(key)
    if before is None or after is None:
        sides = [step.get("result", "pending") if step is not None else None for step in (before, after)]
        return StepDifference(key, Change(key, *sides), [], [], [], [], (_elapsed(before), _elapsed(after)))
    results = [str(step.get("result", "pending")) for step in (before, after)]
    old_tasks, new_tasks = ({task.name: task for task in manifest.tasks([key])} for manifest in (old, new))
    common = [(task, new_tasks[name]) for name, task in old_tasks.items() if name in new_tasks]
    return StepDifference(
        key,
        Change(key, results[0], results[1]) if results[0] != results[1] else None,
        [
            *(Change(name, task.result, None) for name, task in old_tasks.items() if name not in new_tasks),
            *(Change(name, None, task.result) for name, task in new_tasks.items() if name not in old_tasks),
        ],
        [Change(a.name, a.result, b.result, b.reason) for a, b in common if a.result != b.result],
        list(_artifacts(_contents(old, key), _contents(new, key))),
        sorted(_durations(common), key=lambda found: -abs(found.new - found.old)),
        (_elapsed(before), _elapsed(after)),
    )


def _elapsed(step: Table | None) -> float | None:
    value = step.get("elapsed") if step is not None else None
    return float(value) if isinstance(value, int | float) else None


def _durations(common: list[tuple[TaskView, TaskView]]) -> Iterator[Duration]:
    for old, new in common:
        if old.entry.get("reused") or new.entry.get("reused") or old.elapsed is None or new.elapsed is None:
            continue
        shorter, longer = sorted((old.elapsed, new.elapsed))
        if longer - shorter >= LEAST_SECONDS and longer >= RATIO * shorter:
            yield Duration(old.name, old.elapsed, new.elapsed)


def _artifacts(old: dict[str, Content], new: dict[str, Content]) -> Iterator[ArtifactChange]:
    for location in sorted(old.keys() | new.keys()):
        before, after = old.get(location), new.get(location)
        if before is None or after is None or before.differs_from(after):
            yield ArtifactChange(location, before, after)


def _contents(manifest: ManifestView, key: str) -> dict[str, Content]:
    found: dict[str, Content] = {}
    for task in manifest.tasks([key]):
        for artifact in task.artifacts:
            for location in locations(artifact, "destination"):
                found.setdefault(_below(location, manifest), Content())
            for fact in file_facts(artifact):
                size, digest = fact.get("size"), fact.get("sha256")
                found[_below(str(fact["path"]), manifest)] = Content(
                    size if isinstance(size, int) else None, digest if isinstance(digest, str) else None
                )
    return found


def _below(location: str, manifest: ManifestView) -> str:
    form = same_form(location, manifest.base)
    base = f"{manifest.base}{os.sep}"
    return form.removeprefix(base)
