"""`RunLoop`: waits, feeds the scheduler, carries out its commands.

A turn begins with something from outside: bytes of a worker, the end of a process, a timer, a request to stop. It
becomes events; each event's commands are carried out in order, and may cause further events. At the end of the turn
the journal is handed to the operating system, and only then do messages go out: nobody acts on what is not yet
recorded.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import time
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import orjson

from otter.config.model import Config
from otter.manifest.model import Result
from otter.scratchpad.model import Scratchpad
from otter.step.coordinator import events as e
from otter.step.coordinator import failpoints
from otter.step.coordinator.answers import check_answer
from otter.step.coordinator.events import Event, Outcome, StopLevel, TaskId, WorkerId
from otter.step.coordinator.history import History
from otter.step.coordinator.journal import Journal, JournalError, encode_record, frame_record
from otter.step.coordinator.ledger import NO_TASKS, RESULTS, Dispatched, Draft, Ledger, Table, utc_text
from otter.step.coordinator.opening import EndedEarlyError, Opening, WorkerRefusedError
from otter.step.coordinator.ports import Observer, Workers
from otter.step.coordinator.process_death import Death
from otter.step.coordinator.scheduler import Scheduler
from otter.step.coordinator.status import snapshot, write_status
from otter.step.coordinator.task_node import TaskNode
from otter.task.task_type import TaskType
from otter.util.errors import OtterError, ScratchpadError, SpecError, failure_text
from otter.util.fs import file_name
from otter.wire import messages as m
from otter.wire.codec import TO_COORDINATOR, read_hello
from otter.wire.errors import PeerError, VersionError

COORDINATOR_POLLING_INTERVAL = 0.5
"""Seconds: the longest wait before the loop looks at deadlines and liveness. No result ever waits for it."""

SYNC_INTERVAL = 0.05
"""Seconds: the longest time that a commit waits for the disk."""

STATUS_INTERVAL = 1.0
"""Seconds between two snapshots for `otter status`, at least."""

SPECS_IN_RECORD = 1000
LOG_LINES = 200
LOG_WIDTH = 500
FRAME_BUDGET = 4 * 1024 * 1024
"""Bytes of specs in one frame to a worker."""

MAX_SPILL = 256 * 1024 * 1024
"""Bytes of a result that comes through a file; the worker refuses to send a larger one."""


@attrs.frozen(kw_only=True)
class RunFacts:
    """What a run is called and where its things are.

    Attributes:
        run_id: random, unique.
        directory: of the run.
        log_dir: for the logs of tasks.
        spill_dir: for results that are too large for a message.
        concurrency: asynchronous tasks of one worker at most.
        log_limit: bytes of a task's log.
    """

    run_id: str
    config: Config
    directory: Path
    log_dir: Path
    spill_dir: Path
    concurrency: int
    log_limit: int


@attrs.frozen
class _Result:
    """A worker's answer that has not been judged."""

    worker: WorkerId
    message: m.ReportResult
    at: float


@attrs.frozen
class _Decision:
    """A question of the scheduler's that has not been answered."""

    command: e.DecideReuse


class RunLoop:
    """Carries a run out.

    Args:
        scheduler: decides.
        ledger: specs and records.
        journal: makes commits durable.
        history: what earlier runs committed; empty without --resume.
        scratchpad: values for placeholders.
        observer: watches.
    """

    def __init__(
        self,
        *,
        facts: RunFacts,
        scheduler: Scheduler,
        ledger: Ledger,
        journal: Journal,
        history: History,
        scratchpad: Scratchpad,
        observer: Observer,
    ) -> None:
        self.finish: e.Finish | None = None
        self.explanations: dict[str, str] = {}
        """Why each task of a resumed run runs, or does not, by name."""
        self._facts = facts
        self._scheduler = scheduler
        self._ledger = ledger
        self._journal = journal
        self._history = history
        self._scratchpad = scratchpad
        self._observer = observer
        self._loop = asyncio.get_running_loop()
        self._pool: Workers | None = None
        self._queue: deque[Event | _Result | _Decision] = deque()
        self._turning = False
        self._turns = 0
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        """What happened to the run as a whole, for the step's part of the manifest."""
        self._told_turns = -1
        self._told_at = 0.0
        self._begun_now: dict[TaskId, e.AttemptStarted] = {}
        """Beginnings that came in this turn: one whose end came as well is no news to anybody."""
        self._outgoing: dict[WorkerId, list[Any]] = {}
        self._welcomed: set[WorkerId] = set()
        self._reported: dict[TaskId, m.ReportResult] = {}
        self._sequences: dict[TaskId, int] = {}
        self._sequence = history.sequence
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._opening = Opening(self._ask, self._kill)
        self._syncing: asyncio.Future[None] | None = None
        self._sync_timer: asyncio.TimerHandle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._commands: dict[type, Callable[[Any], None]] = {
            e.StartWorker: self._do_start_worker,
            e.StopWorker: lambda c: self._post(c.worker, m.Stop()),
            e.KillWorker: lambda c: self._workers.kill(c.worker, c.reason),
            e.Dispatch: self._do_dispatch,
            e.Revoke: self._do_revoke,
            e.Abort: self._do_abort,
            e.DecideReuse: self._do_decide_reuse,
            e.Retry: self._do_retry,
            e.Commit: self._do_commit,
            e.Finish: self._do_finish,
        }

    # --- what the Coordinator calls -----------------------------------------------------------------------------------

    def attach(self, pool: Workers) -> None:
        """Give the loop its workers; they need its callbacks first."""
        self._pool = pool

    async def published_types(self) -> dict[str, TaskType]:
        """Start the first worker and wait for what it can run.

        Raises:
            WorkerRefusedError: no worker can serve.
            EndedEarlyError: the run was stopped before, or no worker could be started; `finish` says which.
        """
        self._feed(e.Opened(self._now()))
        self._arm_timer()
        return await self._opening.types()

    async def check_specs(self, tables: list[Table]) -> list[Any]:
        """What a worker finds by constructing specs: rows of place, path and sentence.

        Raises:
            WorkerRefusedError: workers died of it.
            EndedEarlyError: the run was stopped before.
        """
        return await self._opening.check(tables)

    async def run(self, draft: Draft) -> None:
        """Run tasks to their end. Whatever happens, it returns, and `finish` says how it ended."""
        self._observer.on_begin(len(draft.tasks))
        self._ledger.enter(draft)
        self._feed(e.TasksAdded(self._now(), draft.tasks))
        self._arm_timer()
        await self._done

    async def close(self) -> None:
        """Let the workers end, and order nothing any more; also when the tasks never began."""
        for worker in self._welcomed:
            self._workers.send(worker, [m.Stop()])
        self._scheduler.finished = True
        for timer in (self._timer, self._sync_timer):
            if timer is not None:
                timer.cancel()
        if self._syncing is not None:
            await asyncio.wait([self._syncing])

    def request_stop(self, reason: str, level: StopLevel) -> None:
        """Ask the run to stop."""
        self._note(reason)
        self._observer.on_stop(reason)
        self._feed(e.StopRequested(self._now(), reason, level))

    def on_bodies(self, worker: WorkerId, bodies: list[bytes]) -> None:
        """A worker sent bodies of messages.

        Raises:
            PeerError: they are not what a worker may send; what came before the mistake has been handled.
        """
        now = self._now()
        try:
            for body in bodies:
                if worker not in self._welcomed:
                    self._on_hello(worker, body)
                else:
                    for message in TO_COORDINATOR.decode(body):
                        self._on_message(worker, message, now)
        except PeerError:
            raise
        except Exception as error:  # noqa: BLE001 - an answer that is lost here would be waited for, for ever
            self._on_defect(error)
        finally:
            self._turn()

    def on_death(self, worker: WorkerId, death: Death) -> None:
        """A worker's process is gone, and all that it sent has come through `on_bodies`."""
        try:
            self._mourn(worker, death)
        except Exception as error:  # noqa: BLE001 - as in on_bodies
            self._on_defect(error)
        self._turn()

    def _mourn(self, worker: WorkerId, death: Death) -> None:
        failpoints.hit("coord.on_death")
        served = worker in self._welcomed
        self._welcomed.discard(worker)
        self._outgoing.pop(worker, None)
        node = self._scheduler.workers.get(worker)
        reason = death.reason
        if not served and death.last_words:
            reason = f"{reason}: {death.last_words[:500]}"
        if node is not None:
            suspects = sorted(node.running)
            for task in suspects:
                self._note_death(task, worker, death, len(suspects))
            for task in (*suspects, *node.waiting):
                self._ledger.dispatched.pop(task, None)
            if suspects or not served:
                self._tell_worker(worker, reason)
        self._opening.on_death(worker, reason)
        self._queue.append(e.WorkerLost(self._now(), worker, reason))

    # --- turns --------------------------------------------------------------------------------------------------------

    @property
    def _workers(self) -> Workers:
        assert self._pool is not None, "attach comes before the first event"
        return self._pool

    @staticmethod
    def _now() -> float:
        return time.monotonic()

    def _feed(self, event: Event) -> None:
        """Queue an event, and take a turn unless one is being taken."""
        self._queue.append(event)
        self._turn()

    def _turn(self) -> None:
        if self._turning:
            return
        self._turning = True
        self._turns += bool(self._queue) and not (len(self._queue) == 1 and isinstance(self._queue[0], e.Tick))
        try:
            while self._queue:
                self._take_queued()
                if not self._queue:
                    self._record()
            self._send_all()
        except Exception as error:  # noqa: BLE001 - a defect of ours must end the run in an orderly way, not hang it
            self._on_defect(error)
        finally:
            self._turning = False
        if self.finish is not None and not self._done.done():
            self._done.set_result(None)
            self._opening.end(EndedEarlyError(self.finish.reason or "the run has ended"))
        self._arm_timer()

    def _take_queued(self) -> None:
        """Give the scheduler what has come, in order, and as much of it at once as can be judged at once."""
        events: list[Event] = []
        while self._queue:
            item = self._queue.popleft()
            match item:
                case _Result():
                    if item.message.pages:  # whether these tasks can be added depends on all that was added before
                        self._carry_out(events)
                        events = []
                    events.append(self._judge(item))
                    if item.message.pages:
                        self._carry_out(events)
                        events = []
                case _Decision():
                    self._carry_out(events)
                    events = []
                    self._carry_out([self._decide(item.command)])
                case e.AttemptStarted():
                    if self._begun_now.get(item.task) is item:
                        events.append(item)
                case _:
                    events.append(item)
        self._begun_now.clear()
        self._carry_out(events)

    def _carry_out(self, events: list[Event]) -> None:
        if events:
            for command in self._scheduler.handle_all(events):
                self._commands[type(command)](command)

    def _record(self) -> None:
        """Hand the turn's commits to the operating system; a full disk ends the run."""
        try:
            self._journal.flush()
        except (JournalError, OSError) as error:
            self._queue.append(e.EngineFailed(self._now(), f"storage error: {failure_text(error)}"))
            return
        if self._scheduler.finished:
            return  # the journal is synced when it is closed
        if self._journal.unsynced and self._syncing is None and self._sync_timer is None:
            self._sync_timer = self._loop.call_later(SYNC_INTERVAL, self._begin_sync)

    def _begin_sync(self) -> None:
        self._sync_timer = None
        self._syncing = self._loop.run_in_executor(None, self._journal.sync)
        self._syncing.add_done_callback(self._end_sync)

    def _end_sync(self, future: asyncio.Future[None]) -> None:
        self._syncing = None
        error = future.exception()
        if error is not None and self.finish is None:
            self._feed(e.EngineFailed(self._now(), f"storage error: {failure_text(error)}"))

    def _on_defect(self, error: Exception) -> None:
        """A defect of otter: nothing of the scheduler's state can be relied on, so the run ends here."""
        self._queue.clear()
        reason = f"internal error of otter, please report it: {failure_text(error)}"
        self.finish = e.Finish(Outcome.FAILURE, reason)
        self._scheduler.finished = True
        for worker in list(self._workers.pids):
            self._workers.kill(worker, "internal error of the coordinator")
        with contextlib.suppress(Exception):  # what failed may have been the observer
            self._observer.on_stop(f"{reason}\n{''.join(traceback.format_exception(error))}")

    def _arm_timer(self) -> None:
        if self._scheduler.finished:
            return
        due = self._scheduler.next_wakeup()
        delay = COORDINATOR_POLLING_INTERVAL if due is None else min(due - self._now(), COORDINATOR_POLLING_INTERVAL)
        when = self._loop.time() + max(delay, 0.0)
        if self._timer is not None and not self._timer.cancelled() and self._timer.when() <= when:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._on_timer)

    def _tell_status(self) -> None:
        """Say what the run is doing, unless nothing has happened since it was said."""
        now = self._now()
        if self._turns != self._told_turns and now - self._told_at >= STATUS_INTERVAL:
            write_status(self._facts.directory, snapshot(self._scheduler, self._ledger))
            # Looking through a million tasks takes its time: it gets a twentieth of all time at most.
            self._told_at = max(now, now + 19 * (self._now() - now))
            self._told_turns = self._turns

    def _on_timer(self) -> None:
        self._timer = None
        self._workers.poll()
        self._workers.trim_output()
        self._tell_status()
        self._feed(e.Tick(self._now()))

    def _note(self, text: str) -> None:
        self.log.append(f"{utc_text(time.time())} {text[:LOG_WIDTH]}")

    def _tell_worker(self, worker: WorkerId, what: str) -> None:
        self._note(f"worker {worker}: {what}")
        self._observer.on_worker(worker, what)

    # --- messages -----------------------------------------------------------------------------------------------------

    def _on_hello(self, worker: WorkerId, body: bytes) -> None:
        try:
            hello, version = read_hello(body)
        except VersionError as error:
            self._refuse(worker, f"worker {worker}: {error}")
            return
        if hello.problem is not None:
            self._refuse(worker, hello.problem)
            return
        try:
            types = {kind.name: kind for kind in map(TaskType.from_json, hello.task_types)}
        except ValueError as error:
            raise PeerError(f"a SayHello does not fit its definition: {error}") from error
        facts = self._facts
        welcome = m.Welcome(
            protocol=version, run=facts.run_id, config=facts.config.to_json(),
            values=_jsonable(self._scratchpad.sentinel_dict), log_dir=str(facts.log_dir),
            spill_dir=str(facts.spill_dir),
            concurrency=facts.concurrency, log_limit=facts.log_limit,
        )  # fmt: skip
        self._post(worker, welcome)
        self._welcomed.add(worker)
        self._tell_worker(worker, f"ready: process {hello.pid}, Python {hello.python}")
        if not self._ledger.types:
            self._ledger.types = types
        self._queue.append(e.WorkerReady(self._now(), worker))
        if self._opening.on_ready(worker, types):
            self._observer.on_types(types)

    def _refuse(self, worker: WorkerId, reason: str) -> None:
        self._workers.send(worker, [m.Refuse(reason)])
        self._opening.end(WorkerRefusedError(reason))
        self._queue.append(e.EngineFailed(self._now(), reason))

    def _kill(self, worker: WorkerId, verdict: str) -> None:
        self._workers.kill(worker, verdict)

    def _ask(self, worker: WorkerId, question: m.CheckSpecs) -> None:
        self._post(worker, question)
        self._turn()

    def _on_message(self, worker: WorkerId, message: Any, now: float) -> None:
        match message:
            case m.ReportStart():
                self._on_start(worker, message, now)
            case m.ReportResult():
                check_answer(message)
                begun = self._begun_now.get(TaskId(message.task))
                if begun is not None and begun.worker == worker and begun.attempt == message.attempt:
                    del self._begun_now[begun.task]
                self._queue.append(_Result(worker, message, now))
            case m.AddSpecs():
                self._on_page(worker, message, now)
            case m.SpillMessage():
                for inner in TO_COORDINATOR.decode(self._read_spilled(message)):
                    if isinstance(inner, m.SpillMessage):
                        raise PeerError("a large message refers to another one")
                    self._on_message(worker, inner, now)
            case m.ConfirmRevoke():
                self._queue.append(e.RevokeConfirmed(now, worker))
            case m.ReportCheck():
                self._opening.on_answer(worker, message)
            case _:
                raise PeerError(f"{type(message).__name__} came twice")

    def _held(self, worker: WorkerId, task: int, attempt: int) -> Dispatched | None:
        """The attempt, if this worker has it and has not answered for it."""
        held = self._ledger.dispatched.get(TaskId(task))
        if held is None or held.answered or held.worker != worker or held.attempt != attempt:
            return None
        return held

    def _on_start(self, worker: WorkerId, message: m.ReportStart, now: float) -> None:
        task = TaskId(message.task)
        held = self._held(worker, task, message.attempt)
        if held is not None:
            held.began = time.time()
            self._observer.on_start(task, self._scheduler.graph.nodes[task].name, worker)
        started = e.AttemptStarted(now, worker, task, message.attempt)
        self._queue.append(started)
        self._begun_now[task] = started

    def _on_page(self, worker: WorkerId, message: m.AddSpecs, now: float) -> None:
        """A page of generated specs. One beyond what a run may have ends the attempt, which may be endless."""
        task = TaskId(message.task)
        held = self._held(worker, task, message.attempt)
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
            self._ledger.note_attempt(task, _attempt_facts(held, None, Outcome.FAILURE, reason))
            event = e.AttemptEnded(now, worker, task, message.attempt, Outcome.FAILURE, reason, tainted=reason)
            self._queue.append(event)
            self._workers.kill(worker, f"{self._scheduler.graph.nodes[task].name!r} {reason}")

    def _judge(self, item: _Result) -> e.AttemptEnded:
        """What a worker's answer means; what it generated is entered, if it can be added."""
        failpoints.hit("coord.on_result")
        result = item.message
        task = TaskId(result.task)
        held = self._held(item.worker, task, result.attempt)
        if held is None:  # the scheduler counts it as stale
            return e.AttemptEnded(item.at, item.worker, task, result.attempt, Outcome.FAILURE)
        held.answered = True
        record = result.record
        outcome, reason = _outcome_of(record)
        draft = NO_TASKS
        if outcome is Outcome.SUCCESS and (held.pages or result.pages):
            draft, problem = self._draft_generated(task, held, result.pages)
            if problem is not None:
                outcome, reason, draft = Outcome.FAILURE, problem, NO_TASKS
        self._ledger.enter(draft)
        self._observer.on_added(len(draft.tasks), self._scheduler.graph.nodes[task].name)
        self._reported[task] = result
        self._ledger.note_attempt(task, _attempt_facts(held, result, outcome, reason))
        elapsed = record.get("elapsed")
        seconds = float(elapsed) if isinstance(elapsed, int | float) else 0.0
        return e.AttemptEnded(
            item.at, item.worker, task, result.attempt, outcome, reason, draft.tasks, seconds, result.tainted
        )

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

    def _read_spilled(self, message: m.SpillMessage) -> bytes:
        """The content of a file that a worker names; only of one in the directory that it was given."""
        path = Path(message.path)
        if path.parent != self._facts.spill_dir or path.name.startswith("."):
            raise PeerError(f"a result is said to be in {path}, which is not where results go")
        if message.size > MAX_SPILL:
            raise PeerError(f"a result has {message.size} bytes; {MAX_SPILL} are allowed")
        try:
            with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                data = file.read(message.size + 1)
            path.unlink()
        except (OSError, ValueError) as error:
            raise PeerError(f"a result in {path} cannot be read: {failure_text(error)}") from error
        if len(data) != message.size or hashlib.sha256(data).hexdigest() != message.sha256:
            raise PeerError(f"the result in {path} does not match its SHA-256")
        return data

    def _note_death(self, task: TaskId, worker: WorkerId, death: Death, suspects: int) -> None:
        held = self._ledger.dispatched.get(task)
        node = self._scheduler.graph.nodes[task]
        result = (
            "timed out" if node.timed_out else "stopped" if death.ordered else "crashed" if suspects == 1 else "lost"
        )
        facts: Table = {
            "attempt": node.attempt, "worker": worker, "result": result, "reason": death.reason,
            "started_at": utc_text(held.began) if held is not None and held.began else None,
            "finished_at": utc_text(time.time()), "signal": death.signal_name,
            "exit_code": death.code if death.code >= 0 else None, "peak_memory": death.peak_memory,
            "out_of_memory": death.oom or None,
        }  # fmt: skip
        if death.output and (suspects == 1 or node.timed_out):
            facts["last_output"] = list(death.output[-20:])
            self._append_log(node, death)
        self._ledger.note_attempt(task, {key: value for key, value in facts.items() if value is not None})

    def _append_log(self, node: TaskNode, death: Death) -> None:
        """What a process wrote while it died, such as a dump of faulthandler, belongs into the log of its task."""
        path = self._facts.log_dir / file_name(node.name, ".log")
        try:
            with open(path, "a", encoding="utf-8") as file:
                file.write("\n".join(death.output) + "\n")
        except OSError:
            return

    # --- commands -----------------------------------------------------------------------------------------------------

    def _post(self, worker: WorkerId, message: Any) -> None:
        self._outgoing.setdefault(worker, []).append(message)

    def _send_all(self) -> None:
        for worker in list(self._outgoing):
            self._send(worker)

    def _send(self, worker: WorkerId) -> None:
        messages = self._outgoing.pop(worker, None)
        if not messages:
            return
        start, size, batons = 0, 0, 0
        for place, message in enumerate(messages):
            if type(message) is m.RunTask:
                batons += 1
                size += len(self._ledger.specs[message.task])
            if size > FRAME_BUDGET:
                self._workers.send(worker, messages[start : place + 1], batons)
                start, size, batons = place + 1, 0, 0
        if start < len(messages):
            self._workers.send(worker, messages[start:], batons)

    def _do_start_worker(self, command: e.StartWorker) -> None:
        try:
            self._workers.start(command.worker)
        except OSError as error:
            reason = f"cannot start {error.filename or 'a process'}: {error.strerror}"
            self._tell_worker(command.worker, reason)
            self._queue.append(e.WorkerUnstartable(self._now(), command.worker, reason))

    def _do_dispatch(self, command: e.Dispatch) -> None:
        failpoints.hit("coord.dispatch")
        node = self._scheduler.graph.nodes[command.task]
        try:
            payload = self._ledger.payload(command.task, node.new.kind, self._scratchpad)
        except (ScratchpadError, TypeError, ValueError) as error:
            reason = failure_text(error)
            self._queue.append(e.TaskRefused(self._now(), command.worker, command.task, command.attempt, reason))
            return
        self._ledger.dispatched[command.task] = Dispatched(command.worker, command.attempt, payload)
        spec = orjson.Fragment(payload)
        self._post(command.worker, m.RunTask(command.task, command.attempt, spec, command.alone))

    def _do_revoke(self, command: e.Revoke) -> None:
        self._record()
        self._send(command.worker)  # the batons of what was just handed over must be there to be taken back
        # A task whose refusal is on its way was never sent: it has no baton, and must not cost another task its own.
        sent = [task for task in command.tasks if task in self._ledger.dispatched]
        unsent = [task for task in command.tasks if task not in self._ledger.dispatched]
        revoked = (*unsent, *self._workers.revoke(command.worker, sent))
        for task in revoked:
            self._ledger.dispatched.pop(task, None)
        if revoked:
            self._post(command.worker, m.RevokeTasks(list(revoked)))
        self._queue.append(e.TasksRevoked(self._now(), command.worker, revoked))

    def _do_abort(self, command: e.Abort) -> None:
        self._record()
        self._send(command.worker)
        self._workers.abort(command.worker, command.tasks, command.grace)

    def _do_decide_reuse(self, command: e.DecideReuse) -> None:
        self._queue.append(_Decision(command))

    def _decide(self, command: e.DecideReuse) -> e.ReuseDecided:
        """Whether the recorded outcome of a task stands; what it generated then is entered again."""
        node = self._scheduler.graph.nodes[command.task]
        committed = self._history.committed[node.name]
        draft = NO_TASKS
        try:
            digest = self._ledger.digest(self._ledger.payload(node.id, node.new.kind, self._scratchpad))
            why_not = self._history.why_not(node.name, digest, self._newest_requirement(node), command.stale)
            if why_not is None and committed.specs:
                draft = self._ledger.draft(committed.specs, self._history.committed)
                why_not = self._scheduler.refusal(draft.tasks, node)
        except (OtterError, TypeError, ValueError) as error:
            why_not = failure_text(error)
        self.explanations[node.name] = "done before, nothing changed" if why_not is None else why_not
        if why_not is not None:
            draft = NO_TASKS
        self._ledger.enter(draft)
        return e.ReuseDecided(self._now(), node.id, why_not is None, draft.tasks)

    def _newest_requirement(self, node: TaskNode) -> int:
        graph = self._scheduler.graph
        required = [graph.find(name) for name in node.new.requires]
        return max((self._sequences.get(other.id, 0) for other in required if other is not None), default=0)

    def _do_retry(self, command: e.Retry) -> None:
        node = self._scheduler.graph.nodes[command.task]
        self._reported.pop(command.task, None)
        self._ledger.dispatched.pop(command.task, None)
        attempts = self._ledger.attempts.setdefault(command.task, [{}])
        attempts[-1]["next"] = f"tried again after {command.delay:.3g} s" if command.delay else "tried again at once"
        self._journal.append(encode_record({"kind": "attempt", "name": node.name, **attempts[-1]}))
        self._note(f"{node.name}: attempt {command.attempt} failed: {command.reason}")
        self._observer.on_retry(node.name, command.attempt, command.reason, command.delay)

    def _do_commit(self, command: e.Commit) -> None:
        failpoints.hit("coord.commit")
        node = self._scheduler.graph.nodes[command.task]
        if command.reused:
            self._take_over(node)
            return
        held = self._ledger.dispatched.pop(node.id, None)
        result = self._reported.pop(node.id, None)
        record = result.record if result is not None else self._record_of_lost(node)
        facts: Table = {"result": RESULTS[command.outcome]}
        attempts = self._ledger.attempts.get(node.id)
        if attempts and command.outcome is not Outcome.SUCCESS:
            attempts[-1]["next"] = "given up"
        if node.new.requires:
            facts["requires"] = node.new.requires
        if node.parent is not None:
            facts["parent"] = self._scheduler.graph.nodes[node.parent].name
        if command.outcome is not Outcome.SUCCESS:
            facts["failure_reason"] = command.reason
        if result is not None and result.failure is not None and command.outcome is not Outcome.SUCCESS:
            facts["exception"] = result.failure
            facts["traceback"] = result.traceback
        if held is not None:
            facts["worker"] = held.worker
        if command.cause is not None:
            facts["blocked_by"] = self._scheduler.graph.nodes[command.cause].name
        entry = self._ledger.close_entry(node.id, node.name, record, facts)
        values = result.values if result is not None and command.outcome is Outcome.SUCCESS else None
        self._journal_commit(node, entry, held, values, command.outcome is Outcome.SUCCESS)
        if values:
            self._share(values)
        self._observer.on_end(node.id, node.name, {**record, **facts})

    def _record_of_lost(self, node: TaskNode) -> Table:
        attempts = self._ledger.attempts.get(node.id)
        if not attempts:
            return {}
        last = attempts[-1]
        times = {"started_run_at": last.get("started_at"), "finished_run_at": last.get("finished_at")}
        log = self._facts.log_dir / file_name(node.name, ".log")
        where = {"log_file": str(log)} if log.exists() else {}
        return {**times, "log": last.get("last_output", []), **where}

    def _journal_commit(
        self, node: TaskNode, entry: bytes, held: Dispatched | None, values: Table | None, succeeded: bool
    ) -> None:
        self._note_sequence(node)
        if held is not None and succeeded:
            for start in range(0, len(held.pages), SPECS_IN_RECORD):
                page = held.pages[start : start + SPECS_IN_RECORD]
                self._journal.append(encode_record({"kind": "specs", "name": node.name, "specs": page}))
        values_text = b',"values":' + orjson.dumps(values) if values else b""
        spec = held.payload if held is not None else b"null"
        digest = self._ledger.digest(spec).encode() if held is not None else b""
        # Put together by hand: all parts are JSON already, and are the greater part of what a run writes.
        body = b'{"kind":"task","digest":"%b","spec":%b%b,"entry":%b}' % (digest, spec, values_text, entry)
        self._journal.append(frame_record(body))

    def _note_sequence(self, node: TaskNode, sequence: int | None = None) -> None:
        """Remember when a task was committed, for itself and for the generators above it."""
        if sequence is None:
            self._sequence += 1
            sequence = self._sequence
        place: TaskId | None = node.id
        while place is not None and self._sequences.get(place, 0) < sequence:
            self._sequences[place] = sequence
            place = self._scheduler.graph.nodes[place].parent

    def _take_over(self, node: TaskNode) -> None:
        committed = self._history.committed[node.name]
        self._note_sequence(node, committed.sequence)
        entry = {**committed.entry, "reused": True}
        self._ledger.entries[node.id] = orjson.dumps(entry)
        if committed.values:
            self._share(committed.values)
        self._observer.on_end(node.id, node.name, entry)

    def _share(self, values: Table) -> None:
        """Take over scratchpad values that a task made, and tell the workers; none of them replaces another."""
        fresh = {key: value for key, value in values.items() if key not in self._scratchpad.sentinel_dict}
        if not fresh:
            return
        self._scratchpad.merge(fresh)
        for worker in self._welcomed:
            self._post(worker, m.StoreValues(fresh))

    def _do_finish(self, command: e.Finish) -> None:
        failpoints.hit("coord.finish")
        self.finish = command


def _outcome_of(record: Table) -> tuple[Outcome, str | None]:
    """Outcome and reason of a worker's record."""
    match record.get("result"):
        case Result.SUCCESS.value:
            return Outcome.SUCCESS, None
        case Result.ABORTED.value:
            return Outcome.ABORTED, str(record.get("failure_reason") or "aborted")
        case _:
            return Outcome.FAILURE, str(record.get("failure_reason") or "failed without a reason")


def _attempt_facts(held: Dispatched, result: m.ReportResult | None, outcome: Outcome, reason: str | None) -> Table:
    record = result.record if result is not None else {}
    facts: Table = {
        "attempt": held.attempt, "worker": held.worker, "result": outcome.value,
        "started_at": record.get("started_run_at"),
        "finished_at": record.get("finished_validation_at") or record.get("finished_run_at"),
        "peak_memory": result.peak_memory if result is not None else None,
    }  # fmt: skip
    if reason is not None:
        facts["reason"] = reason
    return facts


def _jsonable(values: dict[str, Any]) -> dict[str, Any]:
    table: dict[str, Any] = orjson.loads(orjson.dumps(values, default=str))
    return table
