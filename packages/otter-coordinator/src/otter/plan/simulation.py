"""A run without a run: the real scheduler, driven by a clock that jumps from event to event.

Workers are as in reality: one synchronous task at a time, or several asynchronous ones, in the order in which they
came. Every task succeeds and takes as long as is expected of it. What is left out is what tasks do to each other
when they share processors, disks and networks, and the little that handing a task over costs.
"""

from __future__ import annotations

import functools
import heapq
import itertools
from collections import deque
from collections.abc import Callable, Sequence

import attrs

from otter.step.coordinator import events as e
from otter.step.coordinator.events import Event, NewTask, Outcome, TaskId, WorkerId
from otter.step.coordinator.scheduler import Scheduler, Settings
from otter.step.coordinator.task_node import TaskNode

Expect = Callable[[NewTask], float]
"""Seconds that a task will take."""
Expand = Callable[[NewTask], tuple[NewTask, ...]]
"""What a task generates when it runs."""
Decide = Callable[[Scheduler, TaskNode, bool], tuple[NewTask, ...] | None]
"""Whether the recorded outcome of a task stands: what it generated then; none if it has to run. The flag says that
something that it requires runs."""


@attrs.frozen
class Span:
    """A task in the simulated run.

    Attributes:
        start: seconds after the beginning of the run.
        worker: none for a task whose recorded outcome stands.
    """

    task: NewTask
    parent: str | None
    start: float
    end: float
    worker: int | None


@attrs.frozen
class Timeline:
    """A simulated run.

    Attributes:
        spans: in the order in which the tasks began.
        elapsed: seconds.
        workers: how many were started.
        stuck: why the run would not succeed; none if it would.
    """

    spans: tuple[Span, ...]
    elapsed: float
    workers: int
    stuck: str | None = None


@attrs.define(eq=False)
class _Worker:
    waiting: deque[e.Dispatch] = attrs.field(factory=deque)
    running: dict[TaskId, bool] = attrs.field(factory=dict)
    """Whether each shares the worker with others."""


class Simulation:
    """One simulated run.

    Args:
        settings: how the run is to go.
        expect: seconds of a task.
        expand: what a task generates.
        decide: judges recorded outcomes.
        start: seconds that a worker takes to start.
    """

    def __init__(
        self, settings: Settings, *, expect: Expect, expand: Expand, decide: Decide | None = None, start: float = 0.0
    ) -> None:
        self._scheduler = Scheduler(settings)
        self._concurrency = settings.concurrency
        self._expect = expect
        self._expand = expand
        self._decide = decide
        self._start = start
        self._now = 0.0
        self._order = itertools.count()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._workers: dict[WorkerId, _Worker] = {}
        self._spans: dict[TaskId, Span] = {}
        self._finish: e.Finish | None = None

    def run(self, tasks: Sequence[NewTask]) -> Timeline:
        """Run tasks to their end."""
        self._feed(e.Opened(0.0))
        # As in a real run, the tasks are known after the first worker has said what it can run.
        self._at(self._start, lambda: self._feed(e.TasksAdded(self._now, tuple(map(_untimed, tasks)))))
        while self._finish is None:
            if not self._agenda:
                due = self._scheduler.next_wakeup()
                assert due is not None, "a run that has not finished waits for something"
                self._at(due, lambda: self._feed(e.Tick(self._now)))
            self._now, _, happen = heapq.heappop(self._agenda)
            happen()
        return Timeline(
            spans=tuple(sorted(self._spans.values(), key=lambda span: span.start)),  # stable: as they were begun
            elapsed=self._now,
            workers=len(self._workers),
            stuck=self._finish.reason if self._finish.outcome is not Outcome.SUCCESS else None,
        )

    def _at(self, time: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (time, next(self._order), happen))

    def _feed(self, event: Event) -> None:
        for command in self._scheduler.handle(event):
            self._carry_out(command)

    def _carry_out(self, command: e.Command) -> None:
        """Do what the run loop and its workers would do. What they answer comes later, if only at the same time."""
        match command:
            case e.StartWorker(worker):
                self._workers[worker] = _Worker()
                self._at(self._now + self._start, lambda: self._feed(e.WorkerReady(self._now, worker)))
            case e.KillWorker(worker):
                self._at(self._now, lambda: self._feed(e.WorkerLost(self._now, worker, "not needed")))
            case e.Dispatch(worker):
                self._workers[worker].waiting.append(command)
                self._at(self._now, lambda: self._begin(worker))
            case e.Revoke(worker, tasks):
                self._at(self._now, lambda: self._revoke(worker, set(tasks)))
            case e.DecideReuse(task, stale):
                self._at(self._now, lambda: self._reuse(task, stale))
            case e.Finish():
                self._finish = command

    def _begin(self, worker: WorkerId) -> None:
        """Begin what a worker may begin now."""
        state = self._workers[worker]
        while state.waiting and self._may_begin(state, state.waiting[0]):
            item = state.waiting.popleft()
            node = self._scheduler.graph.nodes[item.task]
            state.running[item.task] = self._shares(item)
            end = self._now + self._expect(node.new)
            self._spans[item.task] = Span(node.new, self._parent(node), self._now, end, worker)
            self._feed(e.AttemptStarted(self._now, worker, item.task, item.attempt))
            self._at(end, functools.partial(self._end, worker, item))

    def _may_begin(self, state: _Worker, item: e.Dispatch) -> bool:
        if not state.running:
            return True
        return self._shares(item) and all(state.running.values()) and len(state.running) < self._concurrency

    def _shares(self, item: e.Dispatch) -> bool:
        return self._scheduler.graph.nodes[item.task].new.asynchronous and not item.alone

    def _end(self, worker: WorkerId, item: e.Dispatch) -> None:
        state, node = self._workers[worker], self._scheduler.graph.nodes[item.task]
        del state.running[item.task]
        self._feed(
            e.AttemptEnded(
                self._now, worker, item.task, item.attempt, Outcome.SUCCESS,
                added=tuple(map(_untimed, self._expand(node.new))), elapsed=self._expect(node.new),
            )
        )  # fmt: skip
        self._begin(worker)

    def _revoke(self, worker: WorkerId, tasks: set[TaskId]) -> None:
        state = self._workers[worker]
        revoked = tuple(item.task for item in state.waiting if item.task in tasks)
        state.waiting = deque(item for item in state.waiting if item.task not in tasks)
        self._feed(e.TasksRevoked(self._now, worker, revoked))
        if revoked:
            self._feed(e.RevokeConfirmed(self._now, worker))

    def _reuse(self, task: TaskId, stale: bool) -> None:
        node = self._scheduler.graph.nodes[task]
        made = self._decide(self._scheduler, node, stale) if self._decide is not None else None
        if made is not None:
            self._spans[task] = Span(node.new, self._parent(node), self._now, self._now, None)
        self._feed(e.ReuseDecided(self._now, task, made is not None, tuple(map(_untimed, made or ()))))

    def _parent(self, node: TaskNode) -> str | None:
        return self._scheduler.graph.nodes[node.parent].name if node.parent is not None else None


def _untimed(task: NewTask) -> NewTask:
    """A task without a time limit: what it took before, it may take again."""
    return task if task.policy.timeout is None else attrs.evolve(task, policy=attrs.evolve(task.policy, timeout=None))
