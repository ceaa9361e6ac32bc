"""`RunLoop`: waits, feeds the scheduler, carries out its commands.

A turn begins with something from outside: bytes of a worker, the end of a process, a timer, a request to stop. It
becomes events; each event's commands are carried out in order, and may cause further events. At the end of the turn
the journal is handed to the operating system, and only then do messages go out: nobody acts on what is not yet
recorded.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import orjson

from otter.config.model import Config
from otter.pipeline.limits import MAX_SPEC
from otter.scratchpad.model import Scratchpad
from otter.step.coordinator import events as e
from otter.step.coordinator import failpoints
from otter.step.coordinator.answers import check_answer
from otter.step.coordinator.background import Background
from otter.step.coordinator.beginnings import Beginnings
from otter.step.coordinator.carried import oversize, portions
from otter.step.coordinator.commits import Commits
from otter.step.coordinator.durability import Durability
from otter.step.coordinator.events import Event, Outcome, StopLevel, TaskId, WorkerId
from otter.step.coordinator.history import History
from otter.step.coordinator.journal import Journal, encode_record
from otter.step.coordinator.judging import Judge, attempt_facts
from otter.step.coordinator.ledger import Dispatched, Draft, Ledger, Table, utc_text
from otter.step.coordinator.opening import EndedEarlyError, Opening, WorkerRefusedError
from otter.step.coordinator.outgoing import Outgoing
from otter.step.coordinator.ports import Beginning, Observer, Workers
from otter.step.coordinator.process_death import Death
from otter.step.coordinator.scheduler import Scheduler
from otter.step.coordinator.spilled import read_spilled
from otter.step.coordinator.status import snapshot, write_status
from otter.task.task_type import TaskType
from otter.util.collector import paused_collector
from otter.util.errors import ScratchpadError, failure_text
from otter.wire import messages as m
from otter.wire.codec import TO_COORDINATOR, read_hello
from otter.wire.errors import PeerError, VersionError

COORDINATOR_POLLING_INTERVAL = 0.5
"""Seconds: the longest wait before the loop looks at deadlines and liveness. No result ever waits for it."""

STATUS_INTERVAL = 1.0
"""Seconds between two snapshots for `otter status`, at least."""

FREEZE_AT = 10_000
"""Generated tasks that are worth keeping from the garbage collector."""

DECISIONS_AT_ONCE = 500
"""Recorded outcomes that are judged before the first of them is taken over."""

LOG_LINES = 200
LOG_WIDTH = 500


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


@attrs.define(eq=False)  # not frozen: there are as many as tasks
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
        self.turns = 0
        """How often something came from outside."""
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        """What happened to the run as a whole, for the step's part of the manifest."""
        self._frozen = 0
        self._told_turns = -1
        self._told_at = 0.0
        self._outgoing = Outgoing(ledger)
        self._welcomed: set[WorkerId] = set()
        self._commits = Commits(
            graph=scheduler.graph, ledger=ledger, journal=journal, history=history, log_dir=facts.log_dir,
            observer=observer, share=self._share,
        )  # fmt: skip
        self._judge = Judge(
            scheduler=scheduler, ledger=ledger, history=history, scratchpad=scratchpad, commits=self._commits,
            observer=observer,
        )  # fmt: skip
        self._beginnings = Beginnings(
            scheduler=scheduler, judge=self._judge, commits=self._commits, ledger=ledger, observer=observer,
            tell=self._queue.append, turn=self._turn_after,
        )  # fmt: skip
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._opening = Opening(self._ask, self._kill)
        self.background = Background()
        self._durability = Durability(journal, self.background, self._on_storage_failure)
        self._timer: asyncio.TimerHandle | None = None
        self._commands: dict[type, Callable[[Any], None]] = {
            e.StartWorker: self._do_start_worker,
            e.StopWorker: lambda c: self._outgoing.post(c.worker, m.Stop()),
            e.KillWorker: lambda c: self._workers.kill(c.worker, c.reason),
            e.Dispatch: self._do_dispatch,
            e.Revoke: self._do_revoke,
            e.Abort: self._do_abort,
            e.DecideReuse: self._do_decide_reuse,
            e.Retry: self._do_retry,
            e.Commit: self._commits.commit,
            e.Finish: self._do_finish,
        }

    # --- what the Coordinator calls -----------------------------------------------------------------------------------

    @property
    def reasons(self) -> dict[str, str]:
        """Why tasks that earlier runs completed have to run again, by name."""
        return self._judge.reasons

    def attach(self, pool: Workers) -> None:
        """Give the loop its workers; they need its callbacks first."""
        self._pool = pool
        self._beginnings.attach(pool)

    def open(self, workers: int) -> None:
        """Start the first workers.

        Args:
            workers: how many there will be work for, as far as that can be seen before any has told what it can run.
        """
        self._feed(e.Opened(self._now(), workers))
        self._arm_timer()

    async def published_types(self) -> dict[str, TaskType]:
        """Wait for what the first worker can run.

        Raises:
            WorkerRefusedError: no worker can serve.
            EndedEarlyError: the run was stopped before, or no worker could be started; `finish` says which.
        """
        return await self._opening.types()

    async def check_specs(self, tables: list[Table]) -> list[Any]:
        """What a worker finds by constructing specs: rows of place, path and sentence.

        Raises:
            WorkerRefusedError: workers died of it.
            EndedEarlyError: the run was stopped before.
        """
        found: list[Any] = []
        first = 0
        for portion in portions(tables):
            rows = await self._opening.check(portion)
            found += [[place + first, *rest] for place, *rest in rows]
            first += len(portion)
        return found

    async def run(self, draft: Draft) -> None:
        """Run tasks to their end. Whatever happens, it returns, and `finish` says how it ended."""
        self._observer.on_begin(len(draft.tasks))
        with paused_collector(keep=True):
            self._ledger.enter(draft)
            self._feed(e.TasksAdded(self._now(), draft.tasks))
        self._frozen = len(draft.tasks)
        self._arm_timer()
        await self._done

    def _freeze(self) -> None:
        """Keep the collector from walking the tasks again and again, which stay until the end and are no garbage."""
        gc.freeze()
        self._frozen = len(self._scheduler.graph.nodes)

    async def close(self) -> None:
        """Let the workers end, and order nothing any more; also when the tasks never began."""
        gc.unfreeze()
        for worker in self._welcomed:
            self._workers.send(worker, [m.Stop()])
        self._scheduler.finished = True
        if self._timer is not None:
            self._timer.cancel()
        self._beginnings.close()
        await self._durability.close()
        self.background.close()

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

    def on_begun(self, worker: WorkerId, begun: list[Beginning]) -> None:
        """A worker that is watched, or has died, had begun these."""
        self._turn_after(lambda: self._beginnings.take(worker, begun))

    def on_death(self, worker: WorkerId, death: Death) -> None:
        """A worker's process is gone, and all that it sent has come through `on_bodies`."""
        self._turn_after(lambda: self._mourn(worker, death))

    def _mourn(self, worker: WorkerId, death: Death) -> None:
        failpoints.hit("coord.on_death")
        served = worker in self._welcomed
        self._welcomed.discard(worker)
        self._beginnings.forget(worker)
        self._outgoing.forget(worker)
        node = self._scheduler.workers.get(worker)
        reason = death.reason
        if not served and death.last_words:
            reason = f"{reason}: {death.last_words[:500]}"
        if node is not None:
            suspects = sorted(node.running)
            for task in suspects:
                self._commits.note_death(task, worker, death, len(suspects))
            for task in (*suspects, *node.waiting):
                lost = self._ledger.dispatched.pop(task, None)
                if lost is not None and task in suspects:
                    self._ledger.lost[task] = lost.payload
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

    def _turn_after(self, work: Callable[[], None]) -> None:
        """Do something that queues events, and take a turn."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - as in on_bodies
            self._on_defect(error)
        self._turn()

    def _turn(self) -> None:
        if self._turning:
            return
        self._turning = True
        self.turns += bool(self._queue) and not (len(self._queue) == 1 and isinstance(self._queue[0], e.Tick))
        try:
            while True:
                while self._queue:
                    self._take_queued()
                self._record()
                if not self._queue:
                    break
            for worker in self._outgoing.send_all(self._workers):
                self._beginnings.stir(worker)
            if not self._scheduler.finished:
                self._beginnings.look_soon()
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
        queue, judge = self._queue, self._judge.judge
        while queue:
            item = queue.popleft()
            if isinstance(item, _Result):
                if not item.message.pages:
                    events.append(judge(item.worker, item.message, item.at))
                    continue
                self._carry_out(events)  # whether these tasks can be added depends on all that was added before
                self._carry_out([judge(item.worker, item.message, item.at)])
                events = []
                if len(self._scheduler.graph.nodes) > 2 * self._frozen + FREEZE_AT:
                    self._freeze()
            elif isinstance(item, _Decision):
                self._carry_out(events)
                events = []
                self._carry_out(self._decide(item.command))
            elif not isinstance(item, e.AttemptStarted) or self._beginnings.is_news(item):
                events.append(item)
        self._carry_out(events)

    def _decide(self, command: e.DecideReuse) -> list[Event]:
        """Answer a question of the scheduler's, and with it those behind it: they do not depend on each other."""
        decided: list[Event] = []
        while True:
            event = self._judge.decide(command, self._now())
            decided.append(event)
            told = self._queue[0] if self._queue else None
            # What one task stored or generated must be there before the next one is looked at.
            tells = event.reuse and (event.added or self._history.recall(self._name(event.task)).values)
            if tells or not isinstance(told, _Decision) or len(decided) == DECISIONS_AT_ONCE:
                return decided
            self._queue.popleft()
            command = told.command

    def _name(self, task: TaskId) -> str:
        return self._scheduler.graph.nodes[task].name

    def _carry_out(self, events: list[Event]) -> None:
        if events:
            carriers = self._commands
            for command in self._scheduler.handle_all(events):
                carriers[type(command)](command)

    def _record(self) -> None:
        """Hand the turn's commits to the operating system; a full disk ends the run."""
        self._queue_failure(self._durability.record(last=self._scheduler.finished))

    def _queue_failure(self, reason: str | None) -> None:
        if reason is not None:
            self._queue.append(e.EngineFailed(self._now(), reason))

    def _on_storage_failure(self, reason: str) -> None:
        if self.finish is None:
            self._feed(e.EngineFailed(self._now(), reason))

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
        """Say what the run is doing, unless nothing has happened since it was said, or it may still be refused."""
        now = self._now()
        begun = bool(self._scheduler.graph.nodes)
        if begun and self.turns != self._told_turns and now - self._told_at >= STATUS_INTERVAL:
            write_status(self._facts.directory, snapshot(self._scheduler, self._ledger))
            # Looking through a million tasks takes its time: it gets a twentieth of all time at most.
            self._told_at = max(now, now + 19 * (self._now() - now))
            self._told_turns = self.turns

    def _on_timer(self) -> None:
        self._timer = None
        self._workers.poll()
        self._workers.trim_output()
        self._queue_failure(self._durability.look())
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
            values=dict(self._scratchpad.sentinel_dict), log_dir=str(facts.log_dir),
            spill_dir=str(facts.spill_dir),
            concurrency=facts.concurrency, log_limit=facts.log_limit,
        )  # fmt: skip
        self._outgoing.post(worker, welcome)
        self._welcomed.add(worker)
        self._tell_worker(worker, f"ready: process {hello.pid}, Python {hello.python}")
        if not self._ledger.types:
            self._ledger.types = types
            self._ledger.worker_versions = {"python": hello.python, **hello.distributions}
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
        self._outgoing.post(worker, question)
        self._turn()

    def _on_message(self, worker: WorkerId, message: Any, now: float) -> None:
        kind = type(message)
        if kind is m.ReportResult:
            check_answer(message)
            self._beginnings.end(worker, message.task, message.attempt)
            self._queue.append(_Result(worker, message, now))
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
                self._queue.append(e.RevokeConfirmed(now, worker))
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
            self._queue.append(event)
            self._workers.kill(worker, f"{self._scheduler.graph.nodes[task].name!r} {reason}")

    # --- commands -----------------------------------------------------------------------------------------------------

    def _do_start_worker(self, command: e.StartWorker) -> None:
        try:
            self._workers.start(command.worker)
        except OSError as error:
            reason = f"cannot start {error.filename or 'a process'}: {error.strerror}"
            self._tell_worker(command.worker, reason)
            self._queue.append(e.WorkerUnstartable(self._now(), command.worker, reason))

    def _do_dispatch(self, command: e.Dispatch) -> None:
        failpoints.hit("coord.dispatch")
        worker, task, ledger = command.worker, command.task, self._ledger
        payload, problem = b"", None
        try:
            payload = ledger.payload(task, self._scheduler.graph.nodes[task].new.kind, self._scratchpad)
        except (ScratchpadError, TypeError, ValueError) as error:
            problem = failure_text(error)
        if len(payload) > MAX_SPEC:
            problem = oversize(len(payload))
        if problem is not None:
            self._queue.append(e.TaskRefused(self._now(), worker, task, command.attempt, problem))
            return
        ledger.dispatched[task] = Dispatched(worker, command.attempt, payload)
        self._outgoing.post(worker, m.RunTask(task, command.attempt, orjson.Fragment(payload), command.alone))

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
        self._queue.append(e.TasksRevoked(self._now(), command.worker, revoked))

    def _do_abort(self, command: e.Abort) -> None:
        self._record()
        self._outgoing.send(command.worker, self._workers)
        self._beginnings.stir(command.worker)
        self._workers.abort(command.worker, command.tasks, command.grace)

    def _do_decide_reuse(self, command: e.DecideReuse) -> None:
        self._queue.append(_Decision(command))

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

    def _share(self, values: Table) -> None:
        """Take over scratchpad values that a task made, and tell the workers; none of them replaces another."""
        fresh = {key: value for key, value in values.items() if key not in self._scratchpad.sentinel_dict}
        if not fresh:
            return
        self._scratchpad.merge(fresh)
        for worker in self._welcomed:
            self._outgoing.post(worker, m.StoreValues(fresh))

    def _do_finish(self, command: e.Finish) -> None:
        failpoints.hit("coord.finish")
        self.finish = command
