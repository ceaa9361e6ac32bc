"""Hypothesis tells a scheduler everything that could happen to it next, and shrinks what breaks a promise."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from otter.step.coordinator import events as e
from otter.step.coordinator.events import Command, Event, NewTask, Outcome, StopLevel, TaskId, WorkerId
from otter.step.coordinator.scheduler import Scheduler, Settings
from otter.task.policy import Policy
from tests.coordinator.scheduler.oracle import Oracle

EXAMPLES, STEPS = 300, 30
ENDING = 500
"""Events within which a run must end once nothing more goes wrong."""

POLICIES = st.builds(
    Policy,
    retries=st.integers(0, 2),
    retry_delay=st.sampled_from((0.0, 0.5)),
    timeout=st.sampled_from((None, 1.03)),
    priority=st.integers(-1, 1),
    uses=st.dictionaries(st.sampled_from(("db", "net")), st.integers(1, 3), max_size=2),
    idempotent=st.booleans(),
)
NAMES = st.sampled_from([f"t{place}" for place in range(8)])
TASKS = st.builds(
    NewTask,
    name=NAMES,
    kind=st.sampled_from(("tiny", "long")),
    requires=st.lists(NAMES, max_size=2).map(tuple),
    policy=POLICIES,
    asynchronous=st.booleans(),
    recorded=st.booleans(),
)
INDEX = st.integers(0, 7)


class SchedulerMachine(RuleBasedStateMachine):
    """A scheduler, and its surroundings as far as they are needed to know what can happen next."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.starting: list[WorkerId] = []
        self.alive: list[WorkerId] = []
        self.given: dict[WorkerId, dict[TaskId, int]] = {}
        """What each worker has: attempts by task."""
        self.begun: set[TaskId] = set()
        self.revoked: list[tuple[WorkerId, tuple[TaskId, ...]]] = []
        self.unconfirmed: list[WorkerId] = []
        self.questions: list[TaskId] = []

    @initialize(
        pool_size=st.integers(1, 3),
        keep_going=st.booleans(),
        crash_limit=st.integers(1, 2),
        tasks=st.lists(TASKS, min_size=1, max_size=6, unique_by=lambda task: task.name),
    )
    def begin(self, pool_size: int, keep_going: bool, crash_limit: int, tasks: list[NewTask]) -> None:
        """A run begins with what the pipeline file describes."""
        chosen = Settings(
            pool_size=pool_size, concurrency=2, keep_going=keep_going, crash_limit=crash_limit, max_specs=12,
            pools={"db": 2, "net": 1}, grace=2.0, start_timeout=3.0,
        )  # fmt: skip
        self.scheduler, self.oracle = Scheduler(chosen), Oracle(chosen)
        self.tell(e.TasksAdded(self.now, tuple(tasks)))

    @property
    def over(self) -> bool:
        """Whether the run has ended."""
        return self.oracle.finish is not None

    def tell(self, event: Event) -> None:
        """Something happens."""
        if self.over:
            assert [] == self.scheduler.handle(event)
            return
        self.oracle.take([event])
        for command in self.scheduler.handle(event):
            self.oracle.judge(command)
            self.carry_out(command)
        self.oracle.check_turn(self.scheduler)

    def carry_out(self, command: Command) -> None:
        """Note what can happen because of a command."""
        match command:
            case e.StartWorker():
                self.starting.append(command.worker)
            case e.Dispatch():
                self.given[command.worker][command.task] = command.attempt
            case e.Revoke():
                self.revoked.append((command.worker, command.tasks))
            case e.DecideReuse():
                self.questions.append(command.task)
            case _:
                pass

    def attempts(self, begun: bool) -> list[tuple[WorkerId, TaskId, int]]:
        """What workers have, begun or not."""
        return [
            (worker, task, attempt)
            for worker, tasks in self.given.items()
            for task, attempt in tasks.items()
            if (task in self.begun) is begun
        ]

    def startable(self) -> list[tuple[WorkerId, TaskId, int]]:
        """What workers could begin: the first that each has, beside what it runs."""
        found = []
        for worker, tasks in self.given.items():
            waiting = [task for task in tasks if task not in self.begun]
            shared = all(self.scheduler.graph.nodes[task].new.asynchronous for task in tasks)
            running = len(tasks) - len(waiting)
            taken = {task for other, tasks in self.revoked if other == worker for task in tasks}
            if waiting and waiting[0] not in taken and running < (2 if shared else 1):
                found.append((worker, waiting[0], tasks[waiting[0]]))
        return found

    @rule(seconds=st.sampled_from((0.0, 0.011, 0.3, 1.1, 4.0, 30.0)))
    def pass_time(self, seconds: float) -> None:
        """Time passes; in one leap, as if everything slept, when it is much."""
        self.now += seconds
        self.tell(e.Tick(self.now))

    @precondition(lambda self: self.starting)
    @rule(index=INDEX)
    def up(self, index: int) -> None:
        """A worker says hello."""
        worker = self.starting.pop(index % len(self.starting))
        self.alive.append(worker)
        self.given[worker] = {}
        self.tell(e.WorkerReady(self.now, worker))

    @precondition(lambda self: self.starting)
    @rule(index=INDEX, unstartable=st.booleans())
    def fail_to_start(self, index: int, unstartable: bool) -> None:
        """A worker's process cannot be made, or dies before it says hello."""
        worker = self.starting.pop(index % len(self.starting))
        kind = e.WorkerUnstartable if unstartable else e.WorkerLost
        self.tell(kind(self.now, worker, "exit 1"))

    @precondition(lambda self: self.alive)
    @rule(index=INDEX)
    def die(self, index: int) -> None:
        """A worker dies, whatever it has."""
        worker = self.alive.pop(index % len(self.alive))
        self.begun -= self.given.pop(worker).keys()
        self.revoked = [entry for entry in self.revoked if entry[0] != worker]
        self.unconfirmed = [other for other in self.unconfirmed if other != worker]
        self.tell(e.WorkerLost(self.now, worker, "SIGKILL"))

    @precondition(lambda self: self.startable())
    @rule(index=INDEX)
    def start(self, index: int) -> None:
        """A worker begins the next attempt that it has."""
        found = self.startable()
        worker, task, attempt = found[index % len(found)]
        self.begun.add(task)
        self.tell(e.AttemptStarted(self.now, worker, task, attempt))

    @precondition(lambda self: self.attempts(begun=True))
    @rule(index=INDEX, outcome=st.sampled_from((Outcome.FAILURE, Outcome.ABORTED)), tainted=st.booleans())
    def fail(self, index: int, outcome: Outcome, tainted: bool) -> None:
        """An attempt ends, and not well."""
        self.end(index, outcome, (), "unclean" if tainted else None)

    @precondition(lambda self: self.attempts(begun=True))
    @rule(index=INDEX, added=st.lists(TASKS, max_size=3))
    def finish(self, index: int, added: list[NewTask]) -> None:
        """An attempt succeeds, and may generate tasks, sensible or not."""
        self.end(index, Outcome.SUCCESS, tuple(added), None)

    def end(self, index: int, outcome: Outcome, added: tuple[NewTask, ...], tainted: str | None) -> None:
        """An attempt that has begun ends."""
        found = self.attempts(begun=True)
        worker, task, attempt = found[index % len(found)]
        del self.given[worker][task]
        self.begun.discard(task)
        self.tell(e.AttemptEnded(self.now, worker, task, attempt, outcome, "no", added, 0.001, tainted))

    @rule(
        worker=st.integers(-1, 4),
        task=st.integers(-2, 9),
        attempt=st.integers(0, 3),
        outcome=st.sampled_from(Outcome),
        ends=st.booleans(),
    )
    def forge(self, worker: int, task: int, attempt: int, outcome: Outcome, ends: bool) -> None:
        """A message comes that its sender has no right to send."""
        sender, number = WorkerId(worker), TaskId(task)
        if self.oracle.account.is_live(sender, number, attempt):
            return
        if ends:
            self.tell(e.AttemptEnded(self.now, sender, number, attempt, outcome, "forged"))
        else:
            self.tell(e.AttemptStarted(self.now, sender, number, attempt))

    @precondition(lambda self: self.revoked)
    @rule(kept=st.integers(0, 2))
    def answer_revocation(self, kept: int) -> None:
        """Attempts are taken back, except those that began before."""
        worker, tasks = self.revoked.pop(0)
        waiting = [task for task in tasks if task in self.given[worker] and task not in self.begun]
        for task in waiting[: self.room(worker, waiting, kept)]:
            self.begun.add(task)
        taken = tuple(task for task in waiting if task not in self.begun)
        for task in taken:
            del self.given[worker][task]
        late = [task for task in waiting if task in self.begun]
        if taken:
            self.unconfirmed.append(worker)
        self.tell(e.TasksRevoked(self.now, worker, taken))
        for task in late:
            self.tell(e.AttemptStarted(self.now, worker, task, self.given[worker][task]))

    def room(self, worker: WorkerId, waiting: Sequence[TaskId], kept: int) -> int:
        """How many of those that wait a worker may have begun meanwhile."""
        running = sum(task in self.begun for task in self.given[worker])
        shared = all(self.scheduler.graph.nodes[task].new.asynchronous for task in self.given[worker])
        return max(0, min(kept, len(waiting), (2 if shared else 1) - running))

    @precondition(lambda self: self.unconfirmed)
    @rule(index=INDEX)
    def confirm(self, index: int) -> None:
        """A worker has forgotten what was taken back."""
        self.tell(e.RevokeConfirmed(self.now, self.unconfirmed.pop(index % len(self.unconfirmed))))

    @precondition(lambda self: self.questions)
    @rule(reuse=st.booleans(), added=st.lists(TASKS, max_size=2))
    def decide(self, reuse: bool, added: list[NewTask]) -> None:
        """It is known whether a recorded outcome stands, and what was generated then."""
        self.tell(e.ReuseDecided(self.now, self.questions.pop(0), reuse, tuple(added) if reuse else ()))

    @precondition(lambda self: self.attempts(begun=False))
    @rule(index=INDEX)
    def refuse(self, index: int) -> None:
        """A spec that was to be handed out cannot be completed."""
        found = self.attempts(begun=False)
        worker, task, attempt = found[index % len(found)]
        del self.given[worker][task]
        self.tell(e.TaskRefused(self.now, worker, task, attempt, "a placeholder is undefined"))

    @precondition(lambda self: self.now > 2.0)
    @rule(level=st.sampled_from(StopLevel))
    def stop(self, level: StopLevel) -> None:
        """Someone asks the run to stop."""
        self.tell(e.StopRequested(self.now, "cancelled", level))

    @invariant()
    def keeps_its_promises(self) -> None:
        """The state of the scheduler is what it says it is."""
        if hasattr(self, "scheduler"):
            self.scheduler.check_invariants()

    def teardown(self) -> None:
        """Once nothing more goes wrong, every run ends."""
        if not hasattr(self, "scheduler"):
            return
        for _ in range(ENDING):
            if self.over:
                return
            self.help_along()
        raise AssertionError(f"the run has not ended after {ENDING} more events")

    def help_along(self) -> None:
        """Let the next good thing happen."""
        if self.starting:
            self.up(0)
        elif self.questions:
            self.decide(False, [])
        elif self.revoked:
            self.answer_revocation(0)
        elif self.unconfirmed:
            self.confirm(0)
        elif self.attempts(begun=True):
            self.finish(0, [])
        elif self.startable():
            self.start(0)
        else:
            leaving = [
                w for w in self.alive if self.oracle.account.workers[w].left or self.oracle.account.workers[w].killed
            ]
            if leaving:
                self.die(self.alive.index(leaving[0]))
            else:
                self.pass_time(0.3)


def test_whatever_happens_every_promise_is_kept() -> None:
    """Any sequence of events keeps every promise, and the run ends when things go well from then on."""
    run_state_machine_as_test(
        SchedulerMachine,
        settings=settings(
            max_examples=int(os.environ.get("OTTER_EXAMPLES", EXAMPLES)),
            stateful_step_count=STEPS,
            derandomize="OTTER_EXAMPLES" not in os.environ,
            database=None,
            deadline=timedelta(seconds=10),
            suppress_health_check=list(HealthCheck),
        ),
    )
