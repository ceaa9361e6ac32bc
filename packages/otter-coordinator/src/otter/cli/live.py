"""The display of a run on a terminal: what runs, what waits, what is done, how fast; failures stay above it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, TextIO

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from otter.cli.picture import ALL, Picture, generator_key, pool_key
from otter.cli.rates import Rates
from otter.observers.plain import PlainObserver
from otter.pipeline import visible
from otter.step.coordinator.coordinator import Coordinator
from otter.step.coordinator.events import TaskId
from otter.step.coordinator.overview import Overview
from otter.step.model import Step

LOOK = 0.25
"""Seconds between two looks at the run, and between two pictures."""


class _Terminal(Console):
    """A terminal whose cursor is left alone: a run that is killed could not show it again."""

    def show_cursor(self, show: bool = True) -> bool:
        return False


class LiveObserver(PlainObserver):
    """Draws on a terminal. Everything that is written goes through it, so that no line tears the picture.

    The run is looked at in its loop; it is drawn in a thread, which has what was seen and nothing else. So a terminal
    that takes no more does not keep the loop waiting.

    Args:
        stream: the terminal.
        step: name of the step.
    """

    def __init__(self, stream: TextIO, step: str) -> None:
        super().__init__(stream, step)
        self._console = _Terminal(file=stream, highlight=False, soft_wrap=True)
        self._look: Callable[[], Overview] | None = None
        self._rates = Rates()
        self._began = time.monotonic()
        self._picture: Picture | None = None
        self._stopping: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._live: Live | None = None

    def on_open(self, look: Callable[[], Overview]) -> None:
        self._look = look

    def on_begin(self, total: int) -> None:
        self._take()
        self._live = Live(
            console=self._console, refresh_per_second=1 / LOOK, transient=True, get_renderable=self._draw,
            redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip
        self._live.start()

    def on_end(self, task: TaskId, name: str, entry: dict[str, Any]) -> None:
        if entry.get("result") == "failure":
            super().on_end(task, name, entry)

    def on_stop(self, reason: str) -> None:
        self._stopping = reason
        super().on_stop(reason)

    def conclude(self, step: Step, coordinator: Coordinator) -> None:
        """Take the picture away and write the summary."""
        self.close()
        super().conclude(step, coordinator)

    def close(self) -> None:
        """Take the picture away; the terminal is as it was."""
        if self._timer is not None:
            self._timer.cancel()
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _take(self) -> None:
        """Look at the run, and again soon."""
        if self._look is None:
            return
        now, seen = time.monotonic(), self._look()
        self._rates.note(ALL, now, seen.ended)
        for pool in seen.pools:
            self._rates.note(pool_key(pool.name), now, pool.passed)
        for generator in seen.generators:
            self._rates.note(generator_key(generator.name), now, generator.ended)
        self._picture = Picture(step=self._step, seen=seen, rates=self._rates, began=self._began)
        self._timer = asyncio.get_running_loop().call_later(LOOK, self._take)

    def _say(self, text: str) -> None:
        style = "red" if ": FAILED: " in text else "yellow" if self._stopping == text else None
        self._console.print(Text(visible(text), style=style or ""))

    def _draw(self) -> RenderableType:
        if self._picture is None:
            return Text()
        return self._picture.draw(time.monotonic(), *self._console.size)
