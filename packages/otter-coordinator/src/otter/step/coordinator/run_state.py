"""What a run stands at: everything that the scheduler knows, and the two ways in which it is written.

`_move` is the only place that changes the state of a task, `_order` the only one that gives a command.
"""

from __future__ import annotations

import math
import random
from collections import Counter, deque
from collections.abc import Mapping

import attrs

from otter.step.coordinator.crew import Estimates, WorkerNode
from otter.step.coordinator.events import Command, Event, Outcome, TaskId, WorkerId
from otter.step.coordinator.ready_queue import ReadyQueue
from otter.step.coordinator.task_graph import TaskGraph
from otter.step.coordinator.task_node import (
    DONE,
    EXPANDING,
    READY,
    TRANSITIONS,
    Aborted,
    Assigned,
    Deciding,
    Delayed,
    Done,
    Expanding,
    Failed,
    InvalidTransitionError,
    Ready,
    Running,
    Skipped,
    TaskNode,
    TaskState,
    Waiting,
)  # fmt: skip
from otter.util.values import Value

STORY = 64
"""Events that are kept for the message of an invalid transition."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Settings(Value):
    """How a run is to go.

    Attributes:
        pool_size: worker processes at most.
        concurrency: asynchronous tasks of one worker at most.
        keep_going: run what does not depend on a failure, instead of stopping at the first one.
        grace: seconds that running tasks have to stop.
        max_specs: tasks of a run at most, generated ones included.
        start_timeout: seconds until a worker must have said hello, or begun what it was given.
        start_limit: workers in a row that may fail to start before the run ends, or goes on with those that serve.
        starts_at_once: workers that may be starting at a time.
        processors: of this machine.
        hesitation: seconds for which more workers must seem of use for synchronous tasks before they are started.
        crash_limit: workers that a task may take down before it counts as failed.
        pools: sizes of the named pools.
        seed: of the generator of jitter.
    """

    pool_size: int = 1
    concurrency: int = 16
    keep_going: bool = False
    grace: float = 10.0
    max_specs: int = 1_000_000
    start_timeout: float = 30.0
    start_limit: int = 3
    starts_at_once: int = 2
    processors: int = 2
    hesitation: float = 0.0
    crash_limit: int = 2
    pools: Mapping[str, int] = attrs.field(factory=dict)
    seed: int = 0


class RunState:
    """The state of a run.

    Args:
        settings: how the run is to go.

    Attributes:
        graph: the tasks.
        ready: those that nothing holds but a free worker or a pool.
        workers: every worker that is not lost, by number.
        pool_size: worker processes at most; less than in the settings when the machine gives no more.
        estimates: how long tasks of each type take.
        stale: messages of workers about attempts that they do not have; they are ignored and counted.
        finished: `Finish` was ordered; every later event is ignored.
        stopping: why the run stops; none while it goes on.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.graph = TaskGraph()
        self.ready = ReadyQueue(settings.pools)
        self.workers: dict[WorkerId, WorkerNode] = {}
        self.estimates = Estimates()
        self.stale = 0
        self.finished = False
        self.stopping: str | None = None
        self.counts: Counter[type] = Counter()
        """Tasks by state."""
        self._now = -math.inf
        self._woke_at = -math.inf
        self._rng = random.Random(settings.seed)
        self._story: deque[Event] = deque(maxlen=STORY)
        self._commands: list[Command] = []
        self._begun = False
        self.pool_size = settings.pool_size
        self._next_worker = 0
        self._start_failures = 0
        self._start_after = -math.inf
        self._kill_at: float | None = None
        self._rebalance_at: float | None = None
        self._grow_at: float | None = None
        self._first_out: dict[str, float] = {}
        """When the first task of each asynchronous type was handed out."""
        self._short_since: float | None = None
        """Since when more workers would be of use for synchronous tasks."""
        self._failure: str | None = None
        self._stop_outcome = Outcome.FAILURE
        self._delayed: list[tuple[float, TaskId]] = []
        self._generated: dict[TaskId, int] = {}
        """How many tasks each generator made; that a generator has ended is noticed when somebody asks."""
        self._deadlines: list[tuple[float, TaskId, int, bool]] = []
        """(when, task, attempt, whether to kill): all running attempts with a timeout; entries of others are stale."""

    def _make_ready(self, node: TaskNode) -> None:
        self._move(node, READY)
        self.ready.push(node)

    def _active(self) -> int:
        counts = self.counts
        return counts[Deciding] + counts[Ready] + counts[Delayed] + counts[Assigned] + counts[Running]

    def _live(self) -> int:
        counts = self.counts
        return len(self.graph.nodes) - counts[Done] - counts[Failed] - counts[Aborted] - counts[Skipped]

    def _order(self, command: Command) -> None:
        self._commands.append(command)

    def _move(self, node: TaskNode, state: TaskState) -> None:
        before, after = type(node.state), type(state)
        if after not in TRANSITIONS[before]:
            story = tuple(repr(event) for event in self._story)
            raise InvalidTransitionError(node.name, before.__name__, after.__name__, story)
        self.counts[before] -= 1
        self.counts[after] += 1
        node.state = state

    def generating(self) -> list[tuple[TaskNode, int]]:
        """The generators whose tasks have not all ended, each with how many tasks it made."""
        nodes = self.graph.nodes
        self._generated = {task: made for task, made in self._generated.items() if nodes[task].state is EXPANDING}
        return [(nodes[task], made) for task, made in self._generated.items()]

    def delayed(self, count: int) -> list[tuple[float, TaskId]]:
        """Some of the tasks that wait for their next attempt, the first one among them; some have ended since."""
        return self._delayed[:count]

    def is_met(self, name: str) -> bool:
        required = self.graph.find(name)
        return required is not None and required.state is DONE and required.spoiled is None

    def why(self, task: TaskId) -> str:
        """Why a task stands where it stands, for people."""
        node = self.graph.nodes[task]
        match node.state:
            case Waiting():
                names = [name for name in node.new.requires if not self.is_met(name)]
                return "waits for " + ", ".join(repr(name) for name in names[:5]) + (" …" if len(names) > 5 else "")
            case Ready():
                pool = self.ready.short_pool(node)
                return f"waits for the pool {pool!r}" if pool is not None else "waits for a worker"
            case Delayed():
                return f"waits {max(0.0, node.state.until - self._now):.1f} s for its next attempt"
            case Expanding():
                return f"waits for {node.children_left} generated tasks"
            case state:
                return type(state).__name__.lower()
