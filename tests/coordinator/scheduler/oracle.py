"""What a run must look like from outside: each command is judged by the promises, and so is what was not commanded.

The oracle knows events and commands, and nothing of the scheduler but whether it stops.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from otter.step.coordinator import events as e
from otter.step.coordinator.events import Command, Event, Outcome
from otter.step.coordinator.handing_out import BRIEF, STUCK
from otter.step.coordinator.scheduler import KILL_DELAY, Scheduler, Settings
from tests.coordinator.scheduler.account import EPS, Account, KnownTask, KnownWorker


class ViolationError(AssertionError):
    """The scheduler broke a promise."""


def broken(command: Command, text: str) -> NoReturn:
    """A command breaks a promise."""
    raise ViolationError(f"{command}: {text}")


class Oracle:
    """Judges one run.

    Args:
        settings: those of the scheduler.

    Attributes:
        account: what has happened.
        counts: commands by name.
        finish: the end, once it was ordered.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.account = Account(settings)
        self.counts: Counter[str] = Counter()
        self.finish: e.Finish | None = None
        self._started = 0
        self._judges: dict[type, Callable[[Any], None]] = {
            e.StartWorker: self._judge_start,
            e.StopWorker: self._judge_stop,
            e.KillWorker: self._judge_kill,
            e.Dispatch: self._judge_dispatch,
            e.Revoke: self._judge_revoke,
            e.Abort: self._judge_abort,
            e.DecideReuse: self._judge_question,
            e.Retry: self._judge_retry,
            e.Commit: self._judge_commit,
            e.Finish: self._judge_finish,
        }

    def take(self, events: Sequence[Event]) -> None:
        """Events that the scheduler is about to be given together."""
        self.account.take(events)
        for event in events:
            if isinstance(event, e.AttemptStarted) and event.worker in self.account.workers:
                self._check_company(self.account.workers[event.worker])

    def _check_company(self, worker: KnownWorker) -> None:
        running = [task for task in worker.held.values() if task.since is not None]
        shares = all(task.new.asynchronous and not task.alone for task in running)
        if len(running) > (self.settings.concurrency if shares else 1):
            raise ViolationError(f"{[task.new.name for task in running]} run together in a worker")

    def judge(self, command: Command) -> None:
        """A command that the scheduler gave; raises ViolationError if it must not."""
        if self.finish is not None:
            broken(command, "after the end")
        self.counts[type(command).__name__] += 1
        self._judges[type(command)](command)

    # --- workers ------------------------------------------------------------------------------------------------------

    def _judge_start(self, command: e.StartWorker) -> None:
        account = self.account
        if account.stopped_by is not None:
            broken(command, "the run stops")
        if (account.at or 0.0) < account.start_after - EPS:
            broken(command, "the pause after a failed start is not over")
        if command.worker != self._started:
            broken(command, f"the next number is {self._started}")
        self._started += 1
        workers = account.workers
        workers[command.worker] = KnownWorker()
        if len(workers) > account.pool_size:
            broken(command, f"that makes {len(workers)} workers of {account.pool_size}")
        starting = sum(worker.comes for worker in workers.values())
        if starting > self.settings.starts_at_once:
            broken(command, f"{starting} are starting")
        staying = sum(worker.comes or worker.serves for worker in workers.values())
        work = sum(task.worker is not None or self._could_run(task, lenient=True) for task in account.tasks)
        if staying > work:
            broken(command, f"{staying} workers for {work} tasks")

    def _judge_stop(self, command: e.StopWorker) -> None:
        if command.worker not in self.account.workers:
            broken(command, "there is no such worker")
        self.account.workers[command.worker].left = True

    def _judge_kill(self, command: e.KillWorker) -> None:
        worker = self.account.workers.get(command.worker)
        if worker is None or worker.killed is not None:
            if command.worker not in self.account.lost:
                broken(command, "it is gone already")
            return
        worker.killed = command.reason
        if command.reason == "timed out" and not self.account.touched:
            long_ago = self.account.awake - KILL_DELAY + EPS
            if not any(task.asked is not None and task.asked <= long_ago for task in worker.held.values()):
                broken(command, "no task of it was asked to stop long enough ago")

    def _judge_revoke(self, command: e.Revoke) -> None:
        worker, touched = self.account.workers[command.worker], self.account.touched
        if worker.revoking:
            broken(command, "the one before is not confirmed")
        waiting = [task.id for task in worker.held.values() if task.since is None and task.id not in touched]
        if waiting != [task for task in command.tasks if task not in touched]:
            broken(command, f"what waits there is {waiting}")
        worker.revoking = True

    def _judge_abort(self, command: e.Abort) -> None:
        for number in command.tasks:
            task = self.account.tasks[number]
            if number in self.account.touched:
                continue
            if task.worker != command.worker or task.since is None:
                broken(command, f"{task.new.name} does not run there")
            if command.grace != KILL_DELAY:
                if self.account.stopped_by is None:
                    broken(command, "nobody asked the run to stop")
            elif not self._is_over(task):
                broken(command, f"the time of {task.new.name} is not over")
            else:
                task.asked = self.account.awake

    # --- attempts -----------------------------------------------------------------------------------------------------

    def _judge_dispatch(self, command: e.Dispatch) -> None:
        account = self.account
        task, worker, policy = (
            account.tasks[command.task],
            self._server(command),
            account.tasks[command.task].new.policy,
        )
        if account.stopped_by is not None:
            broken(command, "the run stops")
        if task.outcome is not None:
            broken(command, f"committed as {task.outcome}")
        if task.worker is not None:
            broken(command, "another attempt is alive")
        if command.attempt != task.begun + 1:
            broken(command, f"{task.begun} attempts have begun")
        if not account.is_met(task):
            broken(command, "not all of its requirements are done")
        if task.new.recorded and not task.decided:
            broken(command, "it is not decided whether it has to run")
        if account.awake < task.due - EPS:
            broken(command, "its delay is not over")
        if task.begun and not policy.idempotent:
            broken(command, "it must not run twice")
        if task.failures > policy.retries or task.crashes >= self.settings.crash_limit:
            broken(command, f"it failed {task.failures} times and crashed {task.crashes} times")
        if command.alone != task.alone:
            broken(command, f"it {'must' if task.alone else 'need not'} be alone")
        for other in worker.held.values():
            if other.alone or task.alone:
                broken(command, f"it, or {other.new.name}, must be alone")
            if other.new.asynchronous != task.new.asynchronous:
                broken(command, f"{other.new.name} there is of the other kind")
        if not self._fits(task):
            broken(command, f"of its pools {dict(account.pools)} are taken")
        account.pools.update(policy.uses)
        task.worker, task.attempt, task.fact = command.worker, command.attempt, ("handed out", True)
        worker.held[task.id] = task

    def _server(self, command: e.Dispatch) -> KnownWorker:
        worker = self.account.workers.get(command.worker)
        if worker is None or not worker.serves:
            broken(command, "that worker does not serve")
        return worker

    def _judge_question(self, command: e.DecideReuse) -> None:
        account, task = self.account, self.account.tasks[command.task]
        if not task.new.recorded or task.asked_about:
            broken(command, "nothing is recorded, or it was asked before")
        if not account.is_met(task):
            broken(command, "its turn has not come")
        above = task.parent is not None and task.parent.begun > 0
        if command.stale != (above or any(account.by_name[name].ran for name in task.new.requires)):
            broken(command, "what it requires says otherwise")
        task.asked_about = True

    def _judge_retry(self, command: e.Retry) -> None:
        task = self.account.tasks[command.task]
        policy = task.new.policy
        if self.account.stopped_by is not None and not self.account.stops_now:
            broken(command, "the run stops")
        if not policy.idempotent:
            broken(command, "it must not run twice")
        if command.attempt != task.begun:
            broken(command, f"{task.begun} attempts have begun")
        if self._blame(command, task, command.reason):
            if task.failures > policy.retries:
                broken(command, f"only {policy.retries} retries are allowed")
            base = policy.retry_delay * (2 ** (task.failures - 1) if policy.backoff == "exponential" else 1)
            if not 0.75 * base - EPS <= command.delay <= 1.25 * base + EPS:
                broken(command, f"the delay should be about {base}")
        elif command.delay or task.crashes >= self.settings.crash_limit:
            broken(command, f"it crashed {task.crashes} times, and what is lost is tried again at once")
        task.due = self.account.awake + command.delay

    def _blame(self, command: Command, task: KnownTask, reason: str) -> bool:
        """Count what ended an attempt that did not succeed; true for a failure of its own, false for a lost worker."""
        kind, detail = task.fact
        if "crashed" in reason and (kind, detail) != ("lost", 1):
            broken(command, "nobody saw it crash")
        if "timed out" in reason and not task.overdue:
            broken(command, "its time was not over")
        if kind == "ended" or (kind == "lost" and task.overdue):
            if detail is Outcome.SUCCESS or (detail is Outcome.ABORTED and not task.overdue):
                broken(command, f"it ended with {detail}")
            task.failures += 1
            return True
        if kind != "lost":
            broken(command, f"what happened is: {kind}")
        task.crashes += detail == 1
        task.alone = task.alone or (isinstance(detail, int) and detail > 1)
        return False

    # --- ends ---------------------------------------------------------------------------------------------------------

    def _judge_commit(self, command: e.Commit) -> None:
        task = self.account.tasks[command.task]
        if task.outcome is not None:
            broken(command, f"committed before as {task.outcome}")
        if task.worker is not None:
            broken(command, "an attempt is alive")
        if command.attempt != task.begun:
            broken(command, f"{task.begun} attempts have begun")
        match command.outcome:
            case Outcome.SUCCESS:
                self._judge_success(command, task)
            case Outcome.SKIPPED:
                cause = self.account.tasks[-1 if command.cause is None else command.cause]
                if task.begun or cause.outcome not in (Outcome.FAILURE, Outcome.ABORTED):
                    broken(command, f"it began {task.begun} times; its cause ended as {cause.outcome}")
                if not self.account.depends(task, cause):
                    broken(command, "it does not depend on its cause")
            case Outcome.ABORTED:
                stops = self.account.stopped_by is not None
                aborted = task.fact == ("ended", Outcome.ABORTED) and (stops or not task.overdue)
                if not aborted and not (stops and task.begun):
                    broken(command, f"what happened is {task.fact}")
            case _:
                self._judge_failure(command, task)
        task.outcome = command.outcome
        if command.outcome is Outcome.SUCCESS:
            self.account.add(task.generated, task)
            self.account.settle(task)
        elif command.outcome is not Outcome.SKIPPED and not self.settings.keep_going:
            self.account.stop("a failure")

    def _judge_success(self, command: e.Commit, task: KnownTask) -> None:
        if task.fact != (("decided", True) if command.reused else ("ended", Outcome.SUCCESS)):
            broken(command, f"what happened is {task.fact}")
        problem = self.account.refusal(task.generated, task)
        if problem is not None:
            broken(command, f"what it generated cannot be added: {problem}")

    def _judge_failure(self, command: e.Commit, task: KnownTask) -> None:
        policy, reason = task.new.policy, command.reason or ""
        if not reason:
            broken(command, "a failure has a reason")
        if task.fact == ("ended", Outcome.SUCCESS):
            problem = self.account.refusal(task.generated, task)
            if problem is None or problem not in reason:
                broken(command, f"it succeeded; expected {problem}")
        elif task.fact[0] == "refused":
            pass
        elif task.begun:
            own = self._blame(command, task, reason)
            limit = task.failures > policy.retries if own else task.crashes >= self.settings.crash_limit
            if not limit and policy.idempotent and self.account.stopped_by is None:
                broken(command, f"after {task.failures} failures and {task.crashes} crashes it has to be tried again")
        elif self.account.is_met(task) or self._anything_active():
            broken(command, "it, or something that it waits for, could still run")

    def _anything_active(self) -> bool:
        is_met = self.account.is_met
        return any(task.worker is not None or (task.outcome is None and is_met(task)) for task in self.account.tasks)

    def _judge_finish(self, command: e.Finish) -> None:
        self.finish = command
        account, tasks = self.account, self.account.tasks
        left = [task for task in tasks if task.outcome is None]
        if any(task.worker is not None for task in tasks):
            broken(command, "attempts are alive")
        if command.pending != len(left):
            broken(command, f"{len(left)} tasks were left")
        if any(task.begun for task in left) or (left and account.stopped_by is None):
            broken(command, f"{[task.new.name for task in left]} have no end")
        good = all(task.outcome is Outcome.SUCCESS for task in tasks) and account.stopped_by is None
        if good != (command.outcome is Outcome.SUCCESS) or good != (command.reason is None):
            broken(command, f"everything succeeded: {good}")
        if command.outcome is Outcome.ABORTED and command.reason != account.stopped_by:
            broken(command, f"the run was stopped by {account.stopped_by}")

    # --- what must be ordered -----------------------------------------------------------------------------------------

    def check_turn(self, scheduler: Scheduler) -> None:
        """After a turn: what had to be ordered was ordered."""
        account = self.account
        if self.finish is not None:
            if scheduler.stale != account.stale:
                raise ViolationError(f"{scheduler.stale} stale messages were counted, {account.stale} came")
            return
        if (scheduler.stopping is None) != (account.stopped_by is None):
            raise ViolationError(f"the run should stop for {account.stopped_by}, and stops for {scheduler.stopping}")
        for worker in account.workers.values():
            for task in worker.held.values():
                if task.since is not None and task.new.policy.timeout is not None and worker.killed is None:
                    self._check_deadline(task)
        if account.stopped_by is None:
            self._check_stall()

    def _is_over(self, task: KnownTask, tolerance: float = EPS) -> bool:
        timeout, since = task.new.policy.timeout, task.since
        return timeout is not None and since is not None and self.account.awake >= since + timeout - tolerance

    def _check_deadline(self, task: KnownTask) -> None:
        if task.asked is None:
            if self._is_over(task, -EPS):
                raise ViolationError(f"the time of {task.new.name} is over, and nobody asks it to stop")
        elif self.account.awake >= task.asked + KILL_DELAY + EPS:
            raise ViolationError(f"{task.new.name} does not stop, and nobody kills it")

    def _check_stall(self) -> None:
        """Nothing that could run may be left while a worker is idle, or while one could be started for it."""
        account = self.account
        workers = account.workers.values()
        idle = any(worker.serves and not worker.held for worker in workers)
        room = len(workers) < account.pool_size and not any(worker.comes for worker in workers)
        if not idle and not (room and (account.at or 0.0) > account.start_after + EPS):
            return
        left = [task for task in account.tasks if self._could_run(task)]
        served = any(map(self._comes_soon, left))  # the others are seen to when those have come to their turn
        for task in left:
            if idle or not (self._may_join(task) or (served and not task.new.asynchronous)):
                state = "a worker is idle" if idle else "no worker is started for it"
                raise ViolationError(f"{task.new.name} could run, and {state}")

    def _may_join(self, task: KnownTask) -> bool:
        """Whether some worker shares its time among tasks like this one."""
        return task.new.asynchronous and any(
            all(other.new.asynchronous for other in worker.held.values()) for worker in self.account.workers.values()
        )

    def _comes_soon(self, task: KnownTask) -> bool:
        """Whether a task is known to be brief, and some worker does nothing but synchronous ones that end at once."""
        if task.new.asynchronous or self.account.took.get(task.new.kind, math.inf) >= BRIEF:
            return False
        return any(
            worker.serves and all(self._ends_at_once(other) for other in worker.held.values())
            for worker in self.account.workers.values()
        )

    def _ends_at_once(self, task: KnownTask) -> bool:
        """Whether a task that a worker has does not keep it from the next one, as far as anybody knows by now."""
        since = task.since
        return not task.new.asynchronous and (since is None or self.account.awake < since + STUCK + EPS)

    def _could_run(self, task: KnownTask, lenient: bool = False) -> bool:
        """Whether a task could be handed out now; leniently, also if its pools or a moment are in the way."""
        if task.outcome is not None or task.worker is not None or (task.new.recorded and not task.decided):
            return False
        if self.account.awake < task.due + (-EPS if lenient else EPS) or not self.account.is_met(task):
            return False
        return lenient or self._fits(task)

    def _fits(self, task: KnownTask) -> bool:
        """Whether the pools of a task have room for it, or nobody else in them."""
        used, sizes = self.account.pools, self.settings.pools
        return all(not used[pool] or used[pool] + n <= sizes[pool] for pool, n in task.new.policy.uses.items())
