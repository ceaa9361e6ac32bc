"""What happens to a run, and what is to be done about it: the whole vocabulary of the scheduler.

Every event carries `at`, seconds on a monotonic clock. Events are facts of the past, commands are orders for the loop;
nobody changes either, and tests compare whole lists of them. All are frozen but those of which there is one for each
task: that would double the time it takes to make one.
"""

from __future__ import annotations

import enum
from typing import NewType

import attrs

from otter.task.policy import Policy
from otter.util.values import Value

TaskId = NewType("TaskId", int)
"""Place of a task in the run, from 0, in the order in which tasks were added."""

WorkerId = NewType("WorkerId", int)
"""Number of a worker process, from 0; never used twice in a run."""

DEFAULT_POLICY = Policy()


class Outcome(enum.Enum):
    """How an attempt, or a task, ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    ABORTED = "aborted"
    SKIPPED = "skipped"
    """Never begun, because something that it requires did not succeed."""


SUCCESS = Outcome.SUCCESS
"""For what is asked of each task: to look a member up in its enumeration takes several times as long as a name."""


class StopLevel(enum.IntEnum):
    """How urgently a run is asked to stop."""

    DRAIN = 1
    KILL = 2


@attrs.define(eq=False, repr=False)
class NewTask(Value):
    """A task to add.

    Attributes:
        name: unique in the run.
        kind: its task type.
        asynchronous: it may run beside others in one worker.
        recorded: an earlier run committed a task of this name, so that it may not have to run.
        attempts: number of the last attempt that earlier runs made of it; those of this run are numbered on.
    """

    name: str
    kind: str
    requires: tuple[str, ...] = ()
    policy: Policy = DEFAULT_POLICY
    asynchronous: bool = False
    recorded: bool = False
    attempts: int = 0


# --- events -----------------------------------------------------------------------------------------------------------


@attrs.frozen(eq=False, repr=False)
class Opened(Value):
    """The run begins; its tasks are not known yet, since a worker has to say first what it can run.

    It may be told again, when more is known.

    Attributes:
        workers: how many worker processes there will be work for, as far as that can be seen already.
    """

    at: float
    workers: int = 1


@attrs.frozen(eq=False, repr=False)
class TasksAdded(Value):
    """The tasks that the pipeline file describes."""

    at: float
    tasks: tuple[NewTask, ...]


@attrs.frozen(eq=False, repr=False)
class WorkerReady(Value):
    """A worker said hello and was accepted."""

    at: float
    worker: WorkerId


@attrs.frozen(eq=False, repr=False)
class WorkerUnstartable(Value):
    """A worker's process could not be made: no descriptors or processes are left, or there is no such interpreter."""

    at: float
    worker: WorkerId
    reason: str


@attrs.frozen(eq=False, repr=False)
class WorkerLost(Value):
    """A worker's process is gone, and everything it had sent has been handled.

    Attributes:
        reason: how it ended, in words.
    """

    at: float
    worker: WorkerId
    reason: str


@attrs.frozen(eq=False, repr=False)
class AttemptStarted(Value):
    """A worker began an attempt."""

    at: float
    worker: WorkerId
    task: TaskId
    attempt: int


@attrs.define(eq=False, repr=False)
class AttemptEnded(Value):
    """A worker answered for an attempt.

    Attributes:
        added: tasks that the attempt generated.
        elapsed: seconds that it took.
        tainted: why its process should not serve another task.
        load: share of a processor that its process used lately, where that was measured.
    """

    at: float
    worker: WorkerId
    task: TaskId
    attempt: int
    outcome: Outcome
    reason: str | None = None
    added: tuple[NewTask, ...] = ()
    elapsed: float = 0.0
    tainted: str | None = None
    load: float | None = None


@attrs.frozen(eq=False, repr=False)
class TaskRefused(Value):
    """An attempt was not handed to its worker, because the spec of its task cannot be completed."""

    at: float
    worker: WorkerId
    task: TaskId
    attempt: int
    reason: str


@attrs.frozen(eq=False, repr=False)
class TasksRevoked(Value):
    """Attempts that had not begun were taken back from a worker; none of them will begin there."""

    at: float
    worker: WorkerId
    tasks: tuple[TaskId, ...]


@attrs.frozen(eq=False, repr=False)
class RevokeConfirmed(Value):
    """A worker has forgotten what was taken back, and may be given tasks again."""

    at: float
    worker: WorkerId


@attrs.frozen(eq=False, repr=False)
class ReuseDecided(Value):
    """Whether the recorded outcome of a task stands.

    Attributes:
        reuse: it stands; the task does not run.
        added: what it generated when it ran.
    """

    at: float
    task: TaskId
    reuse: bool
    added: tuple[NewTask, ...] = ()


@attrs.frozen(eq=False, repr=False)
class StopRequested(Value):
    """Someone asks the run to stop."""

    at: float
    reason: str
    level: StopLevel


@attrs.frozen(eq=False, repr=False)
class EngineFailed(Value):
    """The engine itself cannot go on: its storage is full, or no worker can be started."""

    at: float
    reason: str


@attrs.frozen(eq=False, repr=False)
class Tick(Value):
    """Time has passed."""

    at: float


Event = (
    Opened | TasksAdded | WorkerReady | WorkerUnstartable | WorkerLost | AttemptStarted | AttemptEnded | TaskRefused
    | TasksRevoked | RevokeConfirmed | ReuseDecided | StopRequested | EngineFailed | Tick
)  # fmt: skip

# --- commands ---------------------------------------------------------------------------------------------------------


@attrs.frozen(eq=False, repr=False)
class StartWorker(Value):
    """Start a worker process; it answers with `WorkerReady` or `WorkerLost`."""

    worker: WorkerId


@attrs.frozen(eq=False, repr=False)
class StopWorker(Value):
    """Let a worker end, which has nothing to do."""

    worker: WorkerId


@attrs.frozen(eq=False, repr=False)
class KillWorker(Value):
    """End a worker's process group at once; `WorkerLost` follows."""

    worker: WorkerId
    reason: str


@attrs.define(eq=False, repr=False)
class Dispatch(Value):
    """Hand an attempt to a worker."""

    worker: WorkerId
    task: TaskId
    attempt: int
    alone: bool = False


@attrs.frozen(eq=False, repr=False)
class Revoke(Value):
    """Take back what has not begun, the last first; answered by `TasksRevoked` with those for which it succeeded.

    Attributes:
        tasks: in the order in which they were handed over.
    """

    worker: WorkerId
    tasks: tuple[TaskId, ...]


@attrs.frozen(eq=False, repr=False)
class Abort(Value):
    """Ask attempts to stop.

    Attributes:
        grace: seconds they have.
    """

    worker: WorkerId
    tasks: tuple[TaskId, ...]
    grace: float


@attrs.frozen(eq=False, repr=False)
class DecideReuse(Value):
    """Find out whether the recorded outcome of a task stands; answered by `ReuseDecided`.

    Attributes:
        stale: something that the task requires ran again.
    """

    task: TaskId
    stale: bool


@attrs.frozen(eq=False, repr=False)
class Retry(Value):
    """An attempt failed, and the task will be tried again.

    Attributes:
        delay: seconds until then.
    """

    task: TaskId
    attempt: int
    reason: str
    delay: float


@attrs.define(eq=False, repr=False)
class Commit(Value):
    """Make the outcome of a task durable; it will not change.

    Attributes:
        attempt: the attempt that decided it; 0 when none was made.
        reused: the outcome is that of an earlier run.
        cause: for a skipped task, the task whose end is the root of it.
    """

    task: TaskId
    outcome: Outcome
    attempt: int
    reason: str | None = None
    reused: bool = False
    cause: TaskId | None = None


@attrs.frozen(eq=False, repr=False)
class Finish(Value):
    """The run is over.

    Attributes:
        outcome: of the run as a whole.
        pending: how many tasks never began.
    """

    outcome: Outcome
    reason: str | None = None
    pending: int = 0


Command = StartWorker | StopWorker | KillWorker | Dispatch | Revoke | Abort | DecideReuse | Retry | Commit | Finish
