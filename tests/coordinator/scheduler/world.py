"""Everything around a scheduler in a simulated run: a loop that carries out its commands, and what befalls it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from otter.step.coordinator import events as e
from otter.step.coordinator.events import Command, Event, Outcome, StopLevel, TaskId, WorkerId
from otter.step.coordinator.scheduler import Scheduler
from otter.wire.messages import RunTask
from tests.coordinator.scheduler.oracle import Oracle, ViolationError
from tests.coordinator.scheduler.scenario import Scenario
from tests.coordinator.scheduler.timeline import Timeline
from tests.coordinator.scheduler.workers import Workers

STEPS = 4000
"""Turns after which a run counts as endless; the longest of a million seeds takes a few hundred."""

PATIENCE = 4.0
"""Seconds between two ticks at most; below what the scheduler takes for sleep."""


class World:
    """The surroundings of a scheduler.

    Args:
        scenario: what happens.
        scheduler: what is tested.
        oracle: looks at each event and command.
        thorough: check the invariants of the scheduler after each turn.
    """

    def __init__(self, scenario: Scenario, scheduler: Scheduler, oracle: Oracle, thorough: bool) -> None:
        quantum = 0.01 if "batches" in scenario.faults else 0.0
        self.scenario = scenario
        self.scheduler = scheduler
        self.oracle = oracle
        self.timeline = Timeline(scenario.rng.choice((0.0, 1000.0)))
        self.workers = Workers(scenario, self.timeline, oracle.account, self._deliver, quantum)
        self.turns = 0
        self._thorough = thorough
        self._together = quantum > 0
        self._rng = scenario.rng
        self._queue: deque[Event] = deque()
        self._unsent: set[TaskId] = set()

    def run(self) -> None:
        """Run to the end.

        Raises:
            ViolationError: the scheduler broke a promise.
        """
        timeline = self.timeline
        self._schedule_disasters()
        self._queue.append(e.TasksAdded(timeline.at, self.scenario.tasks))
        self._turn()
        while self.oracle.finish is None:
            wakeup = self.scheduler.next_wakeup()
            if not timeline and wakeup is None:
                raise ViolationError("nothing will ever happen again, and the run has not ended")
            until = timeline.now + PATIENCE
            if wakeup is not None:  # and a little later, since sums of times are rounded
                until = min(until, max(timeline.now, wakeup - timeline.offset + 1e-9))
            if timeline.advance(max(until, timeline.asleep)):
                self._turn()
                continue
            self._queue.append(e.Tick(timeline.at))
            self._turn()
            wakeup = self.scheduler.next_wakeup()
            if wakeup is not None and wakeup <= timeline.at:
                raise ViolationError(f"at {timeline.at} it asks to be woken at {wakeup}, and would be for ever")

    # --- the loop -----------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        while self._queue and self.oracle.finish is None:
            self.turns += 1
            if self.turns > STEPS:
                raise ViolationError(f"the run has not ended after {STEPS} turns")
            events = [self._queue.popleft()]
            if self._together:
                events += self._queue
                self._queue.clear()
            self._unsent.difference_update(event.task for event in events if isinstance(event, e.TaskRefused))
            self.oracle.take(events)
            for command in self.scheduler.handle_all(events):
                self.oracle.judge(command)
                self._carry_out(command)
            self.oracle.check_turn(self.scheduler)
            if self._thorough:
                self.scheduler.check_invariants()

    def _carry_out(self, command: Command) -> None:
        match command:
            case e.Dispatch():
                self._dispatch(command)
            case e.StartWorker():
                if self.scenario.has("unstartable", 0.2):
                    self._queue.append(e.WorkerUnstartable(self.timeline.at, command.worker, "no descriptors"))
                else:
                    self.workers.start(command.worker)
            case e.StopWorker():
                self.workers.tell(command.worker, "stop")
            case e.KillWorker():
                self.workers.kill(command.worker, command.reason)
            case e.Revoke():
                self._revoke(command)
            case e.Abort():
                self.workers.abort(command.worker, command.tasks)
            case e.DecideReuse():
                self._decide(command)
            case _:
                pass

    def _dispatch(self, command: e.Dispatch) -> None:
        if self.scenario.has("refused", 0.1):
            self._unsent.add(command.task)
            reason = "a placeholder is undefined"
            refused = e.TaskRefused(self.timeline.at, command.worker, command.task, command.attempt, reason)
            self._queue.append(refused)
        else:
            self.workers.run(command.worker, RunTask(command.task, command.attempt, None, command.alone))

    def _revoke(self, command: e.Revoke) -> None:
        unsent = [task for task in command.tasks if task in self._unsent]
        sent = [task for task in command.tasks if task not in self._unsent]
        revoked = (*unsent, *self.workers.revoke(command.worker, sent))
        if revoked:
            self.workers.tell(command.worker, "revoke", revoked)
        self._queue.append(e.TasksRevoked(self.timeline.at, command.worker, revoked))

    def _decide(self, command: e.DecideReuse) -> None:
        account = self.oracle.account
        reuse = not command.stale and self._rng.random() < 0.8
        added = self.scenario.children(account.tasks[command.task].new, account.by_name) if reuse else ()
        self._queue.append(e.ReuseDecided(self.timeline.at, command.task, reuse, added))

    # --- what befalls it ----------------------------------------------------------------------------------------------

    def _deliver(self, make: Callable[..., Event], args: tuple[Any, ...]) -> None:
        """Something arrives; while the coordinator sleeps, nobody notices."""
        timeline = self.timeline
        if timeline.now < timeline.asleep:
            timeline.when_awake(self._deliver, make, args)
            return
        event = make(timeline.at, *args)
        self._queue.append(event)
        if isinstance(event, e.AttemptStarted | e.AttemptEnded) and self.scenario.has("stale", 0.15):
            timeline.after(self._rng.choice((0.0, 0.01, 1.0)), self._forge, event)

    def _forge(self, event: e.AttemptStarted | e.AttemptEnded) -> None:
        """A message comes twice, or from nowhere; never one that only its worker could send just then."""
        rng, at = self._rng, self.timeline.at
        worker, task, attempt = event.worker, event.task, event.attempt
        match rng.randrange(4):
            case 0:
                worker = WorkerId(rng.randrange(-1, 6))
            case 1:
                task = TaskId(rng.randrange(-2, 12))
            case 2:
                attempt = rng.randrange(4)
            case _:
                pass
        if self.timeline.now < self.timeline.asleep or self.oracle.account.is_live(worker, task, attempt):
            return
        if rng.random() < 0.3:
            self._queue.append(e.AttemptStarted(at, worker, task, attempt))
        else:
            self._queue.append(e.AttemptEnded(at, worker, task, attempt, rng.choice(list(Outcome)), "forged"))

    def _schedule_disasters(self) -> None:
        scenario, rng, after = self.scenario, self._rng, self.timeline.after
        if scenario.has("stop"):
            level = rng.choice(list(StopLevel))
            moment = rng.choice((0.0, 0.1, 1.0, 3.0)) * rng.random()
            after(moment, self._deliver, e.StopRequested, ("cancelled", level))
            if rng.random() < 0.5:
                after(rng.random() * 6, self._deliver, e.StopRequested, ("cancelled again", StopLevel.KILL))
        if scenario.has("engine", 0.3):
            after(rng.random() * 2, self._deliver, e.EngineFailed, ("storage error",))
        for _ in range(rng.randrange(3) if scenario.has("gaps") else 0):
            after(rng.choice((0.01, 0.5, 5.0)) * rng.random(), self._sleep, rng.uniform(5.5, 60.0))

    def _sleep(self, seconds: float) -> None:
        if self._rng.random() < 0.5:
            self.timeline.offset += seconds  # the whole machine slept: the clock jumps, and nothing else happened
        elif self.timeline.now >= self.timeline.asleep:
            self.timeline.asleep = self.timeline.now + seconds  # only the coordinator did: its workers go on
