"""`Beginnings`: which attempts have begun, as far as anybody has a reason to know.

Most tasks are so brief that their end is there before anybody asks. So a worker writes what it begins into a pipe that
wakes nobody, and the pipe is looked into when a worker has not answered for a moment, or has died. One that takes its
time is watched instead, so that nothing is asked again and again while long tasks run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from otter.step.coordinator.attached import Attached
from otter.step.coordinator.commits import Commits
from otter.step.coordinator.events import AttemptStarted, TaskId, WorkerId
from otter.step.coordinator.judging import Judge
from otter.step.coordinator.ledger import Ledger
from otter.step.coordinator.ports import Beginning, Observer
from otter.step.coordinator.scheduler import Scheduler

LOOK_INTERVAL = 0.005
"""Seconds until a worker is asked what it has begun, if it has not answered for it by then."""

RECORD_DELAY = 0.02
"""Seconds that an attempt must have run before the journal says that it began."""

LONGEST_LOOK = 60.0
"""Seconds before now at which a worker may say that it began something."""


class Beginnings(Attached):
    """Finds out what has begun, and tells of it by events.

    Args:
        scheduler: knows what workers have.
        judge: knows whose an attempt is.
        commits: records in the journal what has begun.
        ledger: the attempts that are handed out.
        observer: is told.
        tell: takes an event.
        turn: lets a turn be taken of what was told; takes the function that tells.
    """

    def __init__(
        self,
        *,
        scheduler: Scheduler,
        judge: Judge,
        commits: Commits,
        ledger: Ledger,
        observer: Observer,
        tell: Callable[[AttemptStarted], None],
        turn: Callable[[Callable[[], None]], None],
    ) -> None:
        self._scheduler = scheduler
        self._judge = judge
        self._commits = commits
        self._ledger = ledger
        self._observer = observer
        self._tell = tell
        self._turn = turn
        self._loop = asyncio.get_running_loop()
        self._unsure: dict[WorkerId, bool] = {}
        """Workers that may have begun something unnoticed; and whether they gave a sign since they were asked."""
        self._looking: asyncio.TimerHandle | None = None
        self._fresh: dict[TaskId, AttemptStarted] = {}
        """What was told in this turn: a beginning whose end came as well is no news to anybody."""
        self._unrecorded: dict[TaskId, AttemptStarted] = {}
        """What is not in the journal; much of it will have ended before it would come there."""
        self._recording: asyncio.TimerHandle | None = None

    def stir(self, worker: WorkerId) -> None:
        """A worker got something, or gave a sign: it may have begun the next."""
        self._unsure[worker] = True

    def forget(self, worker: WorkerId) -> None:
        """A worker is gone."""
        self._unsure.pop(worker, None)

    def look_soon(self) -> None:
        """See to it that whoever was stirred will be asked."""
        if self._unsure and self._looking is None:
            self._looking = self._loop.call_later(LOOK_INTERVAL, self._turn, self._look)

    def take(self, worker: WorkerId, begun: list[Beginning]) -> None:
        """A worker that is watched, or has died, had begun these."""
        self._tell_all(worker, begun)
        self.stir(worker)

    def start(self, worker: WorkerId, task: TaskId, attempt: int, at: float) -> None:
        """An attempt began.

        Args:
            at: when, on the clock of the events.
        """
        held = self._judge.held(worker, task, attempt)
        if held is not None:
            held.began = time.time() - (time.monotonic() - at)
            self._observer.on_start(task, self._scheduler.graph.nodes[task].name, worker)
        event = self._fresh[task] = AttemptStarted(at, worker, task, attempt)
        self._tell(event)

    def end(self, worker: WorkerId, task: int, attempt: int) -> None:
        """An attempt ended: if its beginning has not been taken in, nobody has to hear of it."""
        if self._fresh:
            event = self._fresh.get(TaskId(task))
            if event is not None and event.worker == worker and event.attempt == attempt:
                del self._fresh[event.task]
        self._unsure[worker] = True

    def is_news(self, event: AttemptStarted) -> bool:
        """Whether somebody has to hear of a beginning. If so the journal will, too, unless the end is there before."""
        if self._fresh.get(event.task) is not event:
            return False
        del self._fresh[event.task]
        self._unrecorded[event.task] = event
        if self._recording is None:
            self._recording = self._loop.call_later(RECORD_DELAY, self._turn, self._record)
        return True

    def close(self) -> None:
        """Ask and record nothing any more."""
        for timer in (self._looking, self._recording):
            if timer is not None:
                timer.cancel()

    def _look(self) -> None:
        self._looking = None
        unsure, self._unsure = self._unsure, {}
        for worker, stirred in unsure.items():
            begun = self._workers.begun(worker)
            self._tell_all(worker, begun)
            node = self._scheduler.workers.get(worker)
            if node is not None and node.waiting:
                if stirred or begun:
                    self._unsure[worker] = False
                else:
                    self._workers.watch(worker)

    def _tell_all(self, worker: WorkerId, begun: list[Beginning]) -> None:
        node = self._scheduler.workers.get(worker)
        if node is None:
            return
        now, nodes = time.monotonic(), self._scheduler.graph.nodes
        news = [beginning for beginning in begun if beginning[0] in node.waiting]  # nearly all have ended already
        for beginning in news:
            task, attempt, at = beginning
            # A synchronous one has ended, and its result is on its way, when another begins.
            if beginning is news[-1] or nodes[task].new.asynchronous:
                self.start(worker, TaskId(task), attempt, max(now - LONGEST_LOOK, min(at, now)))

    def _record(self) -> None:
        self._recording = None
        begun, self._unrecorded = self._unrecorded, {}
        for task, event in begun.items():
            if self._judge.held(event.worker, task, event.attempt) is not None:
                self._commits.begin(self._scheduler.graph.nodes[task], self._ledger.dispatched[task])
