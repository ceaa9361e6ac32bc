"""`Orders`: carries out what the scheduler commands."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import attrs
import orjson

from otter.pipeline.limits import MAX_SPEC
from otter.scratchpad.model import Scratchpad
from otter.step.coordinator import events as e
from otter.step.coordinator import failpoints
from otter.step.coordinator.attached import Attached
from otter.step.coordinator.beginnings import Beginnings
from otter.step.coordinator.carried import oversize
from otter.step.coordinator.commits import Commits
from otter.step.coordinator.events import Command, Event
from otter.step.coordinator.hearing import Hearing
from otter.step.coordinator.journal import Journal, encode_record
from otter.step.coordinator.ledger import Dispatched, Ledger, Table
from otter.step.coordinator.outgoing import Outgoing
from otter.step.coordinator.ports import Observer
from otter.step.coordinator.scheduler import Scheduler
from otter.util.errors import ScratchpadError, failure_text
from otter.util.values import Value
from otter.wire import messages as m


@attrs.frozen(eq=False, repr=False)
class Question(Value):
    """A question of the scheduler's that has not been answered."""

    command: e.DecideReuse


class Orders(Attached):
    """Carries out commands, one after the other.

    Args:
        scheduler: gave them.
        ledger: the specs, and the attempts that workers have.
        journal: takes failed attempts.
        scratchpad: values for placeholders.
        commits: makes outcomes durable.
        beginnings: is told that a worker got something.
        outgoing: takes what workers are to be told.
        hearing: knows the workers that listen.
        observer: is told of attempts that failed.
        tell: takes what a command causes: an event, or a question that is to be answered.
        note: takes what happened, in words.
        note_worker: takes what happened to a worker, in words.
        record: hands what was committed to the operating system.

    Attributes:
        finish: how the run ended; none while it goes on.
    """

    def __init__(
        self,
        *,
        scheduler: Scheduler,
        ledger: Ledger,
        journal: Journal,
        scratchpad: Scratchpad,
        commits: Commits,
        beginnings: Beginnings,
        outgoing: Outgoing,
        hearing: Hearing,
        observer: Observer,
        tell: Callable[[Event | Question], None],
        note: Callable[[str], None],
        note_worker: Callable[[e.WorkerId, str], None],
        record: Callable[[], None],
    ) -> None:
        self.finish: e.Finish | None = None
        self._scheduler = scheduler
        self._ledger = ledger
        self._journal = journal
        self._scratchpad = scratchpad
        self._commits = commits
        self._beginnings = beginnings
        self._outgoing = outgoing
        self._hearing = hearing
        self._observer = observer
        self._tell = tell
        self._note = note
        self._tell_worker = note_worker
        self._record = record
        self._carriers: dict[type, Callable[[Any], None]] = {
            e.StartWorker: self._do_start_worker,
            e.StopWorker: lambda c: self._outgoing.post(c.worker, m.Stop()),
            e.KillWorker: lambda c: self._workers.kill(c.worker, c.reason),
            e.Dispatch: self._do_dispatch,
            e.Revoke: self._do_revoke,
            e.Abort: self._do_abort,
            e.DecideReuse: self._do_decide_reuse,
            e.Retry: self._do_retry,
            e.Commit: commits.commit,
            e.Finish: self._do_finish,
        }

    def carry_out(self, commands: list[Command]) -> None:
        """Carry out commands, in order."""
        carriers = self._carriers
        for command in commands:
            carriers[type(command)](command)

    @staticmethod
    def _now() -> float:
        return time.monotonic()

    def _do_start_worker(self, command: e.StartWorker) -> None:
        try:
            self._workers.start(command.worker)
        except OSError as error:
            reason = f"cannot start {error.filename or 'a process'}: {error.strerror}"
            self._tell_worker(command.worker, reason)
            self._tell(e.WorkerUnstartable(self._now(), command.worker, reason))

    def _do_dispatch(self, command: e.Dispatch) -> None:
        failpoints.hit("coord.dispatch")
        worker, task, ledger = command.worker, command.task, self._ledger
        payload, made, problem = b"", None, None
        try:
            kind = self._scheduler.graph.nodes[task].new.kind
            payload = ledger.payload(task, kind, self._scratchpad)
            made = ledger.from_tasks(task, kind) if ledger.stored else None
        except (ScratchpadError, TypeError, ValueError) as error:
            problem = failure_text(error)
        if len(payload) > MAX_SPEC:
            problem = oversize(len(payload))
        if problem is not None:
            self._tell(e.TaskRefused(self._now(), worker, task, command.attempt, problem))
            return
        ledger.dispatched[task] = Dispatched(worker, command.attempt, payload)
        self._outgoing.post(worker, m.RunTask(task, command.attempt, orjson.Fragment(payload), command.alone, made))

    def _do_revoke(self, command: e.Revoke) -> None:
        self._record()
        # The batons of what was just handed over must be there to be taken back.
        self._outgoing.send(command.worker, self._workers)
        # A task whose refusal is on its way was never sent: it has no baton, and must not cost another task its own.
        sent = [task for task in command.tasks if task in self._ledger.dispatched]
        unsent = [task for task in command.tasks if task not in self._ledger.dispatched]
        revoked = (*unsent, *self._workers.revoke(command.worker, sent))
        for task in revoked:
            self._ledger.dispatched.pop(task, None)
        if revoked:
            self._outgoing.post(command.worker, m.RevokeTasks(list(revoked)))
        self._beginnings.stir(command.worker)
        self._tell(e.TasksRevoked(self._now(), command.worker, revoked))

    def _do_abort(self, command: e.Abort) -> None:
        self._record()
        self._outgoing.send(command.worker, self._workers)
        self._beginnings.stir(command.worker)
        self._workers.abort(command.worker, command.tasks, command.grace)

    def _do_decide_reuse(self, command: e.DecideReuse) -> None:
        self._tell(Question(command))

    def _do_retry(self, command: e.Retry) -> None:
        node = self._scheduler.graph.nodes[command.task]
        self._commits.forget(command.task)
        self._ledger.dispatched.pop(command.task, None)
        self._ledger.lost.pop(command.task, None)
        attempts = self._ledger.attempts.setdefault(command.task, [{}])
        attempts[-1]["next"] = f"tried again after {command.delay:.3g} s" if command.delay else "tried again at once"
        self._journal.append(encode_record({"kind": "attempt", "name": node.name, **attempts[-1]}))
        self._note(f"{node.name}: attempt {command.attempt} failed: {command.reason}")
        self._observer.on_retry(node.name, command.attempt, command.reason, command.delay)

    def share(self, values: Table) -> None:
        """Take over scratchpad values that a task made, and tell the workers; none of them replaces another."""
        fresh = {key: value for key, value in values.items() if key not in self._scratchpad.sentinel_dict}
        if not fresh:
            return
        self._scratchpad.merge(fresh)
        self._ledger.stored |= fresh.keys()
        for worker in self._hearing.welcomed:
            self._outgoing.post(worker, m.StoreValues(fresh))

    def _do_finish(self, command: e.Finish) -> None:
        failpoints.hit("coord.finish")
        self.finish = command
