"""The oracle's own account of a run: who has what, what has begun, how it ended. Plain, and made from events alone."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence

from otter.step.coordinator import events as e
from otter.step.coordinator.crew import LEAST, MOST
from otter.step.coordinator.events import Event, NewTask, Outcome, TaskId, WorkerId
from otter.step.coordinator.scheduler import SLEPT, Settings

EPS = 1e-6


def fold(name: str) -> str:
    """What makes two names the same."""
    return unicodedata.normalize("NFC", name).casefold()


class KnownTask:
    """What is known of a task.

    Attributes:
        outcome: what was committed.
        done: it was committed as a success, and so was everything that it generated.
        worker: who has its live attempt.
        since: when the live attempt began, on the clock of time awake; none when it has not.
        asked: when the live attempt was asked to stop because its time is over.
        overdue: its time was over when its last attempt ended.
        begun: attempts that began.
        due: when its next attempt may begin.
        asked_about, decided: whether its recorded outcome stands was asked, and answered.
        generated: what its last attempt, or the decision, would add.
        fact: what happened last that has to be answered by a Commit or a Retry: its kind, and an outcome, a number of
            suspects, or a yes.
    """

    __slots__ = (
        "alone", "asked", "asked_about", "attempt", "begun", "children", "crashes", "decided", "done", "due", "fact",
        "failures", "generated", "id", "new", "outcome", "overdue", "parent", "since", "worker",
    )  # fmt: skip

    def __init__(self, number: TaskId, new: NewTask, parent: KnownTask | None) -> None:
        self.id = number
        self.new = new
        self.parent = parent
        self.children: list[KnownTask] = []
        self.outcome: Outcome | None = None
        self.done = False
        self.worker: WorkerId | None = None
        self.attempt = 0
        self.alone = False
        self.since: float | None = None
        self.asked: float | None = None
        self.overdue = False
        self.begun = 0
        self.failures = 0
        self.crashes = 0
        self.due = -1.0
        self.asked_about = False
        self.decided = False
        self.generated: tuple[NewTask, ...] = ()
        self.fact: tuple[str, Outcome | int | bool] = ("nothing", False)

    @property
    def ended(self) -> bool:
        """Whether nothing of it is left to do."""
        if self.outcome is None:
            return False
        return self.outcome is not Outcome.SUCCESS or all(child.ended for child in self.children)

    @property
    def ran(self) -> bool:
        """Whether it, or something that it generated, ran in this run."""
        return self.begun > 0 or any(child.ran for child in self.children)


class KnownWorker:
    """What is known of a worker: what it has, in the order in which it was given."""

    __slots__ = ("began", "greeted", "held", "killed", "left", "revoking")

    def __init__(self) -> None:
        self.greeted = False
        self.began = False
        self.left = False
        self.killed: str | None = None
        self.revoking = False
        self.held: dict[TaskId, KnownTask] = {}

    @property
    def comes(self) -> bool:
        """Whether it is starting."""
        return not self.greeted and self.killed is None

    @property
    def serves(self) -> bool:
        """Whether it may be given tasks."""
        return self.greeted and not self.left and self.killed is None and not self.revoking


class Account:
    """What has happened in a run.

    Args:
        settings: those of the scheduler.

    Attributes:
        at: time of the last event, on the coordinator's clock.
        awake: seconds that the coordinator was awake.
        stale: messages about attempts that their senders do not have.
        touched, lost: tasks and workers that something happened to in this turn: the scheduler may have given a command
            for them before it came to that.
        took: seconds that a task of each type took, by a moving average in which the last one counts a fifth.
        stopped_by: what the run stops for; none when it goes on.
        stops_now: it was in this turn.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tasks: list[KnownTask] = []
        self.by_name: dict[str, KnownTask] = {}
        self.names: set[str] = set()
        self.workers: dict[WorkerId, KnownWorker] = {}
        self.pools: Counter[str] = Counter()
        self.pool_size = settings.pool_size
        self.at: float | None = None
        self.awake = 0.0
        self.stale = 0
        self.touched: set[TaskId] = set()
        self.lost: set[WorkerId] = set()
        self.stopped_by: str | None = None
        self.stops_now = False
        self.failed_starts = 0
        self.start_after = 0.0
        self.took: dict[str, float] = {}

    def take(self, events: Sequence[Event]) -> None:
        """Events that the scheduler is about to be given together."""
        self.touched.clear()
        self.lost.clear()
        self.stops_now = False
        for event in events:
            if self.at is None:
                self.at = event.at
            elif event.at > self.at:
                if event.at - self.at <= SLEPT:
                    self.awake += event.at - self.at
                self.at = event.at
            self._take_one(event)

    def _take_one(self, event: Event) -> None:
        match event:
            case e.Tick():
                pass
            case e.AttemptStarted():
                self._on_started(event)
            case e.AttemptEnded():
                self._on_ended(event)
            case e.WorkerReady():
                worker = self.workers.get(event.worker)
                if worker is not None and worker.killed is None:
                    worker.greeted = True
            case e.WorkerLost():
                self._on_lost(event)
            case e.TasksRevoked():
                self._on_revoked(event)
            case e.RevokeConfirmed():
                if event.worker in self.workers:
                    self.workers[event.worker].revoking = False
            case e.TaskRefused():
                if (task := self._live(event)) is not None:
                    self._release(task)
                    task.fact = ("refused", True)
            case e.ReuseDecided():
                self._on_decided(event)
            case e.StopRequested():
                self.stop(event.reason)
            case e.EngineFailed():
                self.stop("the engine")
                self.stopped_by = "the engine"
            case e.TasksAdded():
                self.add(event.tasks, None)
            case e.WorkerUnstartable():
                self._on_unstartable(event)

    def is_live(self, worker: WorkerId, number: TaskId, attempt: int) -> bool:
        """Whether a worker has this attempt of a task."""
        task = self.tasks[number] if 0 <= number < len(self.tasks) else None
        return task is not None and task.worker == worker and task.attempt == attempt

    def add(self, tasks: Sequence[NewTask], parent: KnownTask | None) -> None:
        """Tasks came into the run."""
        for new in tasks:
            task = KnownTask(TaskId(len(self.tasks)), new, parent)
            self.tasks.append(task)
            self.by_name[new.name] = task
            self.names.add(fold(new.name))
            if parent is not None:
                parent.children.append(task)

    def stop(self, why: str) -> None:
        """Something happened that the run has to stop for."""
        if self.stopped_by is None:
            self.stopped_by = why
            self.stops_now = True

    def is_met(self, task: KnownTask) -> bool:
        """Whether everything that a task requires is done."""
        for name in task.new.requires:
            required = self.by_name.get(name)
            if required is None or not required.done:
                return False
        return True

    def settle(self, task: KnownTask) -> None:
        """A task has succeeded: note what is done by that."""
        node: KnownTask | None = task
        while node is not None and node.outcome is Outcome.SUCCESS and all(child.done for child in node.children):
            node.done = True
            node = node.parent

    def depends(self, task: KnownTask, cause: KnownTask) -> bool:
        """Whether a task requires another one, through others or through what they generated."""
        seen: set[TaskId] = set()
        stack = [task]
        while stack:
            node = stack.pop()
            if node is cause:
                return True
            if node.id not in seen:
                seen.add(node.id)
                stack += [self.by_name[name] for name in node.new.requires if name in self.by_name]
                stack += node.children if node is not task else ()
        return False

    def refusal(self, tasks: Sequence[NewTask], parent: KnownTask) -> str | None:
        """A word that must stand in the reason why tasks cannot be added; none when they can."""
        if not tasks:
            return None
        if len(self.tasks) + len(tasks) > self.settings.max_specs:
            return "max_specs"
        names = {fold(task.name) for task in tasks}
        if len(names) < len(tasks) or names & self.names:
            return "already"
        fresh = {task.name: task for task in tasks}

        def waits_for(name: str) -> Sequence[str]:
            if name in fresh:
                return fresh[name].requires
            task = self.by_name.get(name)
            if task is None or task.ended:
                return ()
            children = [child.new.name for child in task.children]
            if task is parent:
                return [*children, *fresh]
            return children if task.outcome is Outcome.SUCCESS else task.new.requires

        for start in fresh:
            seen: set[str] = set()
            stack = list(waits_for(start))
            while stack:
                name = stack.pop()
                if name == start:
                    return "cycle"
                if name not in seen:
                    seen.add(name)
                    stack += waits_for(name)
        return None

    def _live(self, event: e.AttemptStarted | e.AttemptEnded | e.TaskRefused) -> KnownTask | None:
        if self.is_live(event.worker, event.task, event.attempt):
            self.touched.add(event.task)
            return self.tasks[event.task]
        self.stale += 1
        return None

    def _on_started(self, event: e.AttemptStarted) -> None:
        task = self._live(event)
        if task is not None and task.since is None:
            task.since = self.awake
            task.begun += 1
            self._prove(self.workers[event.worker])

    def _on_ended(self, event: e.AttemptEnded) -> None:
        task = self._live(event)
        if task is not None:
            task.begun += task.since is None
            task.fact = ("ended", event.outcome)
            task.generated = event.added
            self._prove(self.workers[event.worker])
            self._release(task)
            elapsed = min(event.elapsed, MOST) if event.elapsed > LEAST else LEAST
            before = self.took.setdefault(task.new.kind, elapsed)
            self.took[task.new.kind] = before + 0.2 * (elapsed - before)

    def _on_lost(self, event: e.WorkerLost) -> None:
        worker = self.workers.pop(event.worker, None)
        if worker is None:
            return
        self.lost.add(event.worker)
        running = [task for task in worker.held.values() if task.since is not None]
        if not worker.began and (worker.held or not worker.greeted):
            self._on_failed_start()
        for task in list(worker.held.values()):
            self.touched.add(task.id)
            self._release(task)
        for task in running:
            innocent = worker.killed == "timed out" and not task.overdue
            task.fact = ("lost", 0 if innocent else len(running))

    def _on_unstartable(self, event: e.WorkerUnstartable) -> None:
        if self.workers.pop(event.worker, None) is not None:
            self.lost.add(event.worker)
            if self.workers:
                self.pool_size = len(self.workers)
            else:
                self._on_failed_start()

    def _on_failed_start(self) -> None:
        self.failed_starts += 1
        self.start_after = (self.at or 0.0) + 0.1 * 2 ** (self.failed_starts - 1)
        if self.failed_starts < self.settings.start_limit:
            return
        if any(worker.greeted for worker in self.workers.values()):
            self.pool_size = len(self.workers)
            self.failed_starts = 0
        else:
            self.stop("workers that cannot be started")

    def _prove(self, worker: KnownWorker) -> None:
        if not worker.began:
            worker.began = True
            self.failed_starts = 0

    def _on_revoked(self, event: e.TasksRevoked) -> None:
        worker = self.workers.get(event.worker)
        if worker is None:
            return
        worker.revoking = bool(event.tasks)
        for number in event.tasks:
            task = self.tasks[number]
            if task.worker == event.worker and task.since is None:
                self._release(task)

    def _on_decided(self, event: e.ReuseDecided) -> None:
        task = self.tasks[event.task]
        if task.asked_about and not task.decided:
            task.decided = True
            task.fact = ("decided", event.reuse)
            task.generated = event.added
        else:
            self.stale += 1

    def _release(self, task: KnownTask) -> None:
        timeout = task.new.policy.timeout
        task.overdue = task.since is not None and timeout is not None and self.awake >= task.since + timeout - EPS
        assert task.worker is not None
        worker = self.workers.get(task.worker)
        if worker is not None:
            del worker.held[task.id]
        task.worker = task.since = task.asked = None
        self.pools.subtract(task.new.policy.uses)
