"""The picture that a run gives on a terminal, from what it looks like at a glance.

    headline                    done of all, time, rate, time left
    what runs, longest first    since when, its worker, how many tasks wait for it
    what will be tried again
    pools                       held of all, how many wait, rate, time until those are through
    fan-outs                    done of all, rate, time left, how many tasks wait for it
    what is done, what waits and for what

It never has more lines than the terminal has room for, and no line is wider.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from otter.cli.rates import Rates
from otter.pipeline import visible
from otter.step.coordinator.overview import GeneratorGlance, Overview, PoolGlance, TaskGlance
from otter.util.units import format_duration

WIDEST = 120
"""Columns at most: what belongs together should stand together on a wide terminal, too."""
TASKS, RETRIES, POOLS, GENERATORS = 8, 3, 5, 5
"""Lines of each kind at most."""
LEAD, NAME = 9, 16
"""Columns before a name, and those that a name has on a narrow terminal."""
FIXED = 3
"""Lines that are always there."""

ALL = "all"


def pool_key(name: str) -> str:
    """The name under which the rate of a pool is noted."""
    return f"pool {name}"


def generator_key(name: str) -> str:
    """The name under which the rate of a generator is noted."""
    return f"generator {name}"


@attrs.frozen
class _Row:
    """Before the name, the name, after it."""

    lead: str
    name: str
    facts: str
    style: str = ""


@attrs.frozen(kw_only=True)
class Picture:
    """A run at a moment.

    Args:
        step: its name.
        seen: what it looked like.
        rates: how fast it went until then.
        began: when; on the clock of `now`, like every time in `seen`.
    """

    step: str
    seen: Overview
    rates: Rates
    began: float

    def draw(self, now: float, width: int, height: int) -> RenderableType:
        """The picture, for a terminal of so many columns and lines."""
        grid = Table.grid(padding=(0, 1))
        grid.width = min(width, WIDEST)
        grid.add_column(justify="right", no_wrap=True, style="dim", width=LEAD)
        grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        grid.add_column(
            no_wrap=True, overflow="ellipsis", style="dim", max_width=max(1, grid.width - LEAD - NAME - 2)
        )  # fmt: skip
        for row in self._rows(now, height - FIXED - 1):
            grid.add_row(row.lead, Text(visible(row.name), style=row.style), row.facts)
        lines: list[RenderableType] = [self._headline(now, width)]
        if grid.row_count:
            lines.append(grid)
        return Group(*lines, *self._foot())

    def _headline(self, now: float, width: int) -> RenderableType:
        seen = self.seen
        facts = [f"{seen.ended:,}/{seen.total:,}", format_duration(now - self.began)]
        facts += self._speed(ALL, seen.total - seen.ended)
        line = Table.grid(padding=(0, 1))
        line.width = min(width, WIDEST)
        line.add_column(no_wrap=True, overflow="ellipsis", max_width=max(8, line.width // 3))
        line.add_column(ratio=1)
        line.add_column(no_wrap=True, justify="right")
        bar = ProgressBar(
            total=max(seen.total, 1), completed=seen.ended, complete_style="green", finished_style="green"
        )  # fmt: skip
        name = f"{self.step}: stopping" if seen.stopping else self.step
        line.add_row(Text(visible(name), style="bold"), bar, "  ".join(facts))
        return line

    def _rows(self, now: float, room: int) -> list[_Row]:
        seen = self.seen
        pools = [pool for pool in seen.pools if pool.used or pool.waiting]
        pools.sort(key=lambda pool: -pool.waiting)
        generators = sorted(seen.generators, key=lambda generator: generator.ended - generator.total)
        rest = min(POOLS, len(pools)) + min(GENERATORS, len(generators)) + min(RETRIES, len(seen.next))
        tasks = min(TASKS, max(room - rest, room // 2))
        rows = _some([self._task(glance, now) for glance in seen.oldest], seen.running, tasks, "")
        rows += _some([self._retry(glance, now) for glance in seen.next], seen.for_retry, RETRIES, "")
        rows += _some([self._pool(pool) for pool in pools], len(pools), POOLS, "pools")
        rows += _some([self._generator(one) for one in generators], len(generators), GENERATORS, "fan-outs")
        return rows[: max(0, room)]

    @staticmethod
    def _task(glance: TaskGlance, now: float) -> _Row:
        facts = [f"worker {glance.worker}"]
        facts += [f"attempt {glance.attempt}"] if glance.attempt > 1 else []
        return _Row(format_duration(max(0.0, now - glance.at)), glance.name, _joined(facts, glance.holds_up))

    @staticmethod
    def _retry(glance: TaskGlance, now: float) -> _Row:
        lead = f"in {format_duration(max(0.0, glance.at - now))}"
        return _Row(lead, glance.name, _joined([f"attempt {glance.attempt}"], glance.holds_up), "yellow")

    def _pool(self, pool: PoolGlance) -> _Row:
        facts = [f"{pool.used:,} of {pool.size:,}"]
        facts += [f"{pool.waiting:,} waiting"] if pool.waiting else []
        facts += self._speed(pool_key(pool.name), pool.waiting)
        return _Row("pool", pool.name, _joined(facts, 0), "bold" if pool.used >= pool.size else "")

    def _generator(self, one: GeneratorGlance) -> _Row:
        facts = [f"{one.ended:,}/{one.total:,}", *self._speed(generator_key(one.name), one.total - one.ended)]
        return _Row("fan-out", one.name, _joined(facts, one.holds_up), "red" if one.spoiled else "")

    def _speed(self, key: str, left: int) -> list[str]:
        rate = self.rates.get(key)
        if not rate:
            return []
        facts = [f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s"]
        return [*facts, f"{format_duration(left / rate)} left"] if left and not self.seen.stopping else facts

    def _foot(self) -> list[Text]:
        seen = self.seen
        first = _line(
            "",
            [
                (seen.succeeded, "done", "green"),
                (seen.failed, "failed", "red"),
                (seen.aborted, "aborted", "yellow"),
                (seen.skipped, "blocked", "yellow"),
                (seen.running, "running", ""),
            ],
        )
        second = _line(
            "waiting: ",
            [
                (seen.for_worker, "for a worker", ""),
                (seen.for_pool, "for a pool", ""),
                (seen.for_tasks, "for other tasks", ""),
                (seen.for_retry, "for another attempt", "yellow"),
            ],
        )
        return [first, second] if seen.waiting else [first]


def _some(rows: Sequence[_Row], total: int, room: int, what: str) -> list[_Row]:
    """As many rows as there is room for, and how many there are beside them."""
    if total <= room and len(rows) >= total:
        return list(rows)
    shown = list(rows[: max(0, room - 1)])
    more = total - len(shown)
    return [*shown, _Row("", f"and {more:,} more {what}".rstrip(), "", "dim")] if room > 0 else []


def _joined(facts: list[str], holds_up: int) -> str:
    waits = [f"{holds_up:,} {'waits' if holds_up == 1 else 'wait'} for it"] if holds_up else []
    return " · ".join([*facts, *waits])


def _line(title: str, parts: Sequence[tuple[int, str, str]]) -> Text:
    """Numbers that are not 0, with what they count; nothing at all if there are none."""
    text = Text("  ", no_wrap=True, overflow="ellipsis")
    before = title
    for number, word, style in parts:
        if number:
            text.append(before, style="dim").append(f"{number:,} {word}", style=style or "dim")
            before = " · "
    return text
