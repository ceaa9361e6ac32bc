"""Simulated worker processes.

They hold their tasks in the real worker's `Backlog`, take batons, confirm revocations, hear requests to stop, crash,
stall and die; what they send arrives in order, and after their death their loss comes last, as the pool has it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from otter.step.coordinator import events as e
from otter.step.coordinator.events import Event, NewTask, Outcome, TaskId, WorkerId
from otter.step.worker.backlog import Backlog
from otter.wire.messages import RunTask
from tests.coordinator.scheduler.account import Account
from tests.coordinator.scheduler.scenario import DURATIONS, Scenario
from tests.coordinator.scheduler.timeline import Timeline

Deliver = Callable[[Callable[..., Event], tuple[Any, ...]], None]


class Process:
    """A worker process.

    Attributes:
        batons: permissions to begin that lie in its pipe.
        arrival: when the last thing that it sent arrives; what it sends later arrives later.
        busy: a synchronous task keeps its only thread, so that it reads nothing.
        inbox: messages that it has not read.
        running: attempts that have begun: their numbers, whether they obey a request to stop, and since when they run.
        stalled: until when it does nothing at all.
        undying: it does not end when it is told to.
    """

    __slots__ = (
        "alive", "arrival", "backlog", "batons", "busy", "greeted", "id", "inbox", "running", "stalled", "stopping",
        "undying",
    )  # fmt: skip

    def __init__(self, number: WorkerId, concurrency: int, undying: bool) -> None:
        self.id = number
        self.alive = True
        self.arrival = 0.0
        self.backlog = Backlog(concurrency)
        self.batons = 0
        self.busy = False
        self.greeted = False
        self.inbox: deque[tuple[str, Any]] = deque()
        self.running: dict[TaskId, tuple[int, bool, float]] = {}
        self.stalled = 0.0
        self.stopping = False
        self.undying = undying


class Workers:
    """The worker processes of a run.

    Args:
        deliver: called when something that one of them said arrives.
        quantum: things arrive at multiples of so many seconds, so that some arrive together.
    """

    def __init__(
        self, scenario: Scenario, timeline: Timeline, account: Account, deliver: Deliver, quantum: float
    ) -> None:
        self.scenario = scenario
        self.timeline = timeline
        self.account = account
        self._deliver = deliver
        self._quantum = quantum
        self._rng = scenario.rng
        self._processes: dict[WorkerId, Process] = {}

    # --- what the coordinator does ------------------------------------------------------------------------------------

    def start(self, number: WorkerId) -> None:
        """A process is made; whether it ever says hello is another matter."""
        scenario, rng, after = self.scenario, self._rng, self.timeline.after
        process = Process(number, scenario.settings.concurrency, scenario.has("undying", 0.5))
        self._processes[number] = process
        if scenario.has("mute starts", 0.15):
            return
        if scenario.has("failed starts", 0.3):
            after(rng.random() * 0.05, self._die, process, "exit 1")
            return
        after(0.03 + rng.random() * 0.03, self._greet, process)
        if scenario.has("deaths", 0.6):
            after(rng.choice((0.03, 0.1, 1.0)) * rng.random(), self._die, process, "SIGKILL")
        if scenario.has("stalls", 0.4):
            after(rng.random(), self._stall, process, rng.choice((0.05, 2.0, 15.0)))

    def run(self, worker: WorkerId, request: RunTask) -> None:
        """An attempt is handed over, with its baton."""
        process = self._processes.get(worker)
        if process is not None:
            process.batons += 1
            self._post(process, "run", request)

    def revoke(self, worker: WorkerId, tasks: Sequence[TaskId]) -> Sequence[TaskId]:
        """Take back as many of the last tasks as there are batons."""
        process = self._processes.get(worker)
        taken = min(process.batons, len(tasks)) if process is not None else 0
        if process is not None:
            process.batons -= taken
        return tasks[len(tasks) - taken :]

    def tell(self, worker: WorkerId, kind: str, content: Any = None) -> None:
        """Send a message: `revoke` with tasks to forget, or `stop`."""
        process = self._processes.get(worker)
        if process is not None:
            self._post(process, kind, content)

    def abort(self, worker: WorkerId, tasks: Sequence[TaskId]) -> None:
        """Ask attempts to stop, on the way that a busy worker hears."""
        process = self._processes.get(worker)
        if process is not None:
            self.timeline.after(self._latency(), self._hear_abort, process, tasks)

    def kill(self, worker: WorkerId, reason: str) -> None:
        """End a process."""
        process = self._processes.get(worker)
        if process is not None:
            self._die(process, reason)

    # --- what processes do --------------------------------------------------------------------------------------------

    def _latency(self) -> float:
        return self._rng.random() * 0.002

    def _post(self, process: Process, kind: str, content: Any) -> None:
        self.timeline.after(self._latency(), self._receive, process, kind, content)

    def _send(self, process: Process, make: Callable[..., Event], *args: Any) -> None:
        """Something that a process says arrives, after everything that it said before."""
        process.arrival = max(process.arrival, self.timeline.now + self._latency())
        if self._quantum:
            process.arrival = (process.arrival // self._quantum + 1) * self._quantum
        self.timeline.after(process.arrival - self.timeline.now, self._deliver, make, args)

    def _greet(self, process: Process) -> None:
        if process.alive:
            process.greeted = True
            self._send(process, e.WorkerReady, process.id)
            self._pump(process)

    def _die(self, process: Process, reason: str) -> None:
        if process.alive:
            process.alive = False
            process.running.clear()
            self._send(process, self._lost, process, reason)

    def _lost(self, at: float, process: Process, reason: str) -> Event:
        del self._processes[process.id]
        return e.WorkerLost(at, process.id, reason)

    def _stall(self, process: Process, seconds: float) -> None:
        process.stalled = self.timeline.now + seconds
        self.timeline.after(seconds, self._pump, process)

    def _receive(self, process: Process, kind: str, content: Any) -> None:
        process.inbox.append((kind, content))
        self._pump(process)

    def _pump(self, process: Process) -> None:
        """A process reads what has come, if it can, and begins what it may."""
        if not process.alive or not process.greeted or self.timeline.now < process.stalled:
            return
        while process.inbox and not process.busy:
            self._read(process, *process.inbox.popleft())
        while not process.busy and process.batons and (head := process.backlog.ready()) is not None:
            process.batons -= 1
            process.backlog.begin()
            self._begin(process, head.request)
        if process.stopping and not process.running and not process.backlog.waiting and not process.undying:
            self._die(process, "exit 0")

    def _read(self, process: Process, kind: str, content: Any) -> None:
        match kind:
            case "run":
                process.backlog.add(content, self.account.tasks[content.task].new.asynchronous)
            case "revoke":
                process.backlog.revoke(content)
                self._send(process, e.RevokeConfirmed, process.id)
            case _:
                process.stopping = True

    def _begin(self, process: Process, request: RunTask) -> None:
        task, attempt = TaskId(request.task), request.attempt
        scenario, rng = self.scenario, self._rng
        new = self.account.tasks[task].new
        duration = DURATIONS[new.kind] * (0.5 + rng.random())
        if rng.random() < 0.1:
            duration = rng.choice((0.0, 0.05, 1.0))
        process.busy = not new.asynchronous
        process.running[task] = (attempt, rng.random() < 0.7, self.timeline.now)
        self._send(process, e.AttemptStarted, process.id, task, attempt)
        if scenario.has("hangs", 0.15) and (new.policy.timeout is not None or "stop" in scenario.faults):
            return
        if scenario.has("crashes", 0.15):
            self.timeline.after(duration, self._crash, process, task, attempt)
        else:
            self.timeline.after(duration, self._end, process, task, attempt, None)

    def _crash(self, process: Process, task: TaskId, attempt: int) -> None:
        if process.running.get(task, (0,))[0] == attempt:
            self._die(process, "SIGSEGV")

    def _hear_abort(self, process: Process, tasks: Sequence[TaskId]) -> None:
        for task in tasks:
            attempt, obeys, _ = process.running.get(task, (0, False, 0.0))
            if obeys:
                self.timeline.after(self._rng.random() * 0.3, self._end, process, task, attempt, Outcome.ABORTED)

    def _end(self, process: Process, task: TaskId, attempt: int, outcome: Outcome | None) -> None:
        """An attempt ends: as it was asked to, or by itself, as chance has it."""
        if process.running.get(task, (0,))[0] != attempt:
            return
        if self.timeline.now < process.stalled:
            self.timeline.after(process.stalled - self.timeline.now, self._end, process, task, attempt, outcome)
            return
        _, _, began = process.running.pop(task)
        process.backlog.end(task)
        process.busy = False
        added: tuple[NewTask, ...] = ()
        if outcome is None:
            outcome = Outcome.FAILURE if self.scenario.has("failures", 0.4) else Outcome.SUCCESS
            if outcome is Outcome.SUCCESS:
                added = self.scenario.children(self.account.tasks[task].new, self.account.by_name)
        tainted = "unclean" if self.scenario.has("tainted", 0.15) else None
        elapsed = self.timeline.now - began
        self._send(process, e.AttemptEnded, process.id, task, attempt, outcome, "no", added, elapsed, tainted)
        self._pump(process)
