"""What the benchmarks found: rows of figures beside their baselines, tables of other facts, sections of both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
from cattrs.preconf.json import make_converter

from tests.benchmarks.machine import Conditions, Machine
from tests.benchmarks.measure import Series, ratio


@attrs.frozen
class Aim:
    """What a figure should reach.

    Attributes:
        bound: the figure, or for `of_ratio` the ratio to the baseline, must keep it.
        at_most: the bound is an upper one.
        of_ratio: it is the ratio that counts.
    """

    bound: float
    at_most: bool = True
    of_ratio: bool = False

    def is_met(self, value: float) -> bool:
        """Whether a figure or ratio keeps the bound."""
        return value <= self.bound if self.at_most else value >= self.bound


def at_most(bound: float) -> Aim:
    """The figure should not be above the bound."""
    return Aim(bound)


def at_least(bound: float) -> Aim:
    """The figure should not be below the bound."""
    return Aim(bound, at_most=False)


def ratio_at_most(bound: float) -> Aim:
    """The ratio of the figure to its baseline should not be above the bound."""
    return Aim(bound, of_ratio=True)


def ratio_at_least(bound: float) -> Aim:
    """The ratio of the figure to its baseline should not be below the bound."""
    return Aim(bound, at_most=False, of_ratio=True)


@attrs.frozen(kw_only=True)
class Row:
    """One figure of otter, or of a baseline alone, and what stands beside it.

    Attributes:
        what: what was measured.
        unit: of both series.
        ours: the figure; none when it could not be measured, and `note` says why.
        beside: what it is compared with; empty for nothing.
        theirs: the same figure of that.
        aim: what should be reached.
        note: what the reader has to know.
    """

    what: str
    unit: str
    ours: Series | None = None
    beside: str = ""
    theirs: Series | None = None
    aim: Aim | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The figure by that of the baseline."""
        if self.ours is None or self.theirs is None or not self.theirs.median:
            return None
        return ratio(self.ours, self.theirs)

    @property
    def reached(self) -> bool | None:
        """Whether the aim is met; none where there is no aim or no figure."""
        if self.aim is None or self.ours is None:
            return None
        value = self.ratio if self.aim.of_ratio else self.ours.median
        return None if value is None else self.aim.is_met(value)


@attrs.frozen
class Table:
    """Facts that are no comparison, such as a profile."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@attrs.frozen(kw_only=True)
class Section:
    """What one case found.

    Attributes:
        case: its name.
        title: its heading.
        rows: figures.
        tables: other facts.
        remarks: sentences below them.
        failure: what ended the case before its end; empty if nothing did.
        peers: whether peers were measured as well.
        size: `full`, or the name of a smaller scale.
        conditions: what the machine did meanwhile.
    """

    case: str
    title: str
    rows: tuple[Row, ...]
    tables: tuple[Table, ...] = ()
    remarks: tuple[str, ...] = ()
    failure: str = ""
    peers: bool = False
    size: str = "full"
    conditions: Conditions


@attrs.frozen
class Results:
    """The sections of one machine."""

    machine: Machine
    sections: tuple[Section, ...]

    def updated(self, newer: Results, order: list[str]) -> Results:
        """With the sections of newer results in place of the same ones; of another machine nothing is kept.

        Args:
            order: names of all cases, as they are to stand.
        """
        kept = {section.case: section for section in self.sections} if self.machine == newer.machine else {}
        by_case = {**kept, **{section.case: section for section in newer.sections}}
        return Results(newer.machine, tuple(by_case[case] for case in order if case in by_case))


_converter = make_converter()


def to_json(results: Results) -> str:
    """Results as the JSON file has them, with medians and ratios for readers that do not compute."""
    plain: dict[str, Any] = _converter.unstructure(results)
    for section, plain_section in zip(results.sections, plain["sections"], strict=True):
        for row, plain_row in zip(section.rows, plain_section["rows"], strict=True):
            plain_row["median"] = row.ours.median if row.ours is not None else None
            plain_row["ratio"] = row.ratio
            plain_row["reached"] = row.reached
    return json.dumps(plain, indent=1, ensure_ascii=False) + "\n"


def read_json(path: Path) -> Results | None:
    """Former results; none when there are none, or they are of another form than this version writes."""
    try:
        return _converter.structure(json.loads(path.read_text("utf-8")), Results)
    except (OSError, ValueError, LookupError, TypeError, ExceptionGroup):
        return None
