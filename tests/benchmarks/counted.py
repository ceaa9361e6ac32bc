"""Work of which instructions are counted: the scheduler and the codec by themselves, without processes or clocks.

    python -m tests.benchmarks.counted WORK COUNT [--prepare | --bytecodes]

does the work for COUNT tasks or messages. With `--prepare` it stops before the work; with `--bytecodes` it prints how
many bytecodes Python executed for the work. Machine instructions are for a tool around it to count.
"""

from __future__ import annotations

import gc
import sys
from collections import deque
from collections.abc import Callable
from types import FrameType
from typing import Any

import orjson

from otter.step.coordinator import events as e
from otter.step.coordinator.events import Event, NewTask, Outcome
from otter.step.coordinator.scheduler import Scheduler, Settings
from otter.task.policy import Policy
from otter.wire.codec import TO_COORDINATOR, TO_WORKER
from otter.wire.messages import ReportResult, ReportStart, RunTask

BATCH = 50
TICK = 1e-4
"""Seconds between two turns."""
ELAPSED = 1.5e-5
"""Seconds that a task says it took."""
_TIME = "2025-01-01T00:00:00.000000Z"


def schedule_independent(count: int) -> Callable[[], object]:
    """Tasks that need nothing, on two workers."""
    return _scheduled([NewTask(f"nothing {n:06d}", "nothing", (), Policy(), False, False) for n in range(count)])


def schedule_chain(count: int) -> Callable[[], object]:
    """Tasks of which each needs the one before, on two workers."""
    requires = [() if number == 0 else (f"nothing {number - 1:06d}",) for number in range(count)]
    return _scheduled(
        [NewTask(f"nothing {n:06d}", "nothing", requires[n], Policy(), False, False) for n in range(count)]
    )


def _scheduled(tasks: list[NewTask]) -> Callable[[], object]:
    """What drives a scheduler from the first task to the last: every dispatched task begins and succeeds.

    What came from the workers is handed over in turns, as many results at a time as the loop finds after a frame.
    """

    def drive() -> object:
        scheduler = Scheduler(Settings(pool_size=2, max_specs=len(tasks)))
        now = 0.0
        events: list[Event] = [e.Opened(now), e.TasksAdded(now, tuple(tasks))]
        dispatched: deque[e.Dispatch] = deque()
        while not scheduler.finished:
            commands = scheduler.handle_all(events)
            now += TICK
            events = [e.WorkerReady(now, command.worker) for command in commands if type(command) is e.StartWorker]
            dispatched += [command for command in commands if type(command) is e.Dispatch]
            for _ in range(min(BATCH, len(dispatched))):
                given = dispatched.popleft()
                worker, task, attempt = given.worker, given.task, given.attempt
                events.append(e.AttemptStarted(now, worker, task, attempt))
                events.append(e.AttemptEnded(now, worker, task, attempt, Outcome.SUCCESS, elapsed=ELAPSED))
            assert events or scheduler.finished, "nothing happens any more"
        return now

    return drive


def encode_tasks(count: int) -> Callable[[], object]:
    """Requests to run tasks, as the coordinator sends them."""
    messages = [RunTask(n, 1, orjson.Fragment(b'{"name":"nothing %06d"}' % n)) for n in range(count)]
    return lambda: [TO_WORKER.encode(messages[n : n + BATCH]) for n in range(0, count, BATCH)]


def decode_tasks(count: int) -> Callable[[], object]:
    """The same, as a worker takes them in."""
    bodies = encode_tasks(count)()
    assert isinstance(bodies, list)
    return lambda: [TO_WORKER.decode(body) for body in bodies]


def encode_results(count: int) -> Callable[[], object]:
    """Beginnings and results, as a worker sends them; both count as one."""
    messages: list[Any] = []
    for number in range(count):
        record = {
            "name": f"nothing {number:06d}", "result": "success", "started_run_at": _TIME, "finished_run_at": _TIME,
            "run_elapsed": 1.5e-05, "elapsed": 1.5e-05,
        }  # fmt: skip
        messages += [ReportStart(number, 1), ReportResult(number, 1, record, peak_memory=30_000_000)]
    return lambda: [TO_COORDINATOR.encode(messages[n : n + 2 * BATCH]) for n in range(0, 2 * count, 2 * BATCH)]


def decode_results(count: int) -> Callable[[], object]:
    """The same, as the coordinator takes them in."""
    bodies = encode_results(count)()
    assert isinstance(bodies, list)
    return lambda: [TO_COORDINATOR.decode(body) for body in bodies]


WORKS: dict[str, Callable[[int], Callable[[], object]]] = {
    work.__name__: work
    for work in (schedule_independent, schedule_chain, encode_tasks, decode_tasks, encode_results, decode_results)
}


def bytecodes(call: Callable[[], object]) -> int:
    """How many bytecodes Python executes during a call. What C code does is not in it."""
    executed = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal executed
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        executed += event == "opcode"
        return trace

    former = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(former)
    return executed


def main() -> None:
    """Do the work that the command line names."""
    gc.disable()  # a collection would be put down to whoever happened to allocate
    call = WORKS[sys.argv[1]](int(sys.argv[2]))
    if "--bytecodes" in sys.argv:
        print(bytecodes(call))
    elif "--prepare" not in sys.argv:
        call()


if __name__ == "__main__":
    main()
