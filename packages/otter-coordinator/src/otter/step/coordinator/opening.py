"""`Opening`: what must be known before the tasks of a run begin, and comes from workers.

The first worker says what it can run, and one worker may be asked to construct specs, which runs code of their authors:
it may hang, or take the process down. Whatever happens, whoever waits here gets an answer or an error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import attrs

from otter.step.coordinator.events import WorkerId
from otter.task.task_type import TaskType
from otter.util.errors import ConfigError, OtterError
from otter.util.values import Shown
from otter.wire.errors import PeerError
from otter.wire.messages import CheckSpecs, ReportCheck

CHECK_TIME, CHECK_TIME_EACH = 30.0, 0.01
"""Seconds that a worker may take to construct specs, and those for each spec on top."""

CHECK_DEATHS = 2
"""Workers that may die while they construct specs before the specs are to blame."""


class WorkerRefusedError(ConfigError):
    """A worker cannot serve: it speaks another protocol, a task package cannot be imported, or a spec kills it."""


class EndedEarlyError(OtterError):
    """The run ended before its tasks began; its `finish` says how."""


@attrs.define(eq=False, repr=False)
class _Question(Shown):
    """Specs to be constructed.

    Attributes:
        asked: the worker that has the question; none while nobody has.
        deaths: workers that died with it.
    """

    number: int
    tables: list[dict[str, Any]]
    answer: asyncio.Future[list[Any]]
    asked: WorkerId | None = None
    deaths: int = 0
    timer: asyncio.TimerHandle | None = None


class Opening:
    """Waits for workers before the tasks begin.

    Args:
        ask: sends a question to a worker.
        kill: ends a worker, for a reason.
    """

    def __init__(self, ask: Callable[[WorkerId, CheckSpecs], None], kill: Callable[[WorkerId, str], None]) -> None:
        self._ask = ask
        self._kill = kill
        self._loop = asyncio.get_running_loop()
        self._types: asyncio.Future[dict[str, TaskType]] = self._loop.create_future()
        self._serving: dict[WorkerId, None] = {}
        self._question: _Question | None = None
        self._asked = 0
        self._over: Exception | None = None

    async def types(self) -> dict[str, TaskType]:
        """What workers can run.

        Raises:
            WorkerRefusedError: no worker can serve.
            EndedEarlyError: the run ended before one said so.
        """
        return await self._types

    async def check(self, tables: list[dict[str, Any]]) -> list[Any]:
        """What a worker finds by constructing specs: rows of place, path and sentence.

        Raises:
            WorkerRefusedError: workers died of it.
            EndedEarlyError: the run ended before.
        """
        if self._over is not None:
            raise self._over
        self._asked += 1
        question = self._question = _Question(self._asked, tables, self._loop.create_future())
        self._ask_someone()
        try:
            return await question.answer
        finally:
            self._question = None

    def on_ready(self, worker: WorkerId, types: dict[str, TaskType]) -> bool:
        """A worker said hello; whether it is the first."""
        self._serving[worker] = None
        first = not self._types.done()
        if first:
            self._types.set_result(types)
        self._ask_someone()
        return first

    def on_answer(self, worker: WorkerId, message: ReportCheck) -> None:
        """A worker answered a question; what nobody waits for is ignored.

        Raises:
            PeerError: the answer is none; the question stands.
        """
        question = self._question
        if question is not None and (worker, message.request) == (question.asked, question.number):
            if not all(_is_finding(row, len(question.tables)) for row in message.problems):
                raise PeerError("a ReportCheck holds something else than places, paths and sentences")
            self._put_down(question)
            if not question.answer.done():
                question.answer.set_result(message.problems)

    def on_death(self, worker: WorkerId, reason: str) -> None:
        """A worker is gone."""
        self._serving.pop(worker, None)
        question = self._question
        if question is None or question.asked != worker:
            return
        self._put_down(question)
        question.deaths += 1
        if question.deaths < CHECK_DEATHS:
            self._ask_someone()
        elif not question.answer.done():
            text = f"the specs of the step cannot be checked: the worker that constructed them {reason}"
            question.answer.set_exception(WorkerRefusedError(text))

    def end(self, error: Exception) -> None:
        """Nothing will come any more: whoever waits gets the error."""
        self._over = self._over or error
        if not self._types.done():
            self._types.set_exception(error)
            self._types.exception()  # it may be that nobody has asked yet
        if self._question is not None:
            self._put_down(self._question)
            if not self._question.answer.done():
                self._question.answer.set_exception(error)

    def _ask_someone(self) -> None:
        question = self._question
        if question is None or question.asked is not None or not self._serving or question.answer.done():
            return
        worker = question.asked = next(iter(self._serving))
        seconds = CHECK_TIME + CHECK_TIME_EACH * len(question.tables)
        verdict = f"did not construct the specs of the step within {seconds:g} s"
        question.timer = self._loop.call_later(seconds, self._kill, worker, verdict)
        self._ask(worker, CheckSpecs(question.number, question.tables))

    @staticmethod
    def _put_down(question: _Question) -> None:
        question.asked = None
        if question.timer is not None:
            question.timer.cancel()


def _is_finding(row: Any, tables: int) -> bool:
    """Whether a row of an answer is the place of one of so many specs, a path within it and a sentence."""
    if not isinstance(row, list) or len(row) != 3:
        return False
    place, path, text = row
    return type(place) is int and 0 <= place < tables and isinstance(path, str) and isinstance(text, str)
