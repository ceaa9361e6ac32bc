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
from collections.abc import Callable, Iterator
from typing import Any

from otter.scratchpad.model import Scratchpad
from otter.step.coordinator import events as e
from otter.step.coordinator import failpoints
from otter.step.coordinator.attached import Attached
from otter.step.coordinator.background import Background
from otter.step.coordinator.beginnings import Beginnings
from otter.step.coordinator.carried import portions
from otter.step.coordinator.commits import Commits
from otter.step.coordinator.durability import Durability
from otter.step.coordinator.events import Event, Outcome, StopLevel, TaskId, WorkerId
from otter.step.coordinator.hearing import Answer, Hearing
from otter.step.coordinator.history import History
from otter.step.coordinator.journal import Journal
from otter.step.coordinator.judging import Judge
from otter.step.coordinator.ledger import Draft, Ledger, Table, utc_text
from otter.step.coordinator.opening import EndedEarlyError, Opening
from otter.step.coordinator.orders import Orders, Question
from otter.step.coordinator.outgoing import Outgoing
from otter.step.coordinator.ports import Beginning, Observer, Workers
from otter.step.coordinator.process_death import Death
from otter.step.coordinator.run_facts import RunFacts
from otter.step.coordinator.scheduler import Scheduler
from otter.step.coordinator.status import snapshot, write_status
from otter.task.task_type import TaskType
from otter.util.collector import paused_collector
from otter.util.errors import failure_text
from otter.wire import messages as m
from otter.wire.errors import PeerError

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


class RunLoop(Attached):
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
        self._facts = facts
        self._scheduler = scheduler
        self._ledger = ledger
        self._journal = journal
        self._history = history
        self._scratchpad = scratchpad
        self._observer = observer
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Event | Answer | Question] = deque()
        self._turning = False
        self.turns = 0
        """How often something came from outside."""
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        """What happened to the run as a whole, for the step's part of the manifest."""
        self._frozen = 0
        self._told_turns = -1
        self._told_at = 0.0
        self._outgoing = Outgoing(ledger)
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
        self._hearing = Hearing(
            facts=facts, scheduler=scheduler, ledger=ledger, scratchpad=scratchpad, outgoing=self._outgoing,
            opening=self._opening, judge=self._judge, beginnings=self._beginnings, observer=observer,
            tell=self._queue.append, note=self._tell_worker,
        )  # fmt: skip
        self._orders = Orders(
            scheduler=scheduler, ledger=ledger, journal=journal, scratchpad=scratchpad, commits=self._commits,
            beginnings=self._beginnings, outgoing=self._outgoing, hearing=self._hearing, observer=observer,
            tell=self._queue.append, note=self._note, note_worker=self._tell_worker, record=self._record,
        )  # fmt: skip

    # --- what the Coordinator calls -----------------------------------------------------------------------------------

    @property
    def finish(self) -> e.Finish | None:
        """How the run ended; none while it goes on."""
        return self._orders.finish

    @property
    def reasons(self) -> dict[str, str]:
        """Why tasks that earlier runs completed have to run again, by name."""
        return self._judge.reasons

    def attach(self, workers: Workers) -> None:
        """Give the loop its workers, and all its parts."""
        super().attach(workers)
        for part in (self._beginnings, self._hearing, self._orders):
            part.attach(workers)

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
        for worker in self._hearing.welcomed:
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
                self._hearing.hear(worker, body, now)
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
        served = worker in self._hearing.welcomed
        self._hearing.welcomed.discard(worker)
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
            if isinstance(item, Answer):
                if not item.message.pages:
                    events.append(judge(item.worker, item.message, item.at))
                    continue
                self._carry_out(events)  # whether these tasks can be added depends on all that was added before
                self._carry_out(self._adding(judge(item.worker, item.message, item.at)))
                events = []
                if len(self._scheduler.graph.nodes) > 2 * self._frozen + FREEZE_AT:
                    self._freeze()
            elif isinstance(item, Question):
                self._carry_out(events)
                events = []
                self._carry_out(self._decide(item.command))
            elif isinstance(item, e.TasksAdded):
                self._carry_out(events)
                events = []
                self._carry_out(self._adding(item))
            elif not isinstance(item, e.AttemptStarted) or self._beginnings.is_news(item):
                events.append(item)
        self._carry_out(events)

    def _adding(self, event: Event) -> Iterator[Event]:
        """An event that may add a million tasks; what is handed out then is handed out when that is done."""
        yield event
        yield e.Tick(self._now())

    def _decide(self, command: e.DecideReuse) -> list[Event]:
        """Answer a question of the scheduler's, and with it those behind it: they do not depend on each other."""
        decided: list[Event] = []
        while True:
            event = self._judge.decide(command, self._now())
            decided.append(event)
            told = self._queue[0] if self._queue else None
            # What one task stored or generated must be there before the next one is looked at.
            tells = event.reuse and (event.added or self._history.recall(self._name(event.task)).values)
            if tells or not isinstance(told, Question) or len(decided) == DECISIONS_AT_ONCE:
                return decided
            self._queue.popleft()
            command = told.command

    def _name(self, task: TaskId) -> str:
        return self._scheduler.graph.nodes[task].name

    def _carry_out(self, events: list[Event] | Iterator[Event]) -> None:
        if events:
            self._orders.carry_out(self._scheduler.handle_all(events))

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
        self._orders.finish = e.Finish(Outcome.FAILURE, reason)
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

    def _kill(self, worker: WorkerId, verdict: str) -> None:
        self._workers.kill(worker, verdict)

    def _share(self, values: Table) -> None:
        self._orders.share(values)

    def _ask(self, worker: WorkerId, question: m.CheckSpecs) -> None:
        self._outgoing.post(worker, question)
        self._turn()
