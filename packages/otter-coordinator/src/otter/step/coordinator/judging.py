"""`Judge`: what a worker's answer means, and whether an earlier outcome stands."""

from __future__ import annotations

import orjson

from otter.manifest.model import Result
from otter.pipeline.limits import MAX_VALUES
from otter.scratchpad.model import Scratchpad
from otter.step.coordinator import events as e
from otter.step.coordinator import failpoints
from otter.step.coordinator.commits import Commits
from otter.step.coordinator.events import SUCCESS, NewTask, Outcome, TaskId, WorkerId
from otter.step.coordinator.history import History
from otter.step.coordinator.ledger import NO_TASKS, Dispatched, Draft, Ledger, Table
from otter.step.coordinator.ports import Observer
from otter.step.coordinator.scheduler import Scheduler
from otter.util.errors import OtterError, ScratchpadError, SpecError, failure_text
from otter.util.units import format_size
from otter.wire.messages import ReportResult

_SUCCESS, _ABORTED = Result.SUCCESS.value, Result.ABORTED.value


class Judge:
    """Turns answers into events.

    Args:
        scheduler: is asked whether tasks can be added.
        ledger: specs and records; generated ones are entered.
        history: what earlier runs committed.
        scratchpad: values for placeholders.
        commits: keeps what was reported until it is committed.
        observer: is told of generated tasks.

    Attributes:
        reasons: why what earlier runs completed has to run again, by name.
    """

    def __init__(
        self,
        *,
        scheduler: Scheduler,
        ledger: Ledger,
        history: History,
        scratchpad: Scratchpad,
        commits: Commits,
        observer: Observer,
    ) -> None:
        self.reasons: dict[str, str] = {}
        self._stored = 0
        self._scheduler = scheduler
        self._ledger = ledger
        self._history = history
        self._scratchpad = scratchpad
        self._commits = commits
        self._observer = observer

    def held(self, worker: WorkerId, task: int, attempt: int) -> Dispatched | None:
        """The attempt, if this worker has it and has not answered for it."""
        held = self._ledger.dispatched.get(TaskId(task))
        if held is None or held.answered or held.worker != worker or held.attempt != attempt:
            return None
        return held

    def judge(self, worker: WorkerId, result: ReportResult, at: float) -> e.AttemptEnded:
        """What a worker's answer means; what it generated is entered, if it can be added."""
        failpoints.hit("coord.on_result")
        task = TaskId(result.task)
        held = self.held(worker, task, result.attempt)
        if held is None:  # the scheduler counts it as stale
            return e.AttemptEnded(at, worker, task, result.attempt, Outcome.FAILURE)
        held.answered = True
        if held.began is None:  # its end came before anybody had a reason to ask for its beginning
            self._observer.on_start(task, self._scheduler.graph.nodes[task].new.name, worker)
        record = result.record
        outcome, reason = _outcome_of(record)
        tasks: tuple[NewTask, ...] = ()
        if outcome is SUCCESS and (result.values or held.pages or result.pages):
            tasks, problem = self._take_in(task, held, result)
            if problem is not None:
                outcome, reason = Outcome.FAILURE, problem
        self._commits.reported[task] = result
        self._ledger.note_attempt(task, attempt_facts(held, result, outcome, reason))
        elapsed = record.get("elapsed") or 0.0
        return e.AttemptEnded(
            at, worker, task, result.attempt, outcome, reason, tasks, elapsed, result.tainted, result.load
        )

    def _take_in(self, task: TaskId, held: Dispatched, result: ReportResult) -> tuple[tuple[NewTask, ...], str | None]:
        """Enter what a successful attempt generated; or say why that, or what it stored, cannot be taken."""
        if result.values and (problem := self._too_much(result.values)) is not None:
            return (), problem
        if not held.pages and not result.pages:
            return (), None
        draft, problem = self._draft_generated(task, held, result.pages)
        if problem is None and draft.tasks:
            self._ledger.enter(draft)
            self._observer.on_added(len(draft.tasks), self._scheduler.graph.nodes[task].name)
        return draft.tasks, problem

    def _too_much(self, values: Table) -> str | None:
        """Why values cannot be stored; none when there is room for them."""
        size = len(orjson.dumps(values))
        if self._stored + size > MAX_VALUES:
            return (
                f"stored {format_size(size)} in the scratchpad, where tasks have {format_size(MAX_VALUES)} together: "
                "what is larger belongs into a file"
            )
        self._stored += size
        return None

    def _draft_generated(self, task: TaskId, held: Dispatched, pages: int) -> tuple[Draft, str | None]:
        """Draft what an attempt generated; or say why it cannot be added."""
        if pages != held.pages_seen:
            return NO_TASKS, f"{pages} pages of generated specs were announced and {held.pages_seen} came"
        values = Scratchpad(self._scratchpad.sentinel_dict)
        try:
            tables = self._ledger.resolve_names(held.pages, values)
            draft = self._ledger.draft(tables, self._history.committed)
        except (SpecError, ScratchpadError) as error:
            return NO_TASKS, f"cannot add what it generated: {error}"
        held.pages = tables
        problem = self._scheduler.refusal(draft.tasks, self._scheduler.graph.nodes[task])
        if problem is not None:
            return NO_TASKS, f"cannot add what it generated: {problem}"
        return draft, None

    def decide(self, command: e.DecideReuse, at: float) -> e.ReuseDecided:
        """Whether the recorded outcome of a task stands; what it generated then is entered again."""
        node = self._scheduler.graph.nodes[command.task]
        draft = NO_TASKS
        try:
            payload = self._ledger.payload(node.id, node.new.kind, self._scratchpad)
            committed = self._history.committed[node.name].sequence
            upstream = self._commits.order.upstream(node, committed, stale=command.stale, again="ran again")
            why_not = self._history.why_not(node.name, payload, upstream)
            if why_not is None and (specs := self._history.recall(node.name).specs):
                draft = self._ledger.draft(specs, self._history.committed)
                why_not = self._scheduler.refusal(draft.tasks, node)
        except (OtterError, TypeError, ValueError) as error:
            why_not = failure_text(error)
        if why_not is not None:
            self.reasons[node.name] = why_not
            self._history.forget(node.name)
            draft = NO_TASKS
        self._ledger.enter(draft)
        return e.ReuseDecided(at, node.id, why_not is None, draft.tasks)


def _outcome_of(record: Table) -> tuple[Outcome, str | None]:
    """Outcome and reason of a worker's record."""
    result = record.get("result")
    if result == _SUCCESS:
        return SUCCESS, None
    if result == _ABORTED:
        return Outcome.ABORTED, str(record.get("failure_reason") or "aborted")
    return Outcome.FAILURE, str(record.get("failure_reason") or "failed without a reason")


def attempt_facts(held: Dispatched, result: ReportResult | None, outcome: Outcome, reason: str | None) -> Table:
    """What the manifest says of an attempt that was answered for."""
    record = result.record if result is not None else {}
    facts: Table = {
        "attempt": held.attempt, "worker": held.worker,
        "result": _SUCCESS if outcome is SUCCESS else outcome.value,
        "started_at": record.get("started_run_at"),
        "finished_at": record.get("finished_validation_at") or record.get("finished_run_at"),
        "peak_memory": result.peak_memory if result is not None else None,
    }  # fmt: skip
    if reason is not None:
        facts["reason"] = reason
    return facts
