"""Driving the scheduler by hand: events in a line each, whole command lists back, invariants after every event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

from otter.step.coordinator import events as e
from otter.step.coordinator.events import Command, Event, NewTask, Outcome, StopLevel, TaskId, WorkerId
from otter.step.coordinator.scheduler import Scheduler, Settings
from otter.task.policy import Policy

C = TypeVar("C")


def task(
    name: str,
    *requires: str,
    kind: str = "work",
    asynchronous: bool = False,
    recorded: bool = False,
    retries: int = 0,
    backoff: Literal["fixed", "exponential"] = "exponential",
    retry_delay: float = 1.0,
    timeout: float | None = None,
    priority: int = 0,
    uses: Mapping[str, int] | None = None,
    idempotent: bool = True,
) -> NewTask:
    """A task that requires others, with the policy that the keywords describe."""
    policy = Policy(
        retries=retries,
        backoff=backoff,
        retry_delay=retry_delay,
        timeout=timeout,
        priority=priority,
        uses=uses or {},
        idempotent=idempotent,
    )
    return NewTask(name, kind, requires, policy, asynchronous, recorded)


class Driver:
    """A scheduler with a clock that stands still unless a test moves it, and names in place of numbers.

    Args:
        settings: those of the scheduler.

    Attributes:
        commands: everything that was ordered, in order.
        now: the time of the next event, in seconds.
    """

    def __init__(self, **settings: Any) -> None:
        self.scheduler = Scheduler(Settings(**settings))
        self.commands: list[Command] = []
        self.now = 0.0

    def handle(self, event: Event) -> list[Command]:
        """Hand an event to the scheduler, and look at everything it promises about its state."""
        commands = self.scheduler.handle(event)
        self.scheduler.check_invariants()
        self.commands += commands
        return commands

    def id(self, name: str) -> TaskId:
        """The number of a task."""
        node = self.scheduler.graph.find(name)
        assert node is not None, f"there is no task {name!r}"
        return node.id

    def add(self, *tasks: NewTask) -> list[Command]:
        """The tasks of the pipeline file come."""
        return self.handle(e.TasksAdded(self.now, tasks))

    def ready(self, worker: int) -> list[Command]:
        """A worker says hello."""
        return self.handle(e.WorkerReady(self.now, WorkerId(worker)))

    def lost(self, worker: int, reason: str = "SIGKILL") -> list[Command]:
        """A worker's process is gone."""
        return self.handle(e.WorkerLost(self.now, WorkerId(worker), reason))

    def started(self, worker: int, name: str, attempt: int = 1) -> list[Command]:
        """A worker begins an attempt."""
        return self.handle(e.AttemptStarted(self.now, WorkerId(worker), self.id(name), attempt))

    def ended(
        self,
        worker: int,
        name: str,
        attempt: int = 1,
        outcome: Outcome = Outcome.SUCCESS,
        *,
        reason: str | None = None,
        added: Sequence[NewTask] = (),
        elapsed: float = 1.0,
        tainted: str | None = None,
        load: float | None = None,
    ) -> list[Command]:
        """A worker answers for an attempt, with success unless told otherwise."""
        event = e.AttemptEnded(
            self.now, WorkerId(worker), self.id(name), attempt, outcome, reason, tuple(added), elapsed, tainted, load
        )
        return self.handle(event)

    def succeeded(self, worker: int, *names: str, elapsed: float = 1.0) -> list[Command]:
        """First attempts begin and succeed one after the other; the commands of all of them."""
        commands: list[Command] = []
        for name in names:
            commands += self.started(worker, name)
            commands += self.ended(worker, name, elapsed=elapsed)
        return commands

    def failed(self, worker: int, name: str, attempt: int = 1, reason: str = "OSError: no") -> list[Command]:
        """An attempt begins and fails; the commands of both events."""
        return [
            *self.started(worker, name, attempt),
            *self.ended(worker, name, attempt, Outcome.FAILURE, reason=reason),
        ]

    def refused(self, worker: int, name: str, reason: str) -> list[Command]:
        """The spec of a task whose first attempt was handed out cannot be completed."""
        return self.handle(e.TaskRefused(self.now, WorkerId(worker), self.id(name), 1, reason))

    def revoked(self, worker: int, *names: str) -> list[Command]:
        """Attempts were taken back from a worker."""
        return self.handle(e.TasksRevoked(self.now, WorkerId(worker), tuple(map(self.id, names))))

    def confirmed(self, worker: int) -> list[Command]:
        """A worker has forgotten what was taken back."""
        return self.handle(e.RevokeConfirmed(self.now, WorkerId(worker)))

    def decided(self, name: str, reuse: bool, *added: NewTask) -> list[Command]:
        """It is known whether a recorded outcome stands."""
        return self.handle(e.ReuseDecided(self.now, self.id(name), reuse, added))

    def stop(self, reason: str = "cancelled by SIGTERM", level: StopLevel = StopLevel.DRAIN) -> list[Command]:
        """Someone asks the run to stop."""
        return self.handle(e.StopRequested(self.now, reason, level))

    def tick(self, seconds: float = 0.0) -> list[Command]:
        """Time passes while the loop runs as it should; the commands of all its ticks."""
        commands: list[Command] = []
        until = self.now + seconds
        while True:
            self.now = min(until, self.now + 0.5)
            commands += self.handle(e.Tick(self.now))
            if self.now >= until:
                return commands

    def sleep(self, seconds: float) -> list[Command]:
        """Time passes while the loop does not run at all; the commands of the tick after it."""
        self.now += seconds
        return self.handle(e.Tick(self.now))

    def of(self, kind: type[C]) -> list[C]:
        """What was ordered so far of a kind."""
        return [command for command in self.commands if isinstance(command, kind)]


def check_history(commands: Sequence[Command]) -> None:
    """Raise AssertionError unless commands of one run agree: one commit a task, nothing after the end."""
    committed = [command.task for command in commands if isinstance(command, e.Commit)]
    assert len(set(committed)) == len(committed), "a task was committed twice"
    for place, command in enumerate(commands):
        assert not isinstance(command, e.Finish) or place == len(commands) - 1, "something was ordered after the end"
