"""The display of a run on a terminal: what runs, what waits, what is done, how fast; failures stay above it."""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import Any, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from otter.observers.plain import PlainObserver
from otter.pipeline import visible
from otter.step.coordinator.coordinator import Coordinator
from otter.step.coordinator.events import TaskId, WorkerId
from otter.step.model import Step
from otter.util.units import format_duration

SHOWN_RUNNING = 8
SHOWN_KINDS = 5
RATE_WINDOW = 10.0
"""Seconds over which the rate is measured."""
REFRESH = 6
"""Pictures a second."""


class LiveObserver(PlainObserver):
    """Draws on a terminal. Everything that is written goes through it, so that no line tears the picture.

    Args:
        stream: the terminal.
        step: name of the step.
    """

    def __init__(self, stream: TextIO, step: str) -> None:
        super().__init__(stream, step)
        self._console = Console(file=stream, highlight=False, soft_wrap=True)
        self._running: dict[TaskId, tuple[str, float, WorkerId]] = {}
        self._results: Counter[str] = Counter()
        self._kinds: dict[str, list[int]] = {}
        self._ends: deque[tuple[float, int]] = deque()
        self._began = time.monotonic()
        self._stopping: str | None = None
        self._live: Live | None = None

    def on_begin(self, total: int) -> None:
        self._total = total
        self._live = Live(console=self._console, refresh_per_second=REFRESH, transient=True, get_renderable=self._draw)
        self._live.start()

    def on_start(self, task: TaskId, name: str, worker: WorkerId) -> None:
        self._running[task] = (name, time.monotonic(), worker)

    def on_retry(self, name: str, attempt: int, reason: str, delay: float) -> None:
        self._drop_running(name)
        super().on_retry(name, attempt, reason, delay)

    def on_end(self, task: TaskId, name: str, entry: dict[str, Any]) -> None:
        self._running.pop(task, None)
        result = str(entry.get("result"))
        self._results[result] += 1
        kind = self._kinds.setdefault(name.split(None, 1)[0], [0, 0])
        kind[result == "failure"] += 1
        now = time.monotonic()
        if not self._ends or now - self._ends[-1][0] > 0.1:
            self._ends.append((now, 0))
        self._ends[-1] = (self._ends[-1][0], self._ends[-1][1] + 1)
        if result == "failure":
            super().on_end(task, name, entry)
        else:
            self._ended += 1

    def on_stop(self, reason: str) -> None:
        self._stopping = reason
        super().on_stop(reason)

    def conclude(self, step: Step, coordinator: Coordinator) -> None:
        """Take the picture away and write the summary."""
        self.close()
        super().conclude(step, coordinator)

    def close(self) -> None:
        """Take the picture away; the terminal is as it was."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _drop_running(self, name: str) -> None:
        for task, (running, _, _) in list(self._running.items()):
            if running == name:
                del self._running[task]

    def _say(self, text: str) -> None:
        style = "red" if ": FAILED: " in text else "yellow" if self._stopping == text else None
        self._console.print(Text(visible(text), style=style or ""))

    def _draw(self) -> RenderableType:
        now = time.monotonic()
        done = sum(self._results.values())
        return Group(self._headline(now, done), *self._running_lines(now), self._foot(done))

    def _headline(self, now: float, done: int) -> RenderableType:
        rate = self._rate(now)
        left = self._total - done
        facts = f"{done:,}/{self._total:,}  {format_duration(now - self._began)}"
        if rate:
            facts += f"  {rate:,.0f}/s" if rate >= 10 else f"  {rate:.1f}/s"
            facts += f"  {format_duration(left / rate)} left" if left and not self._stopping else ""
        line = Table.grid(padding=(0, 1), expand=True)
        line.add_column(no_wrap=True)
        line.add_column(ratio=1)
        line.add_column(no_wrap=True, justify="right")
        bar = ProgressBar(total=max(self._total, 1), completed=done, complete_style="green", finished_style="green")
        line.add_row(Text(f"{self._step}: stopping" if self._stopping else self._step, style="bold"), bar, facts)
        return line

    def _running_lines(self, now: float) -> list[Text]:
        oldest = sorted(self._running.values(), key=lambda item: item[1])
        lines = []
        for name, since, worker in oldest[:SHOWN_RUNNING]:
            line = Text(f"  {format_duration(now - since):>7}  ", style="dim", no_wrap=True, overflow="ellipsis")
            line.append(visible(name), style="default not dim")
            line.append(f"  worker {worker}")
            lines.append(line)
        if len(oldest) > SHOWN_RUNNING:
            lines.append(Text(f"           and {len(oldest) - SHOWN_RUNNING:,} more", style="dim"))
        return lines

    def _foot(self, done: int) -> Text:
        foot = Text("  ", no_wrap=True, overflow="ellipsis")
        foot.append(f"{self._results['success']:,} done", style="green")
        for result, word, style in (("failure", "failed", "red"), ("aborted", "aborted", "yellow")):
            if self._results[result]:
                foot.append(f" · {self._results[result]:,} {word}", style=style)
        if self._results["pending"]:
            foot.append(f" · {self._results['pending']:,} blocked", style="yellow")
        running = len(self._running)
        foot.append(f" · {running:,} running · {max(0, self._total - done - running):,} waiting", style="dim")
        if len(self._kinds) > 1:
            most = sorted(self._kinds.items(), key=lambda item: -sum(item[1]))[:SHOWN_KINDS]
            foot.append("   " + "  ".join(f"{kind} {sum(ends):,}" for kind, ends in most), style="dim")
        return foot

    def _rate(self, now: float) -> float:
        while self._ends and now - self._ends[0][0] > RATE_WINDOW:
            self._ends.popleft()
        span = now - max(self._began, self._ends[0][0] if self._ends else now)
        return sum(number for _, number in self._ends) / span if span > 0.5 else 0.0
