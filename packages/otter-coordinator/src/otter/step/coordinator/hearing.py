"""`Hearing`: what workers say becomes events, and answers that are to be judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from otter.scratchpad.model import Scratchpad
from otter.step.coordinator import events as e
from otter.step.coordinator.answers import check_answer
from otter.step.coordinator.attached import Attached
from otter.step.coordinator.beginnings import Beginnings
from otter.step.coordinator.events import Event, Outcome, TaskId, WorkerId
from otter.step.coordinator.judging import Judge, attempt_facts
from otter.step.coordinator.ledger import Ledger
from otter.step.coordinator.opening import Opening, WorkerRefusedError
from otter.step.coordinator.outgoing import Outgoing
from otter.step.coordinator.ports import Observer
from otter.step.coordinator.run_facts import RunFacts
from otter.step.coordinator.scheduler import Scheduler
from otter.step.coordinator.spilled import read_spilled
from otter.task.task_type import TaskType
from otter.util.values import Shown
from otter.wire import messages as m
from otter.wire.codec import TO_COORDINATOR, read_hello
from otter.wire.errors import PeerError, VersionError


@attrs.define(eq=False, repr=False)  # not frozen: there are as many as tasks
class Answer(Shown):
    """A worker's answer that has not been judged."""

    worker: WorkerId
    message: m.ReportResult
    at: float


class Hearing(Attached):
    """Takes in the messages of workers.

    Args:
        facts: told to each worker.
        scheduler: knows whether more tasks can be added.
        ledger: takes what the first worker says of itself.
        scratchpad: values, told to each worker.
        outgoing: takes what workers are to be told.
        opening: waits for the first worker, and for answers to its questions.
        judge: knows whose an attempt is.
        beginnings: is told what has begun and ended.
        observer: is told of the task types.
        tell: takes an event, or an answer that is to be judged.
        note: takes what happened to a worker, in words.

    Attributes:
        welcomed: the workers that said hello and were accepted.
    """

    def __init__(
        self,
        *,
        facts: RunFacts,
        scheduler: Scheduler,
        ledger: Ledger,
        scratchpad: Scratchpad,
        outgoing: Outgoing,
        opening: Opening,
        judge: Judge,
        beginnings: Beginnings,
        observer: Observer,
        tell: Callable[[Event | Answer], None],
        note: Callable[[WorkerId, str], None],
    ) -> None:
        self.welcomed: set[WorkerId] = set()
        self._facts = facts
        self._scheduler = scheduler
        self._ledger = ledger
        self._scratchpad = scratchpad
        self._outgoing = outgoing
        self._opening = opening
        self._judge = judge
        self._beginnings = beginnings
        self._observer = observer
        self._tell = tell
        self._note = note

    def hear(self, worker: WorkerId, body: bytes, now: float) -> None:
        """Take in a body of messages.

        Args:
            now: on the clock of the events.

        Raises:
            PeerError: it is not what a worker may send; what came before the mistake has been taken in.
        """
        if worker not in self.welcomed:
            self._on_hello(worker, body, now)
        else:
            for message in TO_COORDINATOR.decode(body):
                self._on_message(worker, message, now)

    def _on_hello(self, worker: WorkerId, body: bytes, now: float) -> None:
        try:
            hello, version = read_hello(body)
        except VersionError as error:
            self._refuse(worker, f"worker {worker}: {error}", now)
            return
        if hello.problem is not None:
            self._refuse(worker, hello.problem, now)
            return
        try:
            types = {kind.name: kind for kind in map(TaskType.from_json, hello.task_types)}
        except ValueError as error:
            raise PeerError(f"a SayHello does not fit its definition: {error}") from error
        facts = self._facts
        welcome = m.Welcome(
            protocol=version, run=facts.run_id, config=facts.config.to_json(),
            values=dict(self._scratchpad.sentinel_dict), log_dir=str(facts.log_dir),
            spill_dir=str(facts.spill_dir),
            concurrency=facts.concurrency, log_limit=facts.log_limit,
        )  # fmt: skip
        self._outgoing.post(worker, welcome)
        self.welcomed.add(worker)
        self._note(worker, f"ready: process {hello.pid}, Python {hello.python}")
        if not self._ledger.types:
            self._ledger.types = types
            self._ledger.worker_versions = {"python": hello.python, **hello.distributions}
        self._tell(e.WorkerReady(now, worker))
        if self._opening.on_ready(worker, types):
            self._observer.on_types(types)

    def _refuse(self, worker: WorkerId, reason: str, now: float) -> None:
        self._workers.send(worker, [m.Refuse(reason)])
        self._opening.end(WorkerRefusedError(reason))
        self._tell(e.EngineFailed(now, reason))

    def _on_message(self, worker: WorkerId, message: Any, now: float) -> None:
        kind = type(message)
        if kind is m.ReportResult:
            check_answer(message)
            self._beginnings.end(worker, message.task, message.attempt)
            self._tell(Answer(worker, message, now))
        elif kind is m.ReportStart:
            self._beginnings.start(worker, TaskId(message.task), message.attempt, now)
        else:
            self._on_rare_message(worker, message, now)

    def _on_rare_message(self, worker: WorkerId, message: Any, now: float) -> None:
        match message:
            case m.AddSpecs():
                self._on_page(worker, message, now)
            case m.SpillMessage():
                for inner in TO_COORDINATOR.decode(read_spilled(message, self._facts.spill_dir)):
                    if isinstance(inner, m.SpillMessage):
                        raise PeerError("a large message refers to another one")
                    self._on_message(worker, inner, now)
            case m.ConfirmRevoke():
                self._tell(e.RevokeConfirmed(now, worker))
            case m.ReportCheck():
                self._opening.on_answer(worker, message)
            case _:
                raise PeerError(f"{type(message).__name__} came twice")

    def _on_page(self, worker: WorkerId, message: m.AddSpecs, now: float) -> None:
        """A page of generated specs. One beyond what a run may have ends the attempt, which may be endless."""
        task = TaskId(message.task)
        held = self._judge.held(worker, task, message.attempt)
        if held is None:
            return
        held.pages_seen += 1
        held.generated += len(message.specs)
        held.pages += message.specs
        if not self._scheduler.has_room_for(held.generated):
            held.pages.clear()
            held.answered = True
            allowed = self._scheduler.settings.max_specs
            reason = f"generated {held.generated} specs so far, with which the step would exceed max_specs, {allowed}"
            self._ledger.note_attempt(task, attempt_facts(held, None, Outcome.FAILURE, reason))
            event = e.AttemptEnded(now, worker, task, message.attempt, Outcome.FAILURE, reason, tainted=reason)
            self._tell(event)
            self._workers.kill(worker, f"{self._scheduler.graph.nodes[task].name!r} {reason}")
