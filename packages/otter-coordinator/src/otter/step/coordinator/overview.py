"""A run at a glance: what runs, what waits and for what, how full the pools are, how far each generator is.

Made when a display asks for it, a few times a second at most. It costs as much as there are workers, pools and
generators at work; the tasks themselves, which may be a million, are never gone through.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import attrs

from otter.step.coordinator.run_state import RunState
from otter.step.coordinator.task_node import (
    Aborted,
    Assigned,
    Deciding,
    Delayed,
    Done,
    Expanding,
    Failed,
    Ready,
    Running,
    Skipped,
    TaskNode,
    Waiting,
)  # fmt: skip
from otter.util.values import Value

SHOWN = 16
"""Tasks of a kind that are named; of all others there is a number."""


@attrs.frozen(eq=False, repr=False)
class TaskGlance(Value):
    """A task that runs, or that failed and will be tried again.

    Attributes:
        worker: that runs it; none while it waits for its next attempt.
        at: when it began, or when it may begin again; seconds on the clock of events.
        holds_up: tasks that require it directly and wait.
    """

    name: str
    worker: int | None
    attempt: int
    at: float
    holds_up: int


@attrs.frozen(eq=False, repr=False)
class PoolGlance(Value):
    """A pool.

    Attributes:
        used: what running tasks hold of it; more than its size while one runs that needs more than there is.
        waiting: tasks that are known to wait for it.
        passed: attempts that held it and have ended.
    """

    name: str
    size: int
    used: int
    waiting: int
    passed: int


@attrs.frozen(eq=False, repr=False)
class GeneratorGlance(Value):
    """A task whose generated tasks have not all ended.

    Attributes:
        ended: of the tasks that it generated itself.
        spoiled: one of them did not succeed.
        holds_up: tasks that require it directly and wait.
    """

    name: str
    ended: int
    total: int
    spoiled: bool
    holds_up: int


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Overview(Value):
    """The present state of a run, in numbers and few names.

    Attributes:
        succeeded: generators count as soon as their own work is done.
        oldest: the running tasks that began first.
        next: of the tasks that wait for their next attempt, some that come first.
        for_worker: tasks that nothing holds but a free worker, and those that one has and has not begun.
        for_pool: tasks that are known to wait for a pool.
        for_tasks: tasks that wait for others.
        for_retry: tasks that wait for their next attempt.
    """

    total: int
    succeeded: int
    failed: int
    aborted: int
    skipped: int
    running: int
    oldest: tuple[TaskGlance, ...]
    next: tuple[TaskGlance, ...]
    for_worker: int
    for_pool: int
    for_tasks: int
    for_retry: int
    pools: tuple[PoolGlance, ...]
    generators: tuple[GeneratorGlance, ...]
    stopping: str | None

    @property
    def ended(self) -> int:
        """Tasks of which nothing more will come."""
        return self.succeeded + self.failed + self.aborted + self.skipped

    @property
    def waiting(self) -> int:
        """Tasks that wait, for whatever it is."""
        return self.for_worker + self.for_pool + self.for_tasks + self.for_retry


def overview(state: RunState) -> Overview:
    """A run at a glance."""
    counts, nodes = state.counts, state.graph.nodes
    begun = (nodes[task] for worker in state.workers.values() for task in worker.running)
    pools = tuple(PoolGlance(*facts) for facts in state.ready.usage())
    # What was ended while it waited for a pool is still counted there.
    for_pool = min(counts[Ready], sum(pool.waiting for pool in pools))
    return Overview(
        total=len(nodes), succeeded=counts[Done] + counts[Expanding], failed=counts[Failed], aborted=counts[Aborted],
        skipped=counts[Skipped], running=counts[Running], oldest=tuple(_oldest(begun)), next=tuple(_next(state)),
        for_worker=counts[Ready] - for_pool + counts[Assigned] + counts[Deciding], for_pool=for_pool,
        for_tasks=counts[Waiting], for_retry=counts[Delayed], pools=pools,
        generators=tuple(
            GeneratorGlance(node.name, total - node.children_left, total, node.spoiled is not None, _holds_up(node))
            for node, total in state.generating()
        ),
        stopping=state.stopping,
    )  # fmt: skip


def _oldest(begun: Iterable[TaskNode]) -> list[TaskGlance]:
    glances = [
        TaskGlance(node.name, node.state.worker, node.attempt, node.state.since, _holds_up(node))
        for node in begun
        if isinstance(node.state, Running)
    ]
    return heapq.nsmallest(SHOWN, glances, key=lambda glance: glance.at)


def _next(state: RunState) -> list[TaskGlance]:
    """Of a heap the first places are not the first in order, but they are near it, and cost nothing."""
    found = []
    for _, task in state.delayed(SHOWN):
        node = state.graph.nodes[task]
        if isinstance(node.state, Delayed):
            found.append(TaskGlance(node.name, None, node.attempt + 1, node.state.until, _holds_up(node)))
    return sorted(found, key=lambda glance: glance.at)


def _holds_up(node: TaskNode) -> int:
    return len(node.dependents or ())
