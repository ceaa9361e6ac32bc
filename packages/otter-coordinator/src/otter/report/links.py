"""Who waits for whom in a step that is over: the edges by place instead of by name, and what follows from them.

A manifest may hold anything, circles included: every walk here remembers where it has been.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from otter.manifest.model import Result
from otter.report.facts import StepFacts, TaskFacts


@attrs.frozen
class Links:
    """The edges of a step; every list has one item for each task, in the manifest's order.

    Attributes:
        requires: the places of the tasks that a task requires; names that no task has are left out.
        parent: the place of its generator, or -1.
        children: what it generated.
        dependents: the tasks that require it.
    """

    requires: list[list[int]]
    parent: list[int]
    children: list[list[int]]
    dependents: list[list[int]]

    @classmethod
    def of(cls, tasks: Sequence[TaskFacts]) -> Links:
        """The edges between tasks."""
        places: dict[str, int] = {}
        for place, task in enumerate(tasks):
            places.setdefault(task.name, place)
        links = cls([], [], [[] for _ in tasks], [[] for _ in tasks])
        for place, task in enumerate(tasks):
            required = [found for name in dict.fromkeys(task.requires) if (found := places.get(name, place)) != place]
            parent = places.get(task.parent, -1) if task.parent is not None else -1
            links.requires.append(required)
            links.parent.append(parent if parent != place else -1)
            for other in required:
                links.dependents[other].append(place)
            if links.parent[-1] >= 0:
                links.children[parent].append(place)
        return links

    def waiting_for(self, places: Iterable[int]) -> set[int]:
        """All tasks that could not begin before these had succeeded.

        Requiring a generator means waiting for all that it generated: who waits for its generators waits for a task.
        """
        found: set[int] = set()
        seen: set[int] = set()
        climbed: set[int] = set()
        pending = list(places)
        while pending:
            place = pending.pop()
            if place in seen:
                continue
            seen.add(place)
            following = [*self.dependents[place], *self.children[place]]
            above = self.parent[place]
            while above >= 0 and above not in climbed:
                climbed.add(above)
                following += self.dependents[above]
                above = self.parent[above]
            found.update(following)
            pending += following
        return found


def blocked(tasks: Sequence[TaskFacts], links: Links, causes: Iterable[int]) -> int:
    """How many tasks never began because of these ones."""
    causes = set(causes)
    named = {tasks[place].name for place in causes}
    waiting = links.waiting_for(causes) - causes
    waiting |= {place for place, task in enumerate(tasks) if task.blocked_by in named}
    return sum(tasks[place].result is Result.PENDING and not tasks[place].attempts for place in waiting)


@attrs.frozen
class Waits:
    """When tasks could have begun, and what decided it; one item for each task.

    Attributes:
        ready: the instant when nothing kept it any more, or none.
        decided_by: the task whose end was the last one that it waited for, or -1.
    """

    ready: list[int | None]
    decided_by: list[int]


def waits(step: StepFacts, links: Links) -> Waits:
    """When each task could have begun."""
    done, last = _ends(step.tasks, links)
    ready: list[int | None] = []
    decided_by: list[int] = []
    for place, task in enumerate(step.tasks):
        parent = links.parent[place]
        known = [(end, last[other]) for other in links.requires[place] if (end := done[other]) is not None]
        if parent >= 0 and (end := step.tasks[parent].finished) is not None and not step.tasks[parent].reused:
            known.append((end, parent))
        latest = max(known, default=(step.started, -1), key=lambda pair: pair[0] or 0)
        begun = task.attempts[0].started if task.attempts and not task.reused else None
        in_order = begun is not None and latest[0] is not None and latest[0] <= begun
        ready.append(latest[0] if in_order else None)
        decided_by.append(latest[1] if in_order else -1)
    return Waits(ready, decided_by)


def _ends(tasks: Sequence[TaskFacts], links: Links) -> tuple[list[int | None], list[int]]:
    """When each task and all that it generated had ended, and which of them was the last."""
    done = [task.finished if not task.reused else None for task in tasks]
    last = list(range(len(tasks)))
    for place in _children_first(links):
        parent = links.parent[place]
        end = done[place]
        if parent >= 0 and end is not None and end > (done[parent] or 0):
            done[parent], last[parent] = end, last[place]
    return done, last


def _children_first(links: Links) -> list[int]:
    order: list[int] = []
    seen: set[int] = set()
    for root, parent in enumerate(links.parent):
        if parent >= 0:
            continue
        pending = [root]
        while pending:
            place = pending.pop()
            if place not in seen:
                seen.add(place)
                order.append(place)
                pending += links.children[place]
    order.reverse()
    return order


def critical_path(step: StepFacts, found: Waits) -> list[int]:
    """The tasks that decided how long the step took, first to last: each was what the next one waited for."""
    ended = [(task.finished, place) for place, task in enumerate(step.tasks) if task.finished and not task.reused]
    if not ended:
        return []
    path: list[int] = []
    place = max(ended)[1]
    while place >= 0 and place not in path:
        path.append(place)
        place = found.decided_by[place]
    path.reverse()
    return path
