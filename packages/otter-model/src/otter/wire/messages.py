"""The messages between a coordinator and a worker, and the rules of their conversation.

A worker may belong to another environment, another Python, or be written in another language: so there is a protocol,
and no object of either side crosses it. `PROTOCOL.md` of this distribution is the normative text.

1. The worker speaks first: `SayHello`. The coordinator answers `Welcome` or `Refuse`; nothing precedes them.
2. `RunTask` hands over one attempt of one task. The worker holds them in order of arrival. Before an attempt begins it
   sends `ReportStart`, and everything that it still had to send goes out before or with it: what has begun and what has
   ended is known exactly, whenever the worker dies.
3. Each attempt is answered by exactly one `ReportResult`, preceded by the `AddSpecs` pages of what it generated; both
   count only together.
4. `RevokeTasks` takes back attempts that have not begun; the coordinator takes their batons first (see PROTOCOL.md), so
   that none of them can begin. The worker answers `ConfirmRevoke`, and gets no new task before.
5. `StoreValues` goes to every worker before any task that may read the values.
6. `AbortTasks` asks attempts to stop. `Stop` ends the worker when it has nothing left to do.

The unions `ToWorker` and `ToCoordinator` at the end are the whole protocol, and the only registry of it.
"""

from __future__ import annotations

from typing import Any

import attrs

from otter.util.values import Value


class Message(Value):
    """What is sent. Without slots, since setting the fields of a frozen object is quicker so, and there are many."""


@attrs.frozen(slots=False, eq=False, repr=False)
class Welcome(Message):
    """The coordinator accepts the worker.

    Attributes:
        protocol: the version that both speak from now on.
        run: identifies the run.
        config: the run's configuration, as `Config.to_json` has it.
        values: the scratchpad at this moment.
        log_dir: directory for the logs of tasks; none keeps only the tail in the result.
        spill_dir: directory for results that are too large for a message; none refuses such results.
        concurrency: how many asynchronous tasks may run at once.
        log_limit: bytes of a task's log that are kept from its beginning.
    """

    protocol: str
    run: str
    config: dict[str, Any]
    values: dict[str, Any] = attrs.field(factory=dict)
    log_dir: str | None = None
    spill_dir: str | None = None
    concurrency: int = 16
    log_limit: int = 64 * 1024 * 1024


@attrs.frozen(slots=False, eq=False, repr=False)
class Refuse(Message):
    """The coordinator does not accept the worker, which ends."""

    reason: str


@attrs.frozen(slots=False, eq=False, repr=False)
class RunTask(Message):
    """Run one attempt of a task.

    Attributes:
        task: number of the task in the run.
        attempt: number of the attempt, from 1.
        spec: the task's spec with placeholders replaced.
        alone: nothing else runs in the worker meanwhile, because an earlier attempt was with others when a worker died.
        from_tasks: fields of the spec into which values came that other tasks made while the run went on.
    """

    task: int
    attempt: int
    spec: Any
    alone: bool = False
    from_tasks: list[str] | None = None


@attrs.frozen(slots=False, eq=False, repr=False)
class RevokeTasks(Message):
    """Forget attempts that have not begun."""

    tasks: list[int]


@attrs.frozen(slots=False, eq=False, repr=False)
class AbortTasks(Message):
    """Ask running attempts to stop.

    Attributes:
        tasks: their numbers; none means all of them.
        grace: seconds until the worker is killed.
    """

    grace: float
    tasks: list[int] | None = None


@attrs.frozen(slots=False, eq=False, repr=False)
class StoreValues(Message):
    """Scratchpad values that tasks made; they never replace others."""

    values: dict[str, Any]


@attrs.frozen(slots=False, eq=False, repr=False)
class CheckSpecs(Message):
    """Construct specs without running anything, to find what only task code can find."""

    request: int
    specs: list[Any]


@attrs.frozen(slots=False, eq=False, repr=False)
class Stop(Message):
    """End when nothing is left to do."""


@attrs.frozen(slots=False, eq=False, repr=False)
class SayHello(Message):
    """The first message of a worker.

    Attributes:
        oldest: oldest protocol version that the worker speaks.
        newest: newest one.
        worker: the number that the coordinator gave it.
        pid: its process id.
        python: version of its Python.
        distributions: versions of the distributions that matter for a result, by name.
        task_types: what it can run, each as `TaskType.to_json` has it.
        problem: why it cannot serve, such as a task package that cannot be imported; none when it can.
    """

    oldest: str
    newest: str
    worker: int
    pid: int
    python: str
    distributions: dict[str, str] = attrs.field(factory=dict)
    task_types: list[dict[str, Any]] = attrs.field(factory=list)
    problem: str | None = None


@attrs.frozen(slots=False, eq=False, repr=False)
class ReportStart(Message):
    """An attempt begins now."""

    task: int
    attempt: int


@attrs.frozen(slots=False, eq=False, repr=False)
class AddSpecs(Message):
    """A page of specs that a running attempt generated."""

    task: int
    attempt: int
    specs: list[Any]


@attrs.frozen(slots=False, eq=False, repr=False)
class ReportResult(Message):
    """An attempt ended.

    Attributes:
        task: number of the task.
        attempt: number of the attempt.
        record: the task's part of the manifest, as JSON carries it.
        values: scratchpad entries that the attempt made.
        failure: type of the exception; none when nothing was raised.
        traceback: its text.
        tainted: why the process should not serve another task; none when it may.
        peak_memory: largest resident size of the process so far, in bytes.
        pages: how many `AddSpecs` pages preceded this message.
        load: share of a processor that the process used lately, while it ran asynchronous tasks; none most of the time.
    """

    task: int
    attempt: int
    record: dict[str, Any]
    values: dict[str, Any] | None = None
    failure: str | None = None
    traceback: str | None = None
    tainted: str | None = None
    peak_memory: int | None = None
    pages: int = 0
    load: float | None = None


@attrs.frozen(slots=False, eq=False, repr=False)
class SpillMessage(Message):
    """Another message of the worker is in a file, because it is too large for a frame.

    Attributes:
        path: the file, in the directory that `Welcome` named; it holds a body as a frame would.
        size: its bytes.
        sha256: its digest, in hexadecimal.
    """

    path: str
    size: int
    sha256: str


@attrs.frozen(slots=False, eq=False, repr=False)
class ConfirmRevoke(Message):
    """The worker has forgotten the revoked attempts."""

    tasks: list[int]


@attrs.frozen(slots=False, eq=False, repr=False)
class ReportCheck(Message):
    """What `CheckSpecs` found.

    Attributes:
        problems: triples of the spec's place in the request, a path within it, and a sentence.
    """

    request: int
    problems: list[Any] = attrs.field(factory=list)


ToWorker = Welcome | Refuse | RunTask | RevokeTasks | AbortTasks | StoreValues | CheckSpecs | Stop
ToCoordinator = SayHello | ReportStart | AddSpecs | ReportResult | SpillMessage | ConfirmRevoke | ReportCheck
