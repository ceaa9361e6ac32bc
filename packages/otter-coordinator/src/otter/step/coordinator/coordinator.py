"""`Coordinator`: puts the parts of a run together, runs a step, and leaves its manifest behind."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import functools
import os
import socket
import sys
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import attrs
import orjson

from otter.config.model import Config
from otter.manifest.model import Result, StepManifest, TaskManifest
from otter.manifest.recorded import RecordedTasks
from otter.scratchpad.model import Scratchpad
from otter.step.coordinator.carried import carried_values
from otter.step.coordinator.descriptors import make_room_for
from otter.step.coordinator.events import StopLevel, TaskId
from otter.step.coordinator.explanation import Explanation, explain
from otter.step.coordinator.handing_out import ASYNC_SHARE
from otter.step.coordinator.head_start import HeadStart
from otter.step.coordinator.history import History
from otter.step.coordinator.journal import Journal, JournalError, encode_record, read_journal
from otter.step.coordinator.launching import WORKER_MODULE, Program
from otter.step.coordinator.ledger import RESULTS, TASK_FIELDS, Draft, Ledger, utc_text
from otter.step.coordinator.manifest_store import StepEntry
from otter.step.coordinator.manifest_stores import store_for
from otter.step.coordinator.opening import EndedEarlyError
from otter.step.coordinator.overview import overview
from otter.step.coordinator.pool import Launch, WorkerPool
from otter.step.coordinator.ports import ManifestStore, Observer
from otter.step.coordinator.run_directory import STATE_DIRECTORY, RunDirectory
from otter.step.coordinator.run_facts import RunFacts
from otter.step.coordinator.run_loop import RunLoop
from otter.step.coordinator.scheduler import Scheduler, Settings
from otter.step.coordinator.silent import SilentObserver
from otter.step.coordinator.status import snapshot
from otter.step.coordinator.stragglers import become_reaper
from otter.step.coordinator.task_node import Aborted, Done, Expanding, Failed, TaskNode
from otter.step.coordinator.versions import own_versions
from otter.step.model import Step
from otter.task.model import Spec
from otter.task.policy import Policy
from otter.task.tabled_specs import TabledSpecs
from otter.task.task_registry import TaskRegistry
from otter.task.task_type import TaskType
from otter.util.collector import paused_collector
from otter.util.errors import ManifestError, OtterError, StepInvalidError
from otter.util.values import Value

if TYPE_CHECKING:
    from otter.step.coordinator.failures import RootCause

WORKER_PATIENCE = 2.0
"""Seconds that workers have to end after the run is over."""

PROCESSORS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
"""Processors that this process may use."""

HESITATION = 0.01
"""Seconds for which more workers must seem to be of use before they are started: a tenth of what it takes."""

PUBLISH_INTERVAL = 2.0
"""Seconds between two writings of the manifest while a run goes on, at least."""
PUBLISH_SHARE = 20
"""A running step spends at most one part of this many on writing the manifest."""


@attrs.frozen(eq=False, repr=False)
class LateSpecs(Value):
    """The specs of a step that are made while the first workers start, which take longer than most files.

    Attributes:
        make: makes their tables; what it raises ends the run.
        free: how many of them require nothing and have no policy of their own.
    """

    make: Callable[[], list[dict[str, Any]]]
    free: int


AskWorker = Callable[[list[dict[str, Any]]], Awaitable[list[Any]]]
"""Lets a worker construct specs, and gives what it found: rows of place, path and sentence."""
Check = Callable[[dict[str, TaskType], AskWorker], Awaitable[None]]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RunOptions(Value):
    """How to run a step, beyond its configuration.

    Attributes:
        keep_going: run what does not depend on a failure.
        resume: do not run again what an earlier run committed.
        defaults: policy of tasks that have none of their own.
        pools: sizes of the named pools.
        grace: seconds that running tasks have to stop.
        max_specs: tasks at most.
        concurrency: asynchronous tasks of one worker at most.
        start_timeout: seconds until a worker must have said hello.
        log_limit: bytes kept of the beginning of a task's log.
        python: interpreter of the workers; none for this one.
        memory: limit of a worker's data segment, in bytes.
        task_packages: packages of task modules beside those of entry points.
        env: names of the environment variables that workers inherit; none for all of them.
    """

    keep_going: bool = False
    resume: bool = False
    defaults: Policy = Policy()  # noqa: RUF009 - frozen
    pools: Mapping[str, int] = attrs.field(factory=dict)
    grace: float = 10.0
    max_specs: int = 1_000_000
    concurrency: int = 16
    start_timeout: float = 30.0
    log_limit: int = 64 * 1024 * 1024
    python: str | None = None
    memory: int | None = None
    task_packages: tuple[str, ...] = ()
    env: tuple[str, ...] | None = None


class Coordinator:
    """Runs one step.

    Args:
        step: what to run. Its manifest is filled in.
        task_registry: names the task packages and holds the scratchpad; the classes themselves are loaded by workers.
        config: the configuration.
        options: how to run it.
        observer: watches the run.
        check: called before anything runs, with the task types of the workers; what it raises ends the run.
        late: makes the specs of the step, which has none until then.
        head_start: a worker that may be the first one, and the id of the run that it was started for.
    """

    def __init__(
        self,
        step: Step,
        task_registry: TaskRegistry,
        config: Config,
        *,
        options: RunOptions | None = None,
        observer: Observer | None = None,
        check: Check | None = None,
        late: LateSpecs | None = None,
        head_start: HeadStart | None = None,
    ) -> None:
        self.step = step
        self.task_registry = task_registry
        self.config = config
        self.options = options if options is not None else RunOptions()
        self.manifest_location: str | None = None
        self.published = False
        self._observer = observer if observer is not None else SilentObserver()
        self._check = check
        self._late = late
        self._head_start = head_start
        self._run: RunLoop | None = None
        self._ledger = Ledger(self.options.defaults)
        self._scheduler: Scheduler | None = None
        self._started_at = dt.datetime.now(dt.UTC)
        self._run_id: str | None = None
        self._names: list[str] = []

    @property
    def key(self) -> str:
        """The step's key in the manifest."""
        return f"{self.config.runner_name}_{self.step.name}"

    def request_stop(self, reason: str, *, kill: bool = False) -> None:
        """Ask the run to stop: running tasks get their grace, or are killed at once."""
        if self._run is not None:
            self._run.request_stop(reason, StopLevel.KILL if kill else StopLevel.DRAIN)

    async def run(self) -> None:
        """Run the step to its end; `step.manifest` says what happened. Never raises for a task's failure.

        Raises:
            StepBusyError: the step is running in this work directory already.
            StepInvalidError: two tasks have the same name, or tasks wait for each other in a circle.
            WorkerRefusedError: no worker can serve: another protocol, or a task package that cannot be imported.
            ConfigError: a value of the scratchpad cannot be carried to workers.
            SpecError: a spec cannot be carried to workers.
            JournalError: the journal cannot be opened, or the beginning of the run not recorded.
            FSError: the work directory, or the directory of the release, cannot be used.
        """
        self._started_at = dt.datetime.now(dt.UTC)
        began = time.monotonic()
        directory = RunDirectory(self.config.work_path.absolute(), self.key)
        try:
            directory.begin()
            resume = self.options.resume
            journal = Journal(directory.journal if resume else directory.draft, resume=resume)
            try:
                await self._run_in(directory, journal, began)
            finally:
                with contextlib.suppress(OtterError):  # what could not be written ended the run already
                    journal.close()
        finally:
            directory.close()

    async def _run_in(self, directory: RunDirectory, journal: Journal, began: float) -> None:
        config = self.config.resolved()
        store = store_for(self.config, self._entries_of_other_journals)
        self.manifest_location = store.location
        values = carried_values(self.task_registry.scratchpad.sentinel_dict)
        scratchpad = Scratchpad(values)
        self._ledger.scratchpad = scratchpad
        scheduler = self._scheduler = Scheduler(self._settings())
        self._observer.on_open(functools.partial(overview, scheduler))
        run_id = self._head_start.run_id if self._head_start is not None else uuid.uuid4().hex
        facts = RunFacts(
            run_id=run_id, config=config, directory=directory.path, log_dir=directory.logs,
            spill_dir=directory.spill,
            concurrency=self.options.concurrency, log_limit=self.options.log_limit,
        )  # fmt: skip
        history = self._ledger.history = History()
        run = self._run = RunLoop(
            facts=facts, scheduler=scheduler, ledger=self._ledger, journal=journal, history=history,
            scratchpad=scratchpad, observer=self._observer,
        )  # fmt: skip
        become_reaper()
        make_room_for(self.config.pool_size)
        launch = self._launch(facts.run_id, directory)
        pool = WorkerPool(launch, run.on_bodies, run.on_begun, run.on_death, scheduler.is_due)
        run.attach(pool)
        self._run_id = facts.run_id
        over = asyncio.Event()
        publisher: asyncio.Task[None] | None = None
        try:
            try:
                # One processor is for what is done here meanwhile: a worker that shares it says hello later.
                run.open(min(self._workers_wanted(), PROCESSORS - 1))
                with paused_collector(keep=True):  # what is made here stays until the end of the run
                    # While the workers load, there is time for all that does not depend on what they are.
                    if self.options.resume:
                        self._recover(journal, history, run)
                    tables = self._tables()
                    early: Draft | None = None
                    with contextlib.suppress(OtterError):  # the check will say it better, once it knows the types
                        early = self._draft(tables, history, scheduler)
                    types = await run.published_types()
                    if early is not None:
                        run.open(self._workers_for_waiting(types, early))
                    if self._check is not None:
                        await self._check(types, run.check_specs)
                    draft = self._ledger.typed(early or self._draft(tables, history, scheduler))
                    del tables, early
                self._admit(directory, journal, facts, values)
                publisher = asyncio.get_running_loop().create_task(self._publish_at_intervals(run, store, over))
                await run.run(draft)
            except EndedEarlyError:
                pass  # stopped, or no worker could be started: the manifest says so, and what was recorded stays
            over.set()
            if publisher is not None:
                await publisher  # a late writing must not replace the last one
            await run.close()
            self._conclude(store, journal, time.monotonic() - began)
        finally:
            over.set()
            if publisher is not None:
                await publisher
            await run.close()
            # Workers that were asked to end get a moment; those of a run that did not come about have nothing to lose.
            left = await pool.close(patience=WORKER_PATIENCE if run.finish is not None else 0.0)
        if left:
            run.log.extend(f"process {pid} ({what}) was left behind by a task and bears no mark" for pid, what in left)
            self._conclude(store, journal, time.monotonic() - began)

    def _admit(self, directory: RunDirectory, journal: Journal, facts: RunFacts, values: dict[str, Any]) -> None:
        """Nothing can refuse the run any more: what it says is recorded, and takes the place of what was."""
        journal.append(encode_record(self._run_record(facts, values)))
        if not self.options.resume:
            journal.flush()  # a disk that has no room for the beginning of a run speaks against it as well
            directory.take_over(journal)

    @staticmethod
    def _recover(journal: Journal, history: History, run: RunLoop) -> None:
        journal.recover(history.take)
        history.attach(journal.fd)
        if journal.cut:
            run.log.append(f"the journal ended with {journal.cut} bytes that were never written to their end")

    def _draft(self, tables: list[dict[str, Any]], history: History, scheduler: Scheduler) -> Draft:
        """The draft of the step, as far as the task types are known; that it can be added is sure."""
        draft = self._ledger.draft(tables, history.committed)
        problem = scheduler.refusal(draft.tasks)
        if problem is not None:
            raise StepInvalidError(f"step {self.step.name!r}: {problem}")
        return draft

    def _tables(self) -> list[dict[str, Any]]:
        """The specs of the step as tables."""
        if self._late is None:
            return [spec.model_dump() for spec in self.step.specs]
        tables = self._late.make()
        self.step.specs = cast("list[Spec]", TabledSpecs(tables))
        self._names = [str(table.get("name")) for table in tables]
        return tables

    def _workers_wanted(self) -> int:
        """How many workers there is work for before any of them has said what it can run: several only when sure."""
        if self.options.resume or self.options.defaults.uses:
            return 1
        free = sum(not spec.requires and not spec.policy for spec in self.step.specs)
        if self._late is not None:
            free += self._late.free
        return free // ASYNC_SHARE  # the tasks may turn out to be asynchronous, of which a worker runs several

    def _workers_for_waiting(self, types: Mapping[str, TaskType], draft: Draft) -> int:
        """How many workers there is work for, now that it is known which tasks run side by side: these mostly wait."""
        options = self.options
        if options.resume or options.defaults.uses:
            return 1
        side_by_side = {name for name, kind in types.items() if kind.asynchronous}
        free = sum(
            task.kind in side_by_side and not task.requires and task.policy is options.defaults for task in draft.tasks
        )
        return free // ASYNC_SHARE

    def _settings(self) -> Settings:
        options = self.options
        return Settings(
            pool_size=self.config.pool_size, concurrency=options.concurrency, keep_going=options.keep_going,
            grace=options.grace, max_specs=options.max_specs, start_timeout=options.start_timeout,
            starts_at_once=max(2, PROCESSORS), processors=PROCESSORS, hesitation=HESITATION, pools=options.pools,
        )  # fmt: skip

    def _launch(self, run_id: str, directory: RunDirectory) -> Launch:
        options = self.options
        packages = dict.fromkeys((*options.task_packages, *self.task_registry.packages))
        program = Program(
            WORKER_MODULE, python=options.python or sys.executable, task_packages=tuple(packages),
            memory=options.memory, env=options.env, share_path=options.python is None,
        )  # fmt: skip
        return Launch(
            program=program, run_id=run_id, output_dir=directory.workers, log_limit=options.log_limit,
            head_start=self._head_start,
        )  # fmt: skip

    def _run_record(self, facts: RunFacts, values: dict[str, Any]) -> dict[str, Any]:
        return {
            "kind": "run", "run": facts.run_id, "step": self.key, "resume": self.options.resume, "pid": os.getpid(),
            "host": socket.gethostname(), "python": ".".join(map(str, sys.version_info[:3])),
            "started_at": self._started_at.isoformat().replace("+00:00", "Z"), "config": facts.config.to_json(),
            "scratchpad": values,
        }  # fmt: skip

    # --- the manifest -------------------------------------------------------------------------------------------------

    def _entries_of_other_journals(self) -> dict[str, StepEntry]:
        """The entries of all steps whose journals are in this work directory, for a manifest that was damaged."""
        found: dict[str, StepEntry] = {}
        for path in (self.config.work_path.absolute() / STATE_DIRECTORY).glob("*/journal"):
            if path.parent.name != self.key:
                with contextlib.suppress(OtterError, OSError, LookupError, TypeError):
                    found[path.parent.name] = _entry_from_journal(path)
        return found

    async def _publish_at_intervals(self, run: RunLoop, store: ManifestStore, over: asyncio.Event) -> None:
        pause, told = PUBLISH_INTERVAL, -1
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), pause)
            if over.is_set():
                return
            if run.turns == told:
                continue  # nothing has happened since
            told = run.turns
            began = time.monotonic()
            # The last writing, at the end of the run, reports it.
            with contextlib.suppress(ManifestError, JournalError):
                entry = self._entry(Result.PENDING, None, None)
                await run.background.run(functools.partial(store.publish, self.key, entry, self._task_entries()))
            pause = max(PUBLISH_INTERVAL, PUBLISH_SHARE * (time.monotonic() - began))

    def _entry(self, result: Result, reason: str | None, elapsed: float | None) -> StepEntry:
        finished = utc_text(time.time()) if elapsed is not None else None
        log = list(self._run.log) if self._run is not None else []
        return {
            "name": self.step.name, "result": result.value, "started_run_at": utc_text(self._started_at.timestamp()),
            "finished_run_at": finished, "elapsed": elapsed, "log": log, "artifacts": [], "failure_reason": reason,
            "counts": self.counts(), "run_id": self._run_id,
            "versions": {"coordinator": own_versions(), "worker": self._ledger.worker_versions},
        }  # fmt: skip

    def _task_entries(self) -> Iterator[bytes]:
        """Every task's part of the manifest, as far as it is known at the moment of each."""
        return (self._task_entry(place) for place in range(self._total()))

    def _task_entry(self, place: int) -> bytes:
        entry = self._ledger.entry(TaskId(place)) if self._ledger.entries else None
        if entry is not None:
            return entry
        nodes = self._nodes()
        if not nodes:
            # Its name may turn out to be none: a run can be stopped before anybody has looked.
            name = self._names[place] if self._late is not None else self.step.specs[place].name
            return orjson.dumps({**TASK_FIELDS, "name": name})
        node = nodes[place]
        edges: dict[str, Any] = {"requires": node.new.requires} if node.new.requires else {}
        if node.parent is not None:
            edges["parent"] = nodes[node.parent].name
        attempts = self._ledger.attempts.get(node.id)
        if attempts:
            edges["attempts"] = list(attempts)
        return orjson.dumps({**TASK_FIELDS, "name": node.name, "task_type": node.new.kind, **edges})

    def _nodes(self) -> list[TaskNode]:
        return self._scheduler.graph.nodes if self._scheduler is not None else []

    def _total(self) -> int:
        """How many tasks there are; those of the step, as long as none has begun."""
        return len(self._nodes()) or len(self.step.specs)

    def status(self) -> dict[str, Any]:
        """What the run is doing now: see `otter.step.coordinator.status.snapshot`. Empty before it has begun."""
        return snapshot(self._scheduler, self._ledger) if self._scheduler is not None else {}

    def counts(self) -> dict[str, int]:
        """Number of tasks by result, as far as they have ended."""
        by_state = self._scheduler.counts if self._scheduler is not None else Counter[type]()
        success, failure, aborted = by_state[Done] + by_state[Expanding], by_state[Failed], by_state[Aborted]
        pending = self._total() - success - failure - aborted
        return {"pending": pending, "success": success, "failure": failure, "aborted": aborted}

    def explanations(self) -> Iterator[Explanation]:
        """Why each task runs with --resume, or does not, in the order of the step."""
        reasons = self._run.reasons if self._run is not None else {}
        return explain(self._nodes(), self._ledger.history, reasons)

    def root_causes(self) -> list[RootCause]:
        """Why tasks failed, by cause; the one with the most failures first."""
        if self._scheduler is None or not self._scheduler.counts[Failed]:
            return []
        from otter.step.coordinator.failures import root_causes  # a run without failures does without it

        return root_causes(self._nodes(), self._ledger.entry)

    def _conclude(self, store: ManifestStore, journal: Journal, elapsed: float) -> None:
        assert self._run is not None
        finish = self._run.finish
        assert finish is not None, "the run returned, so it has finished"
        entry = self._entry(Result(RESULTS[finish.outcome]), finish.reason, elapsed)
        try:
            journal.append(encode_record({"kind": "end", "entry": entry}))
            journal.close()
        except JournalError as error:
            _blame_storage(entry, error)
        try:
            store.publish(self.key, entry, self._task_entries())
            self.published = True
        except (ManifestError, JournalError) as error:
            self.published = False
            _blame_storage(entry, error)
        self.step.manifest = StepManifest(**entry)
        tasks = RecordedTasks(self._total(), self._task_entry)
        self.step.manifest.tasks = cast("list[TaskManifest]", tasks)


def _blame_storage(entry: StepEntry, error: OtterError) -> None:
    """What could not be recorded makes the run a failure, whatever its tasks did."""
    entry["result"] = Result.FAILURE.value
    before = entry["failure_reason"]
    if str(error) not in (before or ""):
        entry["failure_reason"] = f"{before}; {error}" if before else f"storage error: {error}"


def _entry_from_journal(path: Path) -> StepEntry:
    """A step's entry as far as its journal tells it."""
    records, _ = read_journal(path.read_bytes())
    entry: StepEntry = {"name": path.parent.name.partition("_")[2], "result": Result.PENDING.value, "tasks": []}
    tasks: dict[str, Any] = {}
    for record in records:
        match record.get("kind"):
            case "run":
                entry |= {"started_run_at": record["started_at"], "run_id": record.get("run")}
            case "task":
                tasks[record["entry"]["name"]] = record["entry"]
            case "end":
                entry |= record["entry"]
    return {**entry, "tasks": list(tasks.values())}
