"""`Scheduler`: an event in, commands out, and no other way to change it.

It has no clock, no files, no processes and no logger. Time comes with each event; the only chance is the jitter of
retries, from a generator whose seed is a setting. Each event costs O(1 + edges touched): readiness is a counter of
unmet requirements, deadlines stand in heaps, and nothing is ever scanned but the workers, of which there are few.

Read `task_node.py` first for the life of a task, then `handle`. What the scheduler knows is in `run_state.py`, what
becomes of workers in `worker_care.py`, and who gets which task in `handing_out.py`; here is what becomes of tasks, and
how a run ends.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable
from typing import Any

from otter.step.coordinator import events as e
from otter.step.coordinator.crew import WorkerState
from otter.step.coordinator.events import SUCCESS, Command, Event, NewTask, Outcome, StopLevel, TaskId
from otter.step.coordinator.handing_out import HandingOut
from otter.step.coordinator.invariants import check_invariants
from otter.step.coordinator.run_state import Settings
from otter.step.coordinator.task_node import (
    DECIDING,
    DONE,
    EXPANDING,
    OUTCOME_STATES,
    WAITING,
    Assigned,
    Delayed,
    Expanding,
    Ready,
    Running,
    Skipped,
    TaskNode,
    Waiting,
)  # fmt: skip

__all__ = ["NOT_NEEDED", "SLEPT", "Scheduler", "Settings"]

SLEPT = 5.0
"""Seconds between two events above which we did not run ourselves: the loop ticks ten times as often."""

KILL_DELAY = 0.5
"""Seconds between asking a task to stop because its time is over and killing its worker."""

TIMED_OUT = "timed out"
"""Why a worker is killed that runs a task beyond its time."""

NOT_NEEDED = "not needed any more"
"""Verdict over a worker that was starting when the run ended; it did nothing wrong."""


class Scheduler(HandingOut):
    """Decides what happens next in a run.

    Args:
        settings: how the run is to go.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._handlers: dict[type, Callable[[Any], None]] = {
            e.Opened: self._on_opened,
            e.TasksAdded: self._on_tasks_added,
            e.WorkerUnstartable: self._on_worker_unstartable,
            e.WorkerReady: self._on_worker_ready,
            e.WorkerLost: self._on_worker_lost,
            e.AttemptStarted: self._on_attempt_started,
            e.AttemptEnded: self._on_attempt_ended,
            e.TaskRefused: self._on_task_refused,
            e.TasksRevoked: self._on_tasks_revoked,
            e.RevokeConfirmed: self._on_revoke_confirmed,
            e.ReuseDecided: self._on_reuse_decided,
            e.StopRequested: self._on_stop_requested,
            e.EngineFailed: self._on_engine_failed,
            e.Tick: lambda _: None,
        }

    # --- the one way in and out ---------------------------------------------------------------------------------------

    def handle(self, event: Event) -> list[Command]:
        """Take in an event and say what is to be done, in order.

        Raises:
            InvalidTransitionError: a defect of the scheduler.
        """
        return self.handle_all((event,))

    def handle_all(self, events: Iterable[Event]) -> list[Command]:
        """Take in events that came together, in order, and then say what is to be done about all of them.

        Raises:
            InvalidTransitionError: a defect of the scheduler.
        """
        if self.finished:
            return []
        self._commands = []
        for place, event in enumerate(events):
            self._story.append(event)
            if event.at > self._now or not place:  # what came in one turn bears one time
                self._advance(event.at)
            self._handlers[type(event)](event)
        self._proceed()
        return self._commands

    def next_wakeup(self) -> float | None:
        """When a `Tick` is due at the latest, on the clock of the events; none if only events can change anything."""
        if self.finished:
            return None
        times = [heap[0][0] for heap in (self._delayed, self._deadlines) if heap]
        times += [worker.deadline for worker in self.workers.values() if worker.deadline is not None]
        times += [time for time in (self._kill_at, self._rebalance_at, self._grow_at) if time is not None]
        if self._start_after > self._now and (len(self.ready) or not self.workers):
            times.append(self._start_after)
        return min(times) if times else None

    # --- time ---------------------------------------------------------------------------------------------------------

    def _advance(self, at: float) -> None:
        gap = at - self._now
        if gap > SLEPT and self._now > -math.inf:
            self._postpone(gap)  # the machine or our process slept: no task may be failed for that
            self._woke_at = at
        self._now = max(self._now, at)
        while self._delayed and self._delayed[0][0] <= self._now:
            node = self.graph.nodes[heapq.heappop(self._delayed)[1]]
            if type(node.state) is Delayed:
                self._make_ready(node)
        while self._deadlines and self._deadlines[0][0] <= self._now:
            self._on_deadline(*heapq.heappop(self._deadlines)[1:])
        for worker in list(self.workers.values()):
            if worker.deadline is not None and worker.deadline <= self._now:
                self._on_owing(worker)
        if self._kill_at is not None and self._kill_at <= self._now:
            self._kill_at = None
            self._kill_all(f"still running {self.settings.grace:g} s after it was asked to stop")

    def _postpone(self, gap: float) -> None:
        self._delayed = [(when + gap, *rest) for when, *rest in self._delayed]  # type: ignore[misc]  # tuples of two
        self._deadlines = [(when + gap, *rest) for when, *rest in self._deadlines]  # type: ignore[misc]  # of four
        for worker in self.workers.values():
            if worker.deadline is not None:
                worker.deadline += gap
            if worker.lost_at is not None:
                worker.lost_at += gap
        if self._kill_at is not None:
            self._kill_at += gap

    def _on_deadline(self, task: TaskId, attempt: int, kill: bool) -> None:
        node = self.graph.nodes[task]
        if type(node.state) is not Running or node.attempt != attempt:
            return
        worker = self.workers[node.state.worker]
        if kill:
            self._kill(worker, TIMED_OUT)
            return
        node.timed_out = True
        self._order(e.Abort(worker.id, (task,), KILL_DELAY))
        heapq.heappush(self._deadlines, (self._now + KILL_DELAY, task, attempt, True))

    # --- tasks --------------------------------------------------------------------------------------------------------

    def _on_opened(self, event: e.Opened) -> None:
        wanted = max(1, min(event.workers, self.pool_size, self.settings.starts_at_once))
        for _ in range(wanted - len(self.workers)):
            self._start_worker()

    def _on_tasks_added(self, event: e.TasksAdded) -> None:
        self._begun = True
        self._admit(event.tasks, None)

    def has_room_for(self, count: int) -> bool:
        """Whether so many more tasks can be added."""
        return len(self.graph.nodes) + count <= self.settings.max_specs

    def refusal(self, tasks: tuple[NewTask, ...], parent: TaskNode | None = None) -> str | None:
        """Why tasks cannot be added to the run; none when they can."""
        total = len(self.graph.nodes) + len(tasks)
        if total > self.settings.max_specs:
            return f"the step would have {total} tasks; max_specs allows {self.settings.max_specs}"
        problem = self.graph.duplicate(tasks)
        if problem is None and (cycle := self.graph.closed_cycle(tasks, parent)) is not None:
            problem = f"would close a cycle: {' -> '.join(cycle)}"
        return problem

    def _admit(self, tasks: tuple[NewTask, ...], parent: TaskNode | None) -> None:
        added = self.graph.add(tasks, parent)
        self.counts[Waiting] += len(added)
        self.graph.rank(added, parent)
        for node in added:
            if node.new.requires:
                self._spoil_if_blocked(node)
            if parent is not None:
                node.upstream_ran |= parent.ran
            if not node.unmet and node.state is WAITING:
                self._release(node)

    def _spoil_if_blocked(self, node: TaskNode) -> None:
        """A task that requires something which has ended badly is skipped at once: no event will come for it."""
        for name in node.new.requires:
            required = self.graph.find(name)
            if required is not None and required.ended and (required.state is not DONE or required.spoiled is not None):
                self._complete(self._skip([node.id], self._root(required)))
                return

    @staticmethod
    def _root(node: TaskNode) -> TaskId:
        if type(node.state) is Skipped:
            return node.state.cause
        return node.spoiled if node.spoiled is not None else node.id

    def _release(self, node: TaskNode) -> None:
        if node.new.recorded:
            self._move(node, DECIDING)
            self._order(e.DecideReuse(node.id, stale=node.upstream_ran))
        else:
            self._make_ready(node)

    def _on_reuse_decided(self, event: e.ReuseDecided) -> None:
        node = self.graph.nodes[event.task]
        if node.state is not DECIDING:
            self.stale += 1
        elif event.reuse and self.refusal(event.added, node) is None:
            self._succeed(node, event.added, reused=True)
        else:
            self._make_ready(node)

    def _on_task_refused(self, event: e.TaskRefused) -> None:
        node = self._held_by(event)
        if node is None or type(node.state) is Running:
            return
        self._forget(self.workers[event.worker], node, began=False)
        node.attempt -= 1
        self._fail_for_good(node, event.reason)

    def _succeed(self, node: TaskNode, added: tuple[NewTask, ...], reused: bool) -> None:
        node.ran = not reused
        self._order(e.Commit(node.id, SUCCESS, node.attempt, None, reused))
        if not added:
            if node.dependents is None and node.parent is None and node.spoiled is None:
                self._move(node, DONE)  # nobody waits for it
            else:
                self._complete([node])
            return
        self._move(node, EXPANDING)
        self._generated[node.id] = len(added)
        self._admit(added, node)

    def _complete(self, complete: list[TaskNode]) -> None:
        """Tasks and all that they generated have ended: what waits for them goes on, or is skipped.

        Without recursion: generators nest, and wait for each other, in thousands.
        """
        while complete:
            node = complete.pop()
            self._move(node, DONE)
            if node.spoiled is not None:
                complete += self._skip(node.dependents or (), node.spoiled)
            else:
                for dependent in node.dependents or ():
                    waiting = self.graph.nodes[dependent]
                    if waiting.state is WAITING:
                        waiting.unmet -= 1
                        waiting.upstream_ran |= node.ran
                        if not waiting.unmet:
                            self._release(waiting)
            complete += self._child_ended(node)

    def _child_ended(self, node: TaskNode) -> list[TaskNode]:
        """Account for an ended task with the one that generated it; that one, if it is complete now."""
        if node.parent is None:
            return []
        parent = self.graph.nodes[node.parent]
        parent.children_left -= 1
        parent.ran |= node.ran
        if parent.spoiled is None and (node.state is not DONE or node.spoiled is not None):
            parent.spoiled = self._root(node)
        return [parent] if not parent.children_left else []

    def _fail_for_good(self, node: TaskNode, reason: str, outcome: Outcome = Outcome.FAILURE) -> None:
        self._move(node, OUTCOME_STATES[outcome])
        self._order(e.Commit(node.id, outcome, node.attempt, reason))
        self._complete([*self._skip(node.dependents or (), node.id), *self._child_ended(node)])
        if self.stopping is None:
            self._failure = self._failure or f"{node.name}: {reason}"
            if not self.settings.keep_going:
                self._stop(f"{node.name!r} failed", Outcome.FAILURE)

    def _skip(self, tasks: Iterable[TaskId], cause: TaskId) -> list[TaskNode]:
        """Skip those of some tasks that wait, and all that wait for them; the generators that are complete by that."""
        complete: list[TaskNode] = []
        pending = list(tasks)
        while pending:
            node = self.graph.nodes[pending.pop()]
            if node.state is WAITING:
                self._move(node, Skipped(cause))
                reason = f"not begun: it needs {self.graph.nodes[cause].name!r}, which did not succeed"
                self._order(e.Commit(node.id, Outcome.SKIPPED, 0, reason, cause=cause))
                pending += node.dependents or ()
                complete += self._child_ended(node)
        return complete

    # --- attempts -----------------------------------------------------------------------------------------------------

    def _held_by(self, event: e.AttemptStarted | e.AttemptEnded | e.TaskRefused) -> TaskNode | None:
        """The task of an event, if that worker has that attempt; else the event is counted as stale."""
        if 0 <= event.task < len(self.graph.nodes):
            node = self.graph.nodes[event.task]
            state = node.state
            if (
                (type(state) is Running or type(state) is Assigned)
                and state.worker == event.worker
                and node.attempt == event.attempt
            ):
                return node
        self.stale += 1
        return None

    def _on_attempt_started(self, event: e.AttemptStarted) -> None:
        node = self._held_by(event)
        if node is None or type(node.state) is Running:
            return
        worker = self.workers[event.worker]
        worker.spent = False
        worker.load -= worker.waiting.pop(node.id)
        worker.running.add(node.id)
        began = max(event.at, self._woke_at)  # what is told late may have begun before we slept
        worker.begun_at = began
        worker.deadline = None
        self._prove(worker)
        self._move(node, Running(worker.id, began))
        if self.stopping is not None:  # it began between our decision and the revocation
            self._order(e.Abort(worker.id, (node.id,), self.settings.grace))
        timeout = node.new.policy.timeout
        if timeout is not None:
            heapq.heappush(self._deadlines, (began + timeout, node.id, node.attempt, False))

    def _on_attempt_ended(self, event: e.AttemptEnded) -> None:
        node = self._held_by(event)
        if node is None:
            return
        worker = self.workers[event.worker]
        self._prove(worker)
        worker.spent = False
        self._forget(worker, node, began=True)
        self.estimates.learn(node.new.kind, event.elapsed)
        if event.load is not None:
            self.estimates.learn_load(node.new.kind, event.load)
        if event.tainted is not None and worker.state is WorkerState.SERVING:
            self._dismiss(worker)
        if event.outcome is SUCCESS:
            problem = self.refusal(event.added, node) if event.added else None
            if problem is None:
                self._succeed(node, event.added, reused=False)
            else:
                self._fail_for_good(node, problem)
        elif node.timed_out and self.stopping is None:
            self._fail_attempt(node, self._timeout_text(node))
        elif event.outcome is Outcome.ABORTED:
            self._fail_for_good(node, event.reason or "aborted", Outcome.ABORTED)
        else:
            self._fail_attempt(node, event.reason or "failed without a reason")

    @staticmethod
    def _timeout_text(node: TaskNode) -> str:
        return f"timed out after {node.new.policy.timeout:g} s"

    def _fail_attempt(self, node: TaskNode, reason: str) -> None:
        policy = node.new.policy
        node.failures += 1
        if node.failures > policy.retries or not policy.idempotent or self.stopping is not None:
            self._fail_for_good(node, reason)
            return
        delay = policy.retry_delay * (2 ** (node.failures - 1) if policy.backoff == "exponential" else 1)
        delay *= self._rng.uniform(0.75, 1.25)  # tasks that failed together must not come back together
        self._order(e.Retry(node.id, node.attempt, reason, delay))
        self._move(node, Delayed(self._now + delay))
        heapq.heappush(self._delayed, (self._now + delay, node.id))

    def _lose_attempt(self, node: TaskNode, reason: str, crashed: bool) -> None:
        """A worker died while it ran this task.

        Args:
            crashed: the task alone can have been the cause.
        """
        if self.stopping is not None:
            self._fail_for_good(node, f"aborted: {self.stopping}", Outcome.ABORTED)
        elif node.timed_out:
            self._fail_attempt(node, self._timeout_text(node))
        elif not node.new.policy.idempotent:
            self._fail_for_good(node, f"{reason}; not tried again, because it is not idempotent")
        else:
            node.crashes += crashed
            if node.crashes >= self.settings.crash_limit:
                self._fail_for_good(node, f"{reason} (in {node.crashes} attempts)")
                return
            self._order(e.Retry(node.id, node.attempt, reason, 0.0))
            self._make_ready(node)

    # --- workers ------------------------------------------------------------------------------------------------------

    def _on_worker_ready(self, event: e.WorkerReady) -> None:
        worker = self.workers.get(event.worker)
        if worker is None or worker.state is not WorkerState.STARTING:
            return
        worker.state = WorkerState.SERVING
        worker.greeted = True
        worker.deadline = None

    def _on_worker_lost(self, event: e.WorkerLost) -> None:
        worker = self.workers.pop(event.worker, None)
        if worker is None:
            return
        for task in worker.waiting:  # in order, so that they keep it
            self._give_back(self.graph.nodes[task])
        running = [self.graph.nodes[task] for task in sorted(worker.running)]
        for node in running:
            self.ready.release(node, self.graph.nodes, began=True)
        slow = [node for node in running if node.timed_out]
        for node in running:
            if worker.verdict == TIMED_OUT and not node.timed_out:
                culprit = repr(slow[0].name) if slow else "another task"
                self._lose_attempt(node, f"its worker was killed because of {culprit}", crashed=False)
            elif len(running) > 1:
                node.alone = node.alone or not node.timed_out  # its next attempt tells whether it was the one
                self._lose_attempt(node, f"lost with its worker, beside other tasks: {event.reason}", crashed=False)
            else:
                self._lose_attempt(node, f"crashed: {event.reason}", crashed=True)
        if self.stopping is None and not worker.began and (worker.waiting or not worker.greeted):
            verdict = worker.verdict or event.reason
            self._on_failed_start(event.reason if event.reason.startswith(verdict) else verdict)

    def _on_worker_unstartable(self, event: e.WorkerUnstartable) -> None:
        if self.workers.pop(event.worker, None) is None:
            return
        if self.workers:
            self.pool_size = len(self.workers)  # the machine gives no more: go on with what there is
        else:
            self._on_failed_start(event.reason)

    def _on_failed_start(self, reason: str) -> None:
        self._start_failures += 1
        self._start_after = self._now + 0.1 * 2 ** (self._start_failures - 1)
        if self._start_failures < self.settings.start_limit:
            return
        if any(worker.greeted for worker in self.workers.values()):
            self.pool_size = len(self.workers)  # go on with those that serve
            self._start_failures = 0
        else:
            self._fail_run(f"workers cannot be started: {reason}")

    def _on_tasks_revoked(self, event: e.TasksRevoked) -> None:
        worker = self.workers.get(event.worker)
        if worker is None:
            return
        for task in event.tasks:
            node = self.graph.nodes[task]
            if type(node.state) is Assigned and node.state.worker == worker.id:
                self._forget(worker, node, began=False)
                self._give_back(node)
        worker.revoking = bool(event.tasks)
        worker.spent = not event.tasks
        self._expect(worker)

    def _on_revoke_confirmed(self, event: e.RevokeConfirmed) -> None:
        worker = self.workers.get(event.worker)
        if worker is not None:
            worker.revoking = False
            self._expect(worker)

    # --- ending -------------------------------------------------------------------------------------------------------

    def _on_stop_requested(self, event: e.StopRequested) -> None:
        if self.stopping is None:
            self._stop(event.reason, Outcome.ABORTED)
        if event.level is StopLevel.KILL:
            self._kill_all(event.reason)

    def _on_engine_failed(self, event: e.EngineFailed) -> None:
        self._fail_run(event.reason)

    def _fail_run(self, reason: str) -> None:
        self._failure = reason  # whatever failed before, this is why the run ends
        if self.stopping is None:
            self._stop(reason, Outcome.FAILURE)
        self._stop_outcome = Outcome.FAILURE

    def _stop(self, reason: str, outcome: Outcome) -> None:
        self.stopping = reason
        self._stop_outcome = outcome
        self._kill_at = self._now + self.settings.grace
        self._rebalance_at = self._grow_at = None
        for worker in self.workers.values():
            if worker.state is WorkerState.STARTING:
                self._kill(worker, NOT_NEEDED)
                continue
            self._revoke(worker)
            if worker.running:
                self._order(e.Abort(worker.id, tuple(sorted(worker.running)), self.settings.grace))

    def _proceed(self) -> None:
        if self.stopping is None:
            if not self._begun:
                if not self.workers and self._now >= self._start_after:
                    self._start_worker()
                return
            self._rebalance_at = self._grow_at = None
            self._assign()
            if len(self.ready) or any(worker.holds_back for worker in self.workers.values()):
                self._want_workers()
                self._rebalance()
            else:
                self._short_since = None
            if not self._active():
                self._end_stalled()
        if self.stopping is not None:
            if not any(worker.held for worker in self.workers.values()):
                self._abort_unfinished()
                aborted = self._stop_outcome is Outcome.ABORTED
                self._finish(self._stop_outcome, self.stopping if aborted else self._failure)
        elif not self._live():
            self._finish(Outcome.FAILURE if self._failure else Outcome.SUCCESS, self._failure)

    def _end_stalled(self) -> None:
        """Nothing runs and nothing can: who still waits, waits for what can never come. Name it instead of waiting."""
        for name in list(self.graph.missing):
            for task in self.graph.missing.pop(name, ()):
                node = self.graph.nodes[task]
                if node.state is WAITING:
                    self._fail_for_good(
                        node, f"requires {name!r}, which is no task of the step and was never generated"
                    )
        while self.stopping is None and self.counts[Waiting] and not self._active():
            cycle = self.graph.waiting_cycle()
            if cycle is None:
                break
            first = self.graph.find(cycle[0])
            assert first is not None, "a cycle is made of tasks"
            self._fail_for_good(first, f"waits for itself: {' -> '.join(cycle)}")

    def _abort_unfinished(self) -> None:
        """What had an attempt and would have had another is neither pending nor failed."""
        for node in self.graph.nodes:
            if node.attempt > node.new.attempts and type(node.state) in (Ready, Delayed):
                self._fail_for_good(node, f"aborted before its next attempt: {self.stopping}", Outcome.ABORTED)

    def _finish(self, outcome: Outcome, reason: str | None) -> None:
        for worker in self.workers.values():
            if worker.state is WorkerState.SERVING:
                self._order(e.StopWorker(worker.id))
            elif worker.state is WorkerState.STARTING:
                self._kill(worker, NOT_NEEDED)
        self._order(e.Finish(outcome, reason, pending=self._live() - self.counts[Expanding]))
        self.finished = True

    def check_invariants(self) -> None:
        """Raise AssertionError unless every promise about the state holds; for tests, after each event."""
        check_invariants(self)
