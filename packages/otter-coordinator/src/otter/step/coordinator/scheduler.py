"""`Scheduler`: an event in, commands out, and no other way to change it.

It has no clock, no files, no processes and no logger. Time comes with each event; the only chance is the jitter of
retries, from a generator whose seed is a setting. Each event costs O(1 + edges touched): readiness is a counter of
unmet requirements, deadlines stand in heaps, and nothing is ever scanned but the workers, of which there are few.

Read `task_node.py` first for the life of a task, then `handle`.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from otter.step.coordinator import events as e
from otter.step.coordinator.crew import AHEAD, Estimates, WorkerNode, WorkerState
from otter.step.coordinator.events import Command, Event, NewTask, Outcome, StopLevel, TaskId, WorkerId
from otter.step.coordinator.ready_queue import ReadyQueue
from otter.step.coordinator.task_graph import TaskGraph
from otter.step.coordinator.task_node import (
    DECIDING,
    DONE,
    EXPANDING,
    OUTCOME_STATES,
    READY,
    TERMINAL,
    TRANSITIONS,
    WAITING,
    Assigned,
    Deciding,
    Delayed,
    Expanding,
    InvalidTransitionError,
    Ready,
    Running,
    Skipped,
    TaskNode,
    TaskState,
    Waiting,
)  # fmt: skip

STORY = 64
"""Events that are kept for the message of an invalid transition."""

SLEPT = 5.0
"""Seconds between two events above which we did not run ourselves: the loop ticks ten times as often."""

KILL_DELAY = 0.5
"""Seconds between asking a task to stop because its time is over and killing its worker."""

STUCK = 0.01
"""Seconds that a task must have run before what waits behind it is given to another worker."""

START_COST = 0.1
"""Seconds of work that justify another worker process: about what starting one costs."""

BRISK = 0.05
"""Seconds below which an asynchronous task is taken to be work for the processor."""

ASYNC_SHARE = 4
"""Asynchronous tasks that justify another worker process."""

TIMED_OUT = "timed out"
"""Why a worker is killed that runs a task beyond its time."""

NOT_NEEDED = "not needed any more"
"""Verdict over a worker that was starting when the run ended; it did nothing wrong."""

_ACTIVE = frozenset({Deciding, Ready, Delayed, Assigned, Running})


@attrs.frozen(kw_only=True)
class Settings:
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
    crash_limit: int = 2
    pools: Mapping[str, int] = attrs.field(factory=dict)
    seed: int = 0


class Scheduler:
    """Decides what happens next in a run.

    Args:
        settings: how the run is to go.

    Attributes:
        graph: the tasks.
        workers: every worker that is not lost, by number.
        stale: messages of workers about attempts that they do not have; they are ignored and counted.
        finished: `Finish` was ordered; every later event is ignored.
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
        self._rng = random.Random(settings.seed)
        self._story: deque[Event] = deque(maxlen=STORY)
        self._commands: list[Command] = []
        self._begun = False
        self._pool_size = settings.pool_size
        self._next_worker = 0
        self._start_failures = 0
        self._start_after = -math.inf
        self._kill_at: float | None = None
        self._rebalance_at: float | None = None
        self._failure: str | None = None
        self._stop_outcome = Outcome.FAILURE
        self._delayed: list[tuple[float, TaskId]] = []
        self._deadlines: list[tuple[float, TaskId, int, bool]] = []
        """(when, task, attempt, whether to kill): all running attempts with a timeout; entries of others are stale."""
        self._handlers: dict[type, Callable[[Any], None]] = {
            e.Opened: lambda _: self._start_worker(),
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

    def handle_all(self, events: Sequence[Event]) -> list[Command]:
        """Take in events that came together, in order, and then say what is to be done about all of them.

        Raises:
            InvalidTransitionError: a defect of the scheduler.
        """
        if self.finished:
            return []
        self._commands = []
        for event in events:
            self._story.append(event)
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
        times += [time for time in (self._kill_at, self._rebalance_at) if time is not None]
        if self._start_after > self._now and (len(self.ready) or not self.workers):
            times.append(self._start_after)
        return min(times) if times else None

    # --- time ---------------------------------------------------------------------------------------------------------

    def _advance(self, at: float) -> None:
        gap = at - self._now
        if gap > SLEPT and self._now > -math.inf:
            self._postpone(gap)  # the machine or our process slept: no task may be failed for that
        self._now = max(self._now, at)
        while self._delayed and self._delayed[0][0] <= self._now:
            node = self.graph.nodes[heapq.heappop(self._delayed)[1]]
            if type(node.state) is Delayed:
                self._make_ready(node)
        while self._deadlines and self._deadlines[0][0] <= self._now:
            self._on_deadline(*heapq.heappop(self._deadlines)[1:])
        for worker in list(self.workers.values()):
            if worker.deadline is not None and worker.deadline <= self._now:
                self._kill(worker, f"no {worker.owes} within {self._patience(worker):g} s")
        if self._kill_at is not None and self._kill_at <= self._now:
            self._kill_at = None
            self._kill_all(f"still running {self.settings.grace:g} s after it was asked to stop")

    def _postpone(self, gap: float) -> None:
        self._delayed = [(when + gap, *rest) for when, *rest in self._delayed]  # type: ignore[misc]  # tuples of two
        self._deadlines = [(when + gap, *rest) for when, *rest in self._deadlines]  # type: ignore[misc]  # of four
        for worker in self.workers.values():
            if worker.deadline is not None:
                worker.deadline += gap
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

    def _make_ready(self, node: TaskNode) -> None:
        self._move(node, READY)
        self.ready.push(node)

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
        self._forget(self.workers[event.worker], node)
        node.attempt -= 1
        self._fail_for_good(node, event.reason)

    def _succeed(self, node: TaskNode, added: tuple[NewTask, ...], reused: bool) -> None:
        node.ran = not reused
        self._order(e.Commit(node.id, Outcome.SUCCESS, node.attempt, reused=reused))
        if not added:
            self._complete([node])
            return
        self._move(node, EXPANDING)
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
            if isinstance(state, Assigned | Running) and state.worker == event.worker and node.attempt == event.attempt:
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
        worker.begun_at = event.at
        worker.deadline = None
        self._prove(worker)
        self._move(node, Running(worker.id, event.at))
        if self.stopping is not None:  # it began between our decision and the revocation
            self._order(e.Abort(worker.id, (node.id,), self.settings.grace))
        timeout = node.new.policy.timeout
        if timeout is not None:
            heapq.heappush(self._deadlines, (event.at + timeout, node.id, node.attempt, False))

    def _on_attempt_ended(self, event: e.AttemptEnded) -> None:
        node = self._held_by(event)
        if node is None:
            return
        if type(node.state) is Assigned:
            self._move(node, Running(event.worker, event.at))
        worker = self.workers[event.worker]
        self._prove(worker)
        worker.spent = False
        self._forget(worker, node)
        self.estimates.learn(node.new.kind, event.elapsed)
        if event.tainted is not None and worker.state is WorkerState.SERVING:
            self._dismiss(worker)
        if event.outcome is Outcome.SUCCESS:
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

    def _prove(self, worker: WorkerNode) -> None:
        """A worker began a task: so workers can be started. A hello proves less, as what follows it might kill each."""
        if not worker.began:
            worker.began = True
            self._start_failures = 0

    def _on_worker_lost(self, event: e.WorkerLost) -> None:
        worker = self.workers.pop(event.worker, None)
        if worker is None:
            return
        for task in worker.waiting:  # in order, so that they keep it
            self._give_back(self.graph.nodes[task])
        running = [self.graph.nodes[task] for task in sorted(worker.running)]
        for node in running:
            self.ready.release(node, self.graph.nodes)
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
            self._pool_size = len(self.workers)  # the machine gives no more: go on with what there is
        else:
            self._on_failed_start(event.reason)

    def _on_failed_start(self, reason: str) -> None:
        self._start_failures += 1
        self._start_after = self._now + 0.1 * 2 ** (self._start_failures - 1)
        if self._start_failures < self.settings.start_limit:
            return
        if any(worker.greeted for worker in self.workers.values()):
            self._pool_size = len(self.workers)  # go on with those that serve
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
                self._forget(worker, node)
                self._give_back(node)
        worker.revoking = bool(event.tasks)
        worker.spent = not event.tasks
        self._expect(worker)

    def _on_revoke_confirmed(self, event: e.RevokeConfirmed) -> None:
        worker = self.workers.get(event.worker)
        if worker is not None:
            worker.revoking = False
            self._expect(worker)

    def _give_back(self, node: TaskNode) -> None:
        """An attempt that was handed out and never began is as if it had not been."""
        self.ready.release(node, self.graph.nodes)
        node.attempt -= 1
        self._make_ready(node)

    def _forget(self, worker: WorkerNode, node: TaskNode) -> None:
        if node.id in worker.waiting:
            worker.load -= worker.waiting.pop(node.id)
        worker.running.discard(node.id)
        worker.asynchronous -= node.new.asynchronous
        worker.alone = worker.alone and bool(worker.held)
        self.ready.release(node, self.graph.nodes)
        self._expect(worker)

    def _expect(self, worker: WorkerNode) -> None:
        """A worker did something: from now on it has its time again for what it owes next.

        A process may be stopped, or stuck in a thread that a task left, and run no task whose deadline would tell.
        """
        worker.deadline = None if worker.owes is None else self._now + self._patience(worker)

    def _patience(self, worker: WorkerNode) -> float:
        leaving = worker.state is WorkerState.LEAVING and not worker.held
        return self.settings.grace if leaving else self.settings.start_timeout

    def _dismiss(self, worker: WorkerNode) -> None:
        """Give a worker no more tasks, and let it end when those that it runs are done."""
        worker.state = WorkerState.LEAVING
        self._revoke(worker)
        self._order(e.StopWorker(worker.id))
        self._expect(worker)

    def _revoke(self, worker: WorkerNode) -> None:
        if worker.waiting and not worker.revoking and not worker.spent:
            worker.revoking = True
            self._order(e.Revoke(worker.id, tuple(worker.waiting)))

    def _kill(self, worker: WorkerNode, verdict: str) -> None:
        if worker.verdict is None:
            worker.verdict = verdict
            worker.state = WorkerState.LEAVING
            worker.deadline = None
            self._order(e.KillWorker(worker.id, verdict))

    def _kill_all(self, reason: str) -> None:
        for worker in self.workers.values():
            self._kill(worker, reason)

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
        self._rebalance_at = None
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
            self._assign()
            self._want_workers()
            self._rebalance()
            if not self._active():
                self._end_stalled()
        if self.stopping is not None:
            if not any(worker.held for worker in self.workers.values()):
                self._abort_unfinished()
                aborted = self._stop_outcome is Outcome.ABORTED
                self._finish(self._stop_outcome, self.stopping if aborted else self._failure)
        elif not self._live():
            self._finish(Outcome.FAILURE if self._failure else Outcome.SUCCESS, self._failure)

    def _active(self) -> int:
        return sum(self.counts[state] for state in _ACTIVE)

    def _live(self) -> int:
        return len(self.graph.nodes) - sum(self.counts[state] for state in TERMINAL)

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
            if node.attempt and type(node.state) in (Ready, Delayed):
                self._fail_for_good(node, f"aborted before its next attempt: {self.stopping}", Outcome.ABORTED)

    def _finish(self, outcome: Outcome, reason: str | None) -> None:
        for worker in self.workers.values():
            if worker.state is WorkerState.SERVING:
                self._order(e.StopWorker(worker.id))
            elif worker.state is WorkerState.STARTING:
                self._kill(worker, NOT_NEEDED)
        self._order(e.Finish(outcome, reason, pending=self._live() - self.counts[Expanding]))
        self.finished = True

    # --- handing out --------------------------------------------------------------------------------------------------

    def _assign(self) -> None:
        ready = self.ready
        if not len(ready):
            return
        if ready.count(True):
            self._assign_async(self._reserved_for(False) if ready.count(False) else None)
        if ready.count(False):
            reserved = self._reserved_for(True) if ready.count(True) else None
            for worker in self.workers.values():
                # Refill when half of what it may hold is gone, so that a frame carries many tasks. Nothing is put
                # behind a task that takes long.
                if (
                    worker.open
                    and (not worker.waiting or worker.load < AHEAD / 2)
                    and (not worker.running or self._now - worker.begun_at < STUCK)
                    and worker.id != reserved
                ):
                    self._feed(worker)
                    if not ready.count(False):
                        break
        if ready.count(True) and any(worker.open and not worker.held for worker in self.workers.values()):
            self._assign_async(None)  # what a worker was kept free for has found its pool short since

    def _feed(self, worker: WorkerNode) -> None:
        while (node := self.ready.head(False, self.graph.nodes)) is not None:
            estimate = self.estimates.get(node.new.kind)
            if node.alone and worker.held:
                return
            if not worker.room_for_sync(estimate):
                return
            self._hand_out(node, worker, estimate)

    def _assign_async(self, reserved: WorkerId | None) -> None:
        """Asynchronous tasks go to the worker that has the fewest, as long as one has room."""
        held = sum(worker.asynchronous for worker in self.workers.values())
        serving = sum(worker.state is WorkerState.SERVING for worker in self.workers.values())
        target = min(self._async_limit(), math.ceil((held + self.ready.count(True)) / ASYNC_SHARE))
        share = max(ASYNC_SHARE, math.ceil((held + self.ready.count(True)) / max(1, target)))
        limit = min(share, self.settings.concurrency)
        while (node := self.ready.head(True, self.graph.nodes)) is not None:
            estimate = self.estimates.get(node.new.kind)
            best: WorkerNode | None = None
            for worker in self.workers.values():
                if worker.id == reserved or (node.alone and worker.held):
                    continue
                room = worker.room_for_async(estimate, self.settings.concurrency)
                if room and (best is None or worker.held < best.held):
                    best = worker
            if best is None or (best.held >= limit and serving < target):
                return
            self._hand_out(node, best, estimate)

    def _reserved_for(self, asynchronous: bool) -> WorkerId | None:
        """A worker that gets no more tasks of the other kind, so that this kind comes to its turn at all.

        With a single worker that serves, the kind whose next task comes first in the order has it.
        """
        head = self.ready.head(asynchronous, self.graph.nodes)
        if head is None or len(self.workers) < self._pool_size:
            return None
        serving = [worker for worker in self.workers.values() if worker.state is WorkerState.SERVING]
        if any(worker.held and (worker.asynchronous > 0) is asynchronous for worker in serving):
            return None
        if asynchronous and any(worker.open and not worker.held for worker in serving):
            return None  # it is reserved for a synchronous task: asynchronous ones are handed out first
        if len(serving) == 1:
            other = self.ready.head(not asynchronous, self.graph.nodes)
            if other is not None and self.ready.entry(other) < self.ready.entry(head):
                return None
        return min(serving, key=lambda worker: (worker.held, worker.id)).id if serving else None

    def _hand_out(self, node: TaskNode, worker: WorkerNode, estimate: float | None) -> None:
        self.ready.take(node)
        node.attempt += 1
        node.timed_out = False
        seconds = estimate or 0.0
        worker.waiting[node.id] = seconds
        worker.load += seconds
        worker.asynchronous += node.new.asynchronous
        worker.alone = node.alone or (estimate is None and not node.new.asynchronous)
        if worker.deadline is None:
            self._expect(worker)
        self._move(node, Assigned(worker.id, self._now))
        self._order(e.Dispatch(worker.id, node.id, node.attempt, node.alone))

    def _want_workers(self) -> None:
        """Start workers for what is ready and finds no room; never more than there is work for."""
        starting = sum(worker.state is WorkerState.STARTING for worker in self.workers.values())
        demand = self._demand()
        while (
            demand > starting
            and starting < self.settings.starts_at_once
            and len(self.workers) < self._pool_size
            and self._now >= self._start_after
        ):
            self._start_worker()
            starting += 1

    def _demand(self) -> int:
        """How many more workers the ready tasks would occupy."""
        demand = 0
        for asynchronous, share in ((False, 1), (True, ASYNC_SHARE)):
            node = self.ready.head(asynchronous, self.graph.nodes)
            if node is not None:
                estimate = self.estimates.get(node.new.kind)
                each = 1.0 if estimate is None else min(1.0, estimate / START_COST)
                wanted = math.ceil(self.ready.count(asynchronous) * each / share)
                if asynchronous:  # workers that are taken by synchronous tasks do nothing for these
                    theirs = sum(worker.held <= worker.asynchronous for worker in self.workers.values())
                    wanted = min(wanted, max(0, self._async_limit() - theirs))
                demand += wanted
        if self._stuck_workers() and not any(worker.open and not worker.held for worker in self.workers.values()):
            demand += 1
        return demand

    def _async_limit(self) -> int:
        """How many workers asynchronous tasks may occupy.

        Tasks that end within moments keep a processor busy rather than wait for something: more workers than
        processors would only get in each other's way.
        """
        node = self.ready.head(True, self.graph.nodes)
        estimate = self.estimates.get(node.new.kind) if node is not None else None
        brisk = estimate is not None and estimate < BRISK
        return min(self._pool_size, self.settings.starts_at_once) if brisk else self._pool_size

    def _start_worker(self) -> None:
        worker = WorkerNode(WorkerId(self._next_worker), deadline=self._now + self.settings.start_timeout)
        self._next_worker += 1
        self.workers[worker.id] = worker
        self._order(e.StartWorker(worker.id))

    def _stuck_workers(self) -> list[WorkerNode]:
        """Workers with tasks that wait behind one that takes long."""
        return [worker for worker in self.workers.values() if self._stuck_at(worker) <= self._now]

    def _stuck_at(self, worker: WorkerNode) -> float:
        """When a worker counts as stuck, if it neither begins nor ends a task until then."""
        if not worker.holds_back or worker.state is not WorkerState.SERVING:
            return math.inf
        first = self.graph.nodes[next(iter(worker.waiting))].state
        assert isinstance(first, Assigned)
        return max(worker.begun_at, first.since) + STUCK

    def _rebalance(self) -> None:
        """Take back what waits behind a long task while another worker has nothing to do, or could be started."""
        self._rebalance_at = None
        if len(self.ready):
            return
        times = [(at, worker) for worker in self.workers.values() if (at := self._stuck_at(worker)) < math.inf]
        if not times:
            return
        idle = any(worker.open and not worker.held for worker in self.workers.values())
        if not idle and len(self.workers) >= self._pool_size:
            return
        for at, worker in times:
            if at > self._now:
                self._rebalance_at = at if self._rebalance_at is None else min(at, self._rebalance_at)
            elif idle:
                self._revoke(worker)

    # --- bookkeeping --------------------------------------------------------------------------------------------------

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

    def why(self, task: TaskId) -> str:
        """Why a task stands where it stands, for people."""
        node = self.graph.nodes[task]
        match node.state:
            case Waiting():
                names = [name for name in node.new.requires if not self._is_met(name)]
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

    def _is_met(self, name: str) -> bool:
        required = self.graph.find(name)
        return required is not None and required.state is DONE and required.spoiled is None

    def check_invariants(self) -> None:
        """Raise AssertionError unless every promise about the state holds; for tests, after each event."""
        nodes, graph = self.graph.nodes, self.graph
        assert +self.counts == Counter(type(node.state) for node in nodes)
        held: Counter[TaskId] = Counter()
        for worker in self.workers.values():
            held.update((*worker.waiting, *worker.running))
            assert not worker.waiting.keys() & worker.running
            assert worker.asynchronous == sum(nodes[t].new.asynchronous for t in (*worker.waiting, *worker.running))
            assert all(type(nodes[task].state) is Assigned for task in worker.waiting)
            assert all(type(nodes[task].state) is Running for task in worker.running)
            assert abs(worker.load - sum(worker.waiting.values())) < 1e-6
            assert worker.state is not WorkerState.STARTING or not worker.held, "a worker has tasks before its hello"
            if worker.alone:
                assert worker.held == 1
            if worker.running and worker.asynchronous < worker.held:
                assert len(worker.running) == 1, "a synchronous task runs beside another"
        assert all(count == 1 for count in held.values()), "a task is with two workers"
        assert len(self.workers) <= self._pool_size
        children: Counter[TaskId | None] = Counter(node.parent for node in nodes if not node.ended)
        for node in nodes:
            assert (type(node.state) in (Assigned, Running)) == (node.id in held)
            if node.state is WAITING:
                met = {name for name in node.new.requires if self._is_met(name)}
                assert node.unmet == len(set(node.new.requires) - met), node.name
                assert node.unmet > 0
            assert node.children_left == children[node.id]
            assert not (type(node.state) is Expanding and not node.children_left)
        for name, waiting in graph.missing.items():
            assert graph.find(name) is None
            assert all(name in nodes[task].new.requires for task in waiting)
        for pool, size in self.settings.pools.items():
            used = sum(node.new.policy.uses.get(pool, 0) for node in nodes if node.id in held)
            assert self.ready.free[pool] == size - used
        if self.finished:
            assert not held
