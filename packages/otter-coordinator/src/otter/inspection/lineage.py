"""Where an artifact came from: its producer, what that one read, who made it, and so on through all steps.

The edges are the locations that tasks recorded: a task follows another where its artifact's source is the other's
destination, or lies within it, or holds it. What several tasks wrote one after the other was read by a task as the last
of them had left it before it began.
"""

from __future__ import annotations

import bisect
import os
from collections.abc import Iterable, Iterator

import attrs

from otter.inspection.manifest_view import ManifestView, Table, TaskView, locations, same_form


@attrs.frozen(eq=False)
class Made:
    """An artifact and its task; `number` tells it from every other."""

    number: int
    task: TaskView
    artifact: Table


@attrs.frozen(eq=False)
class Source:
    """Something that an artifact was made from.

    Attributes:
        location: as recorded.
        makers: numbers of the artifacts that it was part of; empty for what came from outside.
    """

    location: str
    makers: list[int]


@attrs.frozen(eq=False)
class Origin:
    """An artifact with what it was made from."""

    made: Made
    sources: list[Source]


class Lineage:
    """The artifacts of a manifest, by what was made from what.

    Args:
        manifest: with all its steps, for a step reads what others made.
    """

    def __init__(self, manifest: ManifestView) -> None:
        self._base = manifest.base
        self.artifacts: list[Made] = []
        self._writers: dict[str, list[Made]] = {}
        for task in manifest.tasks():
            for artifact in task.artifacts:
                made = Made(len(self.artifacts), task, artifact)
                self.artifacts.append(made)
                for location in locations(artifact, "destination"):
                    self._writers.setdefault(same_form(location, self._base), []).append(made)
        self._sorted = sorted(self._writers)

    def find(self, asked: str) -> list[str]:
        """The locations that somebody may mean: the first kind of these that there is any of.

        1. a location as it was recorded, or as a path from here or from the manifest's directory;
        2. something within a directory that a task made, or a directory within which tasks made something;
        3. locations that end with what was asked, by whole components.
        """
        forms = list(dict.fromkeys((same_form(asked, os.getcwd()), same_form(asked, self._base))))
        if exact := [form for form in forms if form in self._writers]:
            return exact[:1]
        if near := [form for form in forms if self._around(form)]:
            return near[:1]
        tail = f"/{os.path.normpath(asked)}"
        return [location for location in self._sorted if location.endswith(tail)]

    def writers(self, location: str) -> list[Made]:
        """The artifacts that a location is, is part of, or holds, each as the last writer left it.

        Args:
            location: as `find` gives it.
        """
        return self._last_before(self._around(location), None)

    def trace(self, location: str) -> list[Origin]:
        """All that a location goes back to: first what made it, then what made that; each artifact once."""
        found: list[Origin] = []
        waiting = self.writers(location)
        seen = {made.number for made in waiting}
        for made in waiting:  # it grows while it is walked
            origin = Origin(made, list(self._sources(made)))
            found.append(origin)
            for number in (number for source in origin.sources for number in source.makers):
                if number not in seen:
                    seen.add(number)
                    waiting.append(self.artifacts[number])
        return found

    def _sources(self, made: Made) -> Iterator[Source]:
        for location in locations(made.artifact, "source"):
            # Task code opens relative paths from where the run was started: most often, beside the work directory.
            around = self._around(same_form(location, self._base)) or self._around(
                same_form(location, self._base.parent)
            )
            makers = self._last_before(around, made.task)
            yield Source(location, [maker.number for maker in makers])

    def _around(self, location: str) -> list[str]:
        """The written locations that a location is, or else lies in, or else holds."""
        if location in self._writers:
            return [location]
        above = location
        while (slash := above.rfind("/")) > 0:
            above = above[:slash]
            if above in self._writers:
                return [above]
        first = bisect.bisect_left(self._sorted, f"{location}/")
        last = bisect.bisect_left(self._sorted, f"{location}0")  # the character after the slash
        return self._sorted[first:last]

    def _last_before(self, written: Iterable[str], reader: TaskView | None) -> list[Made]:
        """For each location its last writer, or the last one that had ended when its reader began."""
        found: dict[int, Made] = {}
        for location in written:
            writers = [made for made in self._writers[location] if made.task is not reader]
            if reader is not None and reader.started is not None:
                began = reader.started
                writers = [made for made in writers if (made.task.finished or 0) <= began] or writers
            if writers:
                last = max(writers, key=lambda made: (made.task.finished or 0, made.number))
                found[last.number] = last
        return list(found.values())
