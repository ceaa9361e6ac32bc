"""The workers as the scheduler sees them: what each one has, and how much more it may be given.

Small tasks are handed over several at a time, as many as make up `AHEAD` seconds of work by what tasks of their type
took so far, so that a worker need not wait for each next one. A type of which nothing is known is handed over singly.
What turns out to sit behind a long task is taken back and given to an idle worker.
"""

from __future__ import annotations

import enum
import math

import attrs

from otter.step.coordinator.events import TaskId, WorkerId
from otter.util.values import Shown

AHEAD = 0.008
"""Seconds of estimated work that a worker may hold beyond what it runs."""

MAX_AHEAD = 256
"""Tasks that a worker may hold beyond what it runs."""

LEAST, MOST = 2e-5, 1e6
"""Seconds that any task is taken to cost, its way included, whatever its worker says."""

_WEIGHT = 0.2


class WorkerState(enum.Enum):
    """Where a worker stands."""

    STARTING = "starting"
    SERVING = "serving"
    LEAVING = "leaving"
    """It gets no more tasks: it is asked to end, is being killed, or its process is unclean."""


SERVING = WorkerState.SERVING


@attrs.define(eq=False, repr=False)
class WorkerNode(Shown):
    """What the scheduler knows of a worker.

    Attributes:
        deadline: when it must have done what it owes; none when it owes nothing.
        lost_at: when it is killed, if it begins nothing until then; none while it is not late.
        greeted: it said hello.
        began: it has begun a task.
        waiting: tasks that it has and has not begun, in order, each with its estimated seconds.
        running: tasks that it has begun.
        asynchronous: how many of both are asynchronous; the rest are not.
        load: sum of the estimates of `waiting`.
        begun_at: when it last began a task.
        revoking: tasks are being taken back, or it has not confirmed that they were; it gets none until then.
        spent: a revocation found nothing to take back; all that it holds has begun, and its reports are on their way.
        alone: it holds a task that nothing may join: one that must be alone, or of which nothing is known.
        verdict: why it is being killed, in the words that its tasks' failures will carry.
    """

    id: WorkerId
    state: WorkerState = WorkerState.STARTING
    deadline: float | None = None
    lost_at: float | None = None
    greeted: bool = False
    began: bool = False
    waiting: dict[TaskId, float] = attrs.field(factory=dict)
    running: set[TaskId] = attrs.field(factory=set)
    asynchronous: int = 0
    load: float = 0.0
    begun_at: float = -math.inf
    revoking: bool = False
    spent: bool = False
    alone: bool = False
    verdict: str | None = None

    @property
    def held(self) -> int:
        """How many tasks it has."""
        return len(self.waiting) + len(self.running)

    @property
    def owes(self) -> str | None:
        """What its process must do soon, whatever its tasks do; none while it runs one, or nothing is asked of it."""
        if self.verdict is not None or self.running:
            return None
        if not self.greeted:
            return "hello"
        if self.waiting:
            return "task begun"
        if self.revoking:
            return "answer to a revocation"
        return "end" if self.state is WorkerState.LEAVING else None

    @property
    def holds_back(self) -> bool:
        """Whether tasks wait in it behind others, and may be taken back."""
        return bool(self.waiting and self.running) and not self.revoking and not self.spent

    @property
    def open(self) -> bool:
        """Whether it may be given tasks at all."""
        return self.state is SERVING and not self.revoking and not self.alone

    def room_for_sync(self, estimate: float | None) -> bool:
        """Whether a synchronous task may be handed to it now."""
        if not self.open:
            return False
        if not self.waiting and not self.running:
            return True
        if self.asynchronous or estimate is None:
            return False
        return self.load + estimate <= AHEAD and len(self.waiting) < MAX_AHEAD

    def room_for_async(self, estimate: float | None, concurrency: int) -> bool:
        """Whether an asynchronous task may be handed to it now."""
        if not self.open or self.held > self.asynchronous:
            return False  # a synchronous task has it, or will have it
        if self.held < concurrency:
            return True
        if estimate is None:
            return False
        return self.load + estimate <= AHEAD * concurrency and len(self.waiting) < min(MAX_AHEAD, 2 * concurrency)


class Estimates:
    """Seconds that tasks of each type take, and how busy they keep a processor: moving averages."""

    def __init__(self) -> None:
        self._means: dict[str, float] = {}
        self._loads: dict[str, float] = {}

    def load(self, kind: str) -> float | None:
        """The share of a processor that a worker uses for tasks of a type; none before it was measured."""
        return self._loads.get(kind)

    def learn_load(self, kind: str, load: float) -> None:
        """A worker used this share of a processor while it ran tasks of a type."""
        load = min(max(0.0, load), 1.0)
        former = self._loads.get(kind)
        self._loads[kind] = load if former is None else (former + load) / 2

    def get(self, kind: str) -> float | None:
        """The estimate for a type; none before the first task of it has ended."""
        return self._means.get(kind)

    def learn(self, kind: str, elapsed: float) -> None:
        """A task of a type took this long."""
        if not elapsed > LEAST:  # this way round, which makes LEAST of what is not a number
            elapsed = LEAST
        elif elapsed > MOST:
            elapsed = MOST
        mean = self._means.get(kind)
        self._means[kind] = elapsed if mean is None else mean + _WEIGHT * (elapsed - mean)
