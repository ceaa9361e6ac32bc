"""`Session`: one run of one step of a pipeline file, from its checks to its end, with signals."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from otter.config.model import Config
from otter.pipeline import Pipeline, PipelineError, Preamble, Problem
from otter.pipeline.check import StepCheck
from otter.scratchpad.model import Scratchpad
from otter.step.coordinator import Coordinator
from otter.step.coordinator.coordinator import AskWorker, LateSpecs, RunOptions
from otter.step.coordinator.head_start import HeadStart
from otter.step.coordinator.ports import Observer
from otter.step.model import Step
from otter.task.task_registry import TaskRegistry
from otter.task.task_type import TaskType
from otter.util.errors import ConfigError
from otter.util.units import format_duration
from otter.util.values import Value

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@attrs.define(eq=False, repr=False)
class Session(Value):
    """A run to be made.

    Args:
        config: its configuration.
        pipeline: the file.
        options: how to run.
        observer: watches.
        values: scratchpad values that win over those of the file.
        lenient: fields that no task type declares are warnings.
        found: what is known to be wrong already.
        preamble: what the pipeline was made from, where its tasks are still to be read, while the first worker starts.
        head_start: a first worker that was started already.
        warn: is told, before the first task begins, what the checks found that does not keep the step from running.
        advise: is told, after a signal, what it does and what another one would do.

    Attributes:
        replaced: what was said of task types that took the place of others.
        stopped_by: the first signal that asked it to stop; none if none did.
        coordinator: runs the step; none before `run`.
    """

    config: Config
    pipeline: Pipeline
    options: RunOptions
    observer: Observer
    values: Mapping[str, Any] = attrs.field(factory=dict)
    lenient: bool = False
    found: Sequence[Problem] = ()
    preamble: Preamble | None = None
    head_start: HeadStart | None = None
    warn: Callable[[Sequence[Problem]], None] = attrs.field(default=lambda _: None)
    advise: Callable[[str], None] = attrs.field(default=lambda _: None)
    replaced: tuple[str, ...] = attrs.field(default=(), init=False)
    stopped_by: signal.Signals | None = None
    coordinator: Coordinator | None = None
    _begun: StepCheck | None = attrs.field(default=None, init=False)

    async def run(self) -> Step:
        """Check the step and run it to its end.

        Raises:
            PipelineError: the step cannot run as it is described; every mistake is named.
            ConfigError: there is no such interpreter for the workers.
            OtterError: as `Coordinator.run`.
        """
        python = self.options.python
        if python is not None and shutil.which(python) is None:
            raise ConfigError(f"the interpreter for workers, {python}: there is no such program")
        scratchpad = Scratchpad({**self.pipeline.scratchpad, **self.values})
        step = Step(self.config.step, [])
        registry = TaskRegistry(self.config, scratchpad)
        self.coordinator = Coordinator(
            step, registry, self.config, options=self.options, observer=self.observer, check=self._check,
            late=LateSpecs(self._tables, self._free()), head_start=self.head_start,
        )  # fmt: skip
        handlers = self._install_signals()
        try:
            await self.coordinator.run()
        finally:
            gc.unfreeze()
            for number in handlers:
                asyncio.get_running_loop().remove_signal_handler(number)
        return step

    def _free(self) -> int:
        if self.preamble is not None:
            return self.preamble.free[self.config.step]
        tables = self.pipeline.tables(self.config.step)
        return sum(not table.get("requires") and not table.get("policy") for table in tables)

    def _tables(self) -> list[dict[str, Any]]:
        if self.preamble is not None:
            self.pipeline, self.preamble = self.preamble.complete(), None
        self._begun = self.pipeline.begin_check(self.config.step, scratchpad=self.values)
        return self.pipeline.final_tables(self.config.step, scratchpad=self.values)

    async def _check(self, types: dict[str, TaskType], ask_worker: AskWorker) -> None:
        asked: list[dict[str, Any]] = []

        def collect(specs: list[dict[str, Any]]) -> Sequence[list[tuple[str, str]]]:
            asked.extend(specs)
            return [[] for _ in specs]

        problems = self._problems(types, collect)
        if asked:
            found: list[list[tuple[str, str]]] = [[] for _ in asked]
            for place, path, text in await ask_worker(asked):
                found[place].append((path, text))
            if any(found):
                problems = self._problems(types, lambda _: found)
        if any(problem.severity == "error" for problem in problems):
            raise PipelineError(problems)
        if problems:
            self.warn(problems)
        self.replaced = tuple(
            f"task type {kind.name!r} of {kind.replaces} is replaced by that of {kind.module}"
            for kind in types.values() if kind.replaces
        )  # fmt: skip

    def _problems(self, types: dict[str, TaskType], judge: Any) -> list[Problem]:
        begun, self._begun = self._begun, None
        of_step = self.pipeline.check(
            self.config.step, types, scratchpad=self.values, lenient=self.lenient, spec_problems=judge, begun=begun
        )
        return [*self.pipeline.warnings, *self.found, *of_step]

    def _install_signals(self) -> list[signal.Signals]:
        """The first signal lets running tasks end, the second kills them, the third leaves at once."""
        loop = asyncio.get_running_loop()
        installed: list[signal.Signals] = []
        for number in SIGNALS:
            try:
                loop.add_signal_handler(number, self._on_signal, number)
            except (ValueError, RuntimeError):  # not in the main thread: signals are the embedder's business
                return installed
            installed.append(number)
        self._received = 0
        return installed

    _received: int = attrs.field(default=0, init=False)

    def _on_signal(self, number: signal.Signals) -> None:
        self._received += 1
        self.stopped_by = self.stopped_by or number
        if self.coordinator is None or self._received > 2:
            sys.stderr.flush()
            os._exit(128 + number)  # the lifelines take the workers along
        self.coordinator.request_stop(f"stopped by {number.name}", kill=self._received > 1)
        if self._received == 1:
            grace = format_duration(self.options.grace)
            self.advise(f"running tasks have {grace} to end; the next signal kills them")
