"""The life of one task: its states, the moves between them, and what the scheduler knows of it.

                   ┌────────────────── revoked, retried, crashed ──────────────────┐
                   ▼                                                               │
    Waiting ──► Ready ──► Assigned ──► Running ──┬──► Expanding ──► Done           │
       │          │ ▲         │           │      ├──► Done                         │
       │      Deciding        │           │      ├──► Failed, Aborted              │
       │          │           │           │      └──► Delayed ─────────────────────┤
       │          └──► Done, Expanding    └────────────────────────────────────────┘
       └──► Skipped, Failed

What ends before anybody has a reason to ask whether it has begun goes on from Assigned as it would from Running.
`TRANSITIONS` is the whole truth; a move that is not in it raises.
"""

from __future__ import annotations

import attrs

from otter.step.coordinator.events import NewTask, Outcome, TaskId, WorkerId
from otter.util.errors import OtterError
from otter.util.values import Shown, Value


@attrs.frozen(eq=False, repr=False)
class Waiting(Value):
    """Something that the task requires is not done; `TaskNode.unmet` counts it."""


@attrs.frozen(eq=False, repr=False)
class Deciding(Value):
    """An earlier run committed it; whether that stands is being looked at."""


@attrs.frozen(eq=False, repr=False)
class Ready(Value):
    """Nothing holds it but a free worker, or a pool."""


@attrs.frozen(eq=False, repr=False)
class Delayed(Value):
    """It failed, and waits for its next attempt."""

    until: float


@attrs.define(eq=False, repr=False)  # not frozen: there are as many as attempts
class Assigned(Value):
    """A worker has it and has not begun.

    Attributes:
        since: when it was handed over.
    """

    worker: WorkerId
    since: float


@attrs.frozen(eq=False, repr=False)
class Running(Value):
    """A worker runs it.

    Attributes:
        since: when it began.
    """

    worker: WorkerId
    since: float


@attrs.frozen(eq=False, repr=False)
class Expanding(Value):
    """Its own work is done; what it generated is not."""


@attrs.frozen(eq=False, repr=False)
class Done(Value):
    """It succeeded, and so did everything it generated, unless `spoiled` says otherwise."""


@attrs.frozen(eq=False, repr=False)
class Failed(Value):
    """It failed, and is not tried again."""


@attrs.frozen(eq=False, repr=False)
class Aborted(Value):
    """It was stopped."""


@attrs.frozen(eq=False, repr=False)
class Skipped(Value):
    """It never began, because of the task that `cause` names."""

    cause: TaskId


TaskState = Waiting | Deciding | Ready | Delayed | Assigned | Running | Expanding | Done | Failed | Aborted | Skipped

TRANSITIONS: dict[type, frozenset[type]] = {
    Waiting: frozenset({Deciding, Ready, Skipped, Failed}),
    Deciding: frozenset({Ready, Expanding, Done, Failed}),
    Ready: frozenset({Assigned, Failed, Aborted}),
    Delayed: frozenset({Ready, Aborted}),
    Assigned: frozenset({Running, Ready, Delayed, Expanding, Done, Failed, Aborted}),
    Running: frozenset({Ready, Delayed, Expanding, Done, Failed, Aborted}),
    Expanding: frozenset({Done}),
    Done: frozenset(),
    Failed: frozenset(),
    Aborted: frozenset(),
    Skipped: frozenset(),
}
TERMINAL = frozenset({Done, Failed, Aborted, Skipped})

WAITING, DECIDING, READY, EXPANDING, DONE, FAILED, ABORTED = (
    Waiting(), Deciding(), Ready(), Expanding(), Done(), Failed(), Aborted(),
)  # fmt: skip
"""States without data are shared: a run has millions of tasks."""


class InvalidTransitionError(OtterError):
    """The scheduler was about to do what no table allows. A defect of otter; the story helps to find it."""

    def __init__(self, task: str, before: str, after: str, story: tuple[str, ...] = ()) -> None:
        lines = "".join(f"\n  {line}" for line in story)
        super().__init__(f"task {task!r} cannot go from {before} to {after}; the last events were:{lines}")


@attrs.define(eq=False, repr=False)
class TaskNode(Shown):
    """What the scheduler knows of a task.

    Attributes:
        requires: names, as given.
        unmet: how many of `requires` are not done; 0 exactly when the state is not Waiting, Skipped or Failed early.
        dependents: tasks that wait for this one; all of them have it among their `requires`.
        parent: the task that generated it.
        children_left: how many generated tasks are not in a terminal state.
        rank: length of the longest chain of tasks that wait for it, itself included.
        attempt: number of the last attempt that was handed out, in this run or an earlier one.
        failures: attempts that failed by themselves.
        crashes: workers that died while they ran this task and nothing else.
        alone: its next attempt shares a worker with no other, because it is one of several suspects of a death.
        ran: it ran in this run, rather than being taken over from an earlier one.
        upstream_ran: something that it requires ran in this run.
        timed_out: its deadline has passed in the present attempt.
        holds: it holds its share of its pools.
        spoiled: a task that it generated did not succeed; the root of that.
    """

    id: TaskId
    new: NewTask
    state: TaskState = WAITING
    unmet: int = 0
    dependents: list[TaskId] | None = None
    parent: TaskId | None = None
    children_left: int = 0
    rank: int = 1
    attempt: int = 0
    failures: int = 0
    crashes: int = 0
    alone: bool = False
    ran: bool = False
    upstream_ran: bool = False
    timed_out: bool = False
    holds: bool = False
    spoiled: TaskId | None = None

    @property
    def name(self) -> str:
        """The name of the task."""
        return self.new.name

    @property
    def ended(self) -> bool:
        """Whether its state is terminal."""
        return type(self.state) in TERMINAL


OUTCOME_STATES: dict[Outcome, TaskState] = {Outcome.FAILURE: FAILED, Outcome.ABORTED: ABORTED}
