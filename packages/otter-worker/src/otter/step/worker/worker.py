"""`Worker`: serves a task queue until it is told to end.

The main thread does everything: it reads messages, runs synchronous tasks directly, and runs the event loop while there
are asynchronous ones. Synchronous tasks run outside the loop, because their code may call `asyncio.run` itself. Only
requests to stop take another way, since a task that fills the main thread must hear them: see `Inbox` and `listen`.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import threading
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from otter.config.model import Config
from otter.step.worker import failpoints
from otter.step.worker.backlog import Backlog, Waiting
from otter.step.worker.capture import OutputFile, TaskLog, capture, logging_to
from otter.step.worker.channel import Batons, Beginnings, ChannelClosedError, Inbox
from otter.step.worker.executor import Attempt, Executor
from otter.step.worker.hygiene import Fingerprint
from otter.step.worker.outbox import Outbox
from otter.task.task_registry import TaskRegistry
from otter.util.errors import OtterError, TaskAbortedError, failure_text
from otter.util.installed import installed_versions
from otter.util.values import Shown
from otter.wire import messages as m
from otter.wire.codec import TO_WORKER
from otter.wire.errors import PeerError
from otter.wire.version import NEWEST, OLDEST, agree

if TYPE_CHECKING:
    import asyncio  # at run time where it is needed: it takes a quarter of a worker's start, and many need it never

WORKER_POLLING_INTERVAL = 0.5
"""Seconds: the longest wait before the worker looks at `shutdown_event`. No message ever waits for it."""

_PEAK_AGE = 0.02
"""Seconds for which a measurement of the peak memory is good."""

_LOAD_AGE = 0.05
"""Seconds over which the use of the processor is measured."""

_POLL_AGE = 0.01
"""Seconds for which a worker with enough to do does not look for messages; urgent ones come another way."""

_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@attrs.define(eq=False, repr=False)
class _Running(Shown):
    """An attempt that has begun.

    Attributes:
        attempt: none until its task is built.
        future: what runs it on the loop; none for a synchronous one.
    """

    request: m.RunTask
    log: TaskLog
    abort: threading.Event
    attempt: Attempt | None = None
    future: asyncio.Task[None] | None = None


class Worker:
    """Executes tasks, one synchronous one at a time, or several asynchronous ones on its event loop.

    Args:
        worker_id: the number of the worker.
        task_packages: packages of task modules beside those that entry points name.
        batons: permissions to begin, where the coordinator gives any.
        beginnings: takes what begins; without it, messages tell.
        owns_process: the process exists for this worker alone, so that it may look after its state.
    """

    def __init__(
        self,
        worker_id: int,
        *,
        task_packages: tuple[str, ...] = (),
        batons: Batons | None = None,
        beginnings: Beginnings | None = None,
        owns_process: bool = False,
    ) -> None:
        self.worker_id = worker_id
        self.registry = TaskRegistry(None)
        self._packages = task_packages
        self._batons = batons
        self._beginnings = beginnings
        self._owns_process = owns_process
        # Who has the process to himself is ended by a message, or by the end of the channel: nothing sets his event.
        self._interval = 60.0 if owns_process else WORKER_POLLING_INTERVAL
        self._output = OutputFile() if owns_process else None
        self._fingerprint: Fingerprint | None = None
        self._backlog = Backlog(concurrency=16)
        self._running: dict[int, _Running] = {}
        self._executor: Executor | None = None
        self._welcome: m.Welcome | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed: asyncio.Event | None = None
        self._stopping = False
        self._defect: BaseException | None = None
        self._tainted: str | None = None
        self._log_dir: Path | None = None
        self._idle_abort = threading.Event()
        self._peak = 0
        self._peak_at = -1.0
        self._polled_at = -1.0
        self._load_at = 0.0
        self._load_used = 0.0

    def run(self, task_queue: Any, result_queue: Any, shutdown_event: Any) -> None:
        """Serve until `shutdown_event` is set, a `Stop` came and all is done, or the coordinator is gone.

        Args:
            task_queue: bodies of messages to the worker; any queue with `get(timeout=)`.
            result_queue: takes bodies of messages to the coordinator; any queue with `put()`.
            shutdown_event: anything with `is_set()`.

        Raises:
            PeerError: the coordinator broke the protocol.
        """
        self._outbox = Outbox(result_queue)
        self._shutdown = shutdown_event
        problem = self._register()
        self._outbox.add(self._hello(problem))
        self._outbox.flush()
        self._inbox = Inbox(task_queue, self._on_urgent, self._interval)
        try:
            self._serve_all()
        except ChannelClosedError:
            pass
        finally:
            self._inbox.close()
            self._close_loop()

    def abort(self, message: m.AbortTasks) -> None:
        """Ask attempts to stop; may be called from any thread."""
        for number, running in list(self._running.items()):
            if message.tasks is None or number in message.tasks:
                running.abort.set()
                loop, future = self._loop, running.future
                if loop is not None and future is not None:
                    with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                        loop.call_soon_threadsafe(_cancel_later, loop, message.grace / 2, future)

    def _register(self) -> str | None:
        try:
            self.registry.register_entry_points()
            for package in self._packages:
                self.registry.register(package)
        except OtterError as error:
            return str(error) or failure_text(error)
        return None

    def _hello(self, problem: str | None) -> m.SayHello:
        return m.SayHello(
            oldest=OLDEST, newest=NEWEST, worker=self.worker_id, pid=os.getpid(),
            python=".".join(map(str, sys.version_info[:3])),
            distributions=installed_versions(("otter-model", "otter-worker")),
            task_types=[kind.to_json() for kind in self.registry.describe()], problem=problem,
        )  # fmt: skip

    def _serve_all(self) -> None:
        while self._welcome is None:
            if self._over():
                return
            self._inbox.wait()
            self._take_messages()
        with capture(self._welcome.config.get("log_level", "INFO")):
            if self._owns_process:
                self._fingerprint = Fingerprint()
            while not self._over():
                self._serve_once()
            self._outbox.flush()

    def _serve_once(self) -> None:
        backlog = self._backlog
        if not backlog.waiting and not self._running:
            self._outbox.flush()
            self._inbox.wait(eagerly=time.monotonic() - self._polled_at < _POLL_AGE)
        if not backlog.waiting or self._running or time.monotonic() - self._polled_at > _POLL_AGE:
            self._take_messages()
        head = backlog.ready()
        if head is None or head.asynchronous:
            if head is not None or self._running:
                self._in_loop(self._serve_async())
        elif self._may_begin():
            self._run_sync(backlog.begin())

    async def _serve_async(self) -> None:
        """Begin asynchronous attempts and wait for them, until there are none or a synchronous one is next."""
        import asyncio

        loop = asyncio.get_running_loop()
        changed = self._changed = asyncio.Event()
        loop.add_reader(self._inbox.fileno(), changed.set)
        try:
            while not self._over():
                if self._defect is not None:
                    raise self._defect
                self._take_messages()
                while (head := self._backlog.ready()) is not None and head.asynchronous and self._may_begin():
                    self._begin_async(self._backlog.begin(), changed)
                self._outbox.flush()  # none of those that begin has run yet: it will when this coroutine waits
                if not self._running:
                    return
                timer = loop.call_later(self._interval, changed.set)
                await changed.wait()
                timer.cancel()
                changed.clear()
        finally:
            loop.remove_reader(self._inbox.fileno())

    def _over(self) -> bool:
        if self._shutdown.is_set():
            return True
        return self._stopping and not self._running and not self._backlog.waiting

    def _may_begin(self) -> bool:
        """Whether the next attempt may begin; if not, its revocation is on the way, or will be as we are not fit."""
        if self._tainted is None and (self._batons is None or self._batons.take()):
            return True
        self._polled_at = -1.0
        if not self._running:  # otherwise the loop wakes up when it comes
            self._outbox.flush()
            self._inbox.wait()
        return False

    def _take_messages(self) -> None:
        self._polled_at = time.monotonic()
        failpoints.hit("worker.before_recv")
        for body in self._inbox.take():
            for message in TO_WORKER.decode(body):
                self._handle(message)
        if self._backlog.waiting:
            failpoints.hit("worker.after_recv")

    def _handle(self, message: Any) -> None:
        match message:
            case m.RunTask():
                executor = self._require_welcome()
                self._backlog.add(message, executor.is_asynchronous(message))
            case m.StoreValues():
                self._require_welcome().store(message.values)
            case m.RevokeTasks():
                self._backlog.revoke(message.tasks)
                self._outbox.add(m.ConfirmRevoke(message.tasks))
            case m.CheckSpecs():
                problems = self._require_welcome().check(message.specs)
                self._outbox.add(m.ReportCheck(message.request, problems))
            case m.Stop():
                self._stopping = True
            case m.Welcome() | m.Refuse() if self._welcome is not None:
                raise PeerError(f"a {type(message).__name__} came after Welcome")
            case m.Welcome():
                self._on_welcome(message)
            case m.Refuse():
                sys.stderr.write(f"otter worker: refused by the coordinator: {message.reason}\n")
                self._stopping = True
            case m.AbortTasks():
                self.abort(message)

    def _on_welcome(self, message: m.Welcome) -> None:
        agree(message.protocol, message.protocol)
        try:
            config = Config.from_json(message.config)
        except OtterError as error:
            raise PeerError(f"the coordinator's Welcome cannot be used: {failure_text(error)}") from error
        self.registry.config = config
        self._welcome = message
        self._load_at, self._load_used = time.monotonic(), _processor_time()
        self._log_dir = Path(message.log_dir) if message.log_dir else None
        self._backlog.concurrency = message.concurrency
        self._outbox.spill_dir = Path(message.spill_dir) if message.spill_dir else None
        self._executor = Executor(self.registry, config, self._outbox.add)
        self._executor.store(message.values)

    def _require_welcome(self) -> Executor:
        if self._executor is None:
            raise PeerError("the coordinator sent work before Welcome")
        return self._executor

    def _on_urgent(self, body: bytes) -> None:
        """Called by the reading thread: an abort acts at once, and once more in its turn, which does no harm."""
        with contextlib.suppress(PeerError):
            for message in TO_WORKER.decode(body):
                if isinstance(message, m.AbortTasks):
                    self.abort(message)

    def _open(self, item: Waiting) -> _Running:
        welcome = self._welcome
        assert welcome is not None
        request = item.request
        name = str(request.spec.get("name", request.task)) if isinstance(request.spec, dict) else str(request.task)
        log = TaskLog(self._log_dir, name, request.attempt, welcome.log_limit)
        if self._beginnings is None:
            self._outbox.add(m.ReportStart(request.task, request.attempt))
        self._outbox.flush()  # everything before this attempt, and its beginning, is known before it can do harm
        if self._beginnings is not None:
            self._beginnings.put(request.task, request.attempt)
        if self._idle_abort.is_set():
            self._idle_abort = threading.Event()  # one that was never set serves the next task as well
        running = _Running(request, log, threading.Event() if item.shares else self._idle_abort)
        self._running[request.task] = running
        return running

    def _run_sync(self, item: Waiting) -> None:
        running = self._open(item)
        if self._output is not None:
            self._output.begin()
        failpoints.hit("task.before")
        with logging_to(running.log, sole=True):
            attempt = running.attempt = self._require_welcome().prepare(item.request, running.abort)
            for method, asynchronous in attempt.phases:
                failpoints.hit("task.during")
                try:
                    if asynchronous:
                        self._in_loop(method(attempt.task))
                    else:
                        _drive(method(attempt.task))
                except BaseException as error:  # noqa: BLE001 - report re-raises only what looks like a cancellation
                    attempt.fail(error)
                if not attempt.succeeded:
                    break
        self._outbox.end_forked_child()
        failpoints.hit("task.after")
        if self._output is not None:
            self._output.adopt(running.log)
        self._finish(running, attempt)

    def _begin_async(self, item: Waiting, changed: asyncio.Event) -> None:
        import asyncio

        running = self._open(item)
        running.future = asyncio.get_running_loop().create_task(self._run_async(running))
        running.future.add_done_callback(lambda future: self._on_future_done(running, future, changed))

    def _on_future_done(self, running: _Running, future: asyncio.Task[None], changed: asyncio.Event) -> None:
        """Wake the main loop; and answer for an attempt that was cancelled before its first step."""
        if running.request.task in self._running and running.attempt is None:
            attempt = running.attempt = self._require_welcome().prepare(running.request, running.abort)
            attempt.fail(TaskAbortedError("stopped before it began"))
            self._finish(running, attempt)
        elif not future.cancelled() and future.exception() is not None:
            self._defect = future.exception()
        changed.set()

    async def _run_async(self, running: _Running) -> None:
        failpoints.hit("task.before")
        with logging_to(running.log):
            attempt = running.attempt = self._require_welcome().prepare(running.request, running.abort)
            for method, _ in attempt.phases:
                failpoints.hit("task.during")
                try:
                    await method(attempt.task)
                except BaseException as error:  # noqa: BLE001 - as in _run_sync; a cancelled task is done here
                    attempt.fail(error)
                if not attempt.succeeded:
                    break
        self._outbox.end_forked_child()
        failpoints.hit("task.after")
        self._finish(running, attempt)

    def _finish(self, running: _Running, attempt: Attempt) -> None:
        result = self._require_welcome().answer(attempt, running.abort.is_set(), self._peak_memory())
        log, record = running.log, result.record
        if result.failure is not None:
            log.write(result.traceback or f"{record.get('failure_reason')}\n")
        if log.used:
            log.close()
            record["log"] = log.tail()
            if log.path is not None:
                record["log_file"] = log.path
        task = running.request.task
        self._backlog.end(task)
        del self._running[task]
        if result.failure == "MemoryError":
            self._tainted = self._tainted or "out of memory"  # what is left may not do for the next task
        tainted = self._clean_up()
        load = self._load() if running.future is not None else None
        if tainted is not None or load is not None:
            result = attrs.evolve(result, tainted=tainted, load=load)
        self._outbox.add(result)

    def _peak_memory(self) -> int:
        """Largest resident size so far, in bytes; as old as `_PEAK_AGE`, since asking costs more than a small task."""
        now = time.monotonic()
        if now - self._peak_at > _PEAK_AGE:
            self._peak_at = now
            self._peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
        return self._peak

    def _load(self) -> float | None:
        """Share of a processor that this process lately used or waited for; none if it was measured just before."""
        now = time.monotonic()
        past = now - self._load_at
        if past < _LOAD_AGE:
            return None
        used, self._load_used, self._load_at = self._load_used, _processor_time(), now
        return round((self._load_used - used) / past, 3)

    def _clean_up(self) -> str | None:
        """Put the process back as tasks expect it, when no task is left in it."""
        if self._fingerprint is not None and not self._running:
            self._tainted = self._tainted or self._fingerprint.restore()
        return self._tainted

    def _in_loop(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        if self._loop is None:
            import asyncio

            self._loop = asyncio.new_event_loop()
        main = self._loop.create_task(coroutine)
        while True:
            try:
                return self._loop.run_until_complete(main)
            except (SystemExit, KeyboardInterrupt):
                # asyncio lets these out of the loop at once, whichever task raised them; who waits for it has it, too.
                if main.done():
                    raise

    def _close_loop(self) -> None:
        """Close the loop as `asyncio.run` does: cancel what is left, then let its generators and threads end."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        import asyncio

        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def worker_process(worker_id: int, task_queue: Any, result_queue: Any, shutdown_event: Any) -> None:
    """Entry point of a process that serves queues: makes a `Worker` and runs it.

    Args:
        worker_id: the number of the worker.
        task_queue: bodies of messages to the worker; any queue with `get(timeout=)`.
        result_queue: takes bodies of messages to the coordinator; any queue with `put()`.
        shutdown_event: ends the worker when it is set.
    """
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the coordinator decides
    Worker(worker_id).run(task_queue, result_queue, shutdown_event)


def _drive(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine that wraps a plain method: it never suspends."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise TypeError("a plain run or validate returned an awaitable that waits: make the method a coroutine (async def)")


def _processor_time() -> float:
    """Seconds for which this process ran, or was ready to run and waited for a processor."""
    try:
        with open("/proc/self/schedstat", "rb") as file:  # of the main thread; nanoseconds
            ran, waited = file.read().split()[:2]
        return (int(ran) + int(waited)) / 1e9
    except (OSError, ValueError):  # not Linux, or without these statistics
        return time.process_time()


def _cancel_later(loop: asyncio.AbstractEventLoop, delay: float, future: asyncio.Task[None]) -> None:
    loop.call_later(delay, future.cancel)
