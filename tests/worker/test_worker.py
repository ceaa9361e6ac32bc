"""`Worker` over plain queues, through the real codec."""

from __future__ import annotations

import multiprocessing
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otter.config.model import Config
from otter.step.worker import WORKER_POLLING_INTERVAL, Worker, worker_process
from otter.wire import TO_COORDINATOR, TO_WORKER, read_hello
from otter.wire import messages as m

PATIENCE = 20.0


class Conversation:
    """A worker in a thread, and the coordinator's side of its queues."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.tasks, self.results, self.over = make(), make(), threading.Event()
        self.worker = Worker(0)
        self.thread = threading.Thread(target=self.worker.run, args=(self.tasks, self.results, self.over))
        self.thread.start()
        self.hello, self.version = read_hello(self.results.get(timeout=PATIENCE))

    def welcome(self, work_path: Path) -> None:
        """Accept the worker."""
        config = Config(step="s", steps=["s"], work_path=work_path).to_json()
        self.send(m.Welcome(self.version, "run", config))

    def send(self, *messages: Any) -> None:
        """Send messages in one body."""
        self.tasks.put(TO_WORKER.encode(messages))

    def answers(self, count: int = 1) -> list[Any]:
        """The next messages, until so many results are among them."""
        found: list[Any] = []
        while sum(isinstance(message, m.ReportResult) for message in found) < count:
            found += TO_COORDINATOR.decode(self.results.get(timeout=PATIENCE))
        return found

    def end(self) -> None:
        """Set the event, and wait for the thread: at most four looks at the event."""
        self.over.set()
        self.thread.join(4 * WORKER_POLLING_INTERVAL)
        assert not self.thread.is_alive()


@pytest.mark.parametrize("make", [queue.Queue, multiprocessing.Queue], ids=["queue.Queue", "multiprocessing.Queue"])
def test_plain_queues_are_served(tmp_path: Path, make: Callable[[], Any]) -> None:
    """Any queue with get and put will do: hello, a task from beginning to end, and an end when the event is set."""
    talk = Conversation(make)
    talk.welcome(tmp_path)
    talk.send(m.RunTask(7, 1, {"name": "hello_world there", "who": "you"}))

    started, result = talk.answers()

    talk.end()
    assert m.ReportStart(7, 1) == started
    assert ("success", 7, 1) == (result.record["result"], result.task, result.attempt)
    assert any("hello you" in line for line in result.record["log"])
    assert "hello_world" in {kind["name"] for kind in talk.hello.task_types}


def test_a_revoked_task_does_not_begin(tmp_path: Path) -> None:
    """What is taken back in the same breath is forgotten and confirmed; the rest runs."""
    talk = Conversation(queue.Queue)
    talk.welcome(tmp_path)
    first, second = ({"name": f"hello_world {name}", "who": name} for name in "ab")
    talk.send(m.RunTask(0, 1, first), m.RunTask(1, 1, second), m.RevokeTasks([0]))

    messages = talk.answers()

    talk.end()
    assert [m.ConfirmRevoke([0]), m.ReportStart(1, 1)] == messages[:2]


def test_a_spec_that_does_not_fit_is_a_failure_of_its_task(tmp_path: Path) -> None:
    """Unknown types and misfits come back as failures, with the reason; the worker lives on."""
    talk = Conversation(queue.Queue)
    talk.welcome(tmp_path)
    talk.send(m.RunTask(0, 1, {"name": "helo_world x"}), m.RunTask(1, 1, {"name": "hello_world y", "who": 5}))

    results = [message for message in talk.answers(2) if isinstance(message, m.ReportResult)]

    talk.end()
    reasons = [result.record["failure_reason"] for result in results]
    assert "did you mean 'hello_world'?" in reasons[0]
    assert "who: expected text, got the integer 5" in reasons[1]


def test_the_process_entry_point_serves_and_ends() -> None:
    """`worker_process` in a process of multiprocessing says hello, and ends when its event is set."""
    context = multiprocessing.get_context("spawn")
    tasks, results, over = context.Queue(), context.Queue(), context.Event()
    process = context.Process(target=worker_process, args=(3, tasks, results, over))
    process.start()

    hello, _ = read_hello(results.get(timeout=PATIENCE))
    over.set()
    process.join(PATIENCE)

    assert (3, process.pid) == (hello.worker, hello.pid)
    assert process.exitcode == 0
