"""Results as Markdown: what the terminal shows, and what RESULTS.md keeps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.benchmarks.measure import Series
from tests.benchmarks.results import Aim, Results, Row, Section, Table

HEADER = ("what", "otter", "spread", "beside", "its figure", "spread", "ratio", "aim", "reached", "runs")
_SCALES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def results_page(results: Results) -> str:
    """The whole page."""
    machine = results.machine
    lines = [
        "# Results",
        "",
        "Written by `hatch run bench`; not to be edited. Figures of one machine: compare ratios, which come from the",
        "same rounds, and not figures of different days.",
        "",
        f"Machine: {machine.processor}, {machine.cores} processors, {machine.memory_gib} GiB, {machine.system},",
        f"Python {machine.python}; runs write to {machine.file_system}.",
        "",
    ]
    return "\n".join(lines) + "\n" + "\n".join(section_text(section) for section in results.sections)


def section_text(section: Section) -> str:
    """A case: its conditions, its figures, its other tables, its remarks."""
    at = section.conditions
    load = f"load average {at.load_before:g} before and {at.load_after:g} after"
    others = f"; others kept {at.others:g} processors busy" if at.others is not None else ""
    lines = [
        f"## {section.title}",
        "",
        f"`{section.case}`, {at.when}, commit {at.commit}, {at.seconds:g} s. {load.capitalize()}{others}.",
    ]
    if section.size != "full":
        lines.append(f"Size: {section.size}. These figures mean nothing.")
    lines.append("")
    if section.rows:
        lines += [*_markdown(HEADER, map(_cells, section.rows)), ""]
    for table in section.tables:
        lines += [f"### {table.title}", "", *_markdown(table.header, table.rows), ""]
    for remark in section.remarks:
        lines += [remark, ""]
    return "\n".join(lines)


def _cells(row: Row) -> Sequence[str]:
    ours, theirs = row.ours, row.theirs
    if ours is None:
        return (row.what, row.note, *[""] * (len(HEADER) - 2))
    share = row.ratio
    reached = {None: "", True: "yes", False: "no"}[row.reached]
    beside = f"{row.beside} ({row.note})" if row.note else row.beside
    return (
        row.what, figure(ours.median, row.unit), _spread(ours, row.unit), beside,
        figure(theirs.median, row.unit) if theirs is not None else "", _spread(theirs, row.unit) if theirs else "",
        f"{share:.3g}" if share is not None else "", _aim(row.aim, row.unit), reached, str(len(ours.values)),
    )  # fmt: skip


def figure(value: float, unit: str) -> str:
    """A value with its unit, in three digits.

    Seconds become milliseconds or microseconds, bytes become kilobytes and more, where that is shorter.
    """
    if unit == "s":
        for factor, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
            if abs(value) >= factor or name == "µs":
                return f"{_digits(value / factor)} {name}"
    if unit == "B":
        for factor, prefix in _SCALES:
            if abs(value) >= factor:
                return f"{_digits(value / factor)} {prefix}B"
    return f"{_digits(value)} {unit}".strip()


def _digits(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _spread(series: Series, unit: str) -> str:
    if len(series.values) == 1:
        return ""
    low, high = series.spread
    return f"{figure(low, unit)} to {figure(high, unit)}"


def _aim(aim: Aim | None, unit: str) -> str:
    if aim is None:
        return ""
    sign = "≤" if aim.at_most else "≥"
    return f"ratio {sign} {aim.bound:g}" if aim.of_ratio else f"{sign} {figure(aim.bound, unit)}"


def _markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table whose columns line up in the source, too."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return lines


def table_text(table: Table) -> str:
    """A table by itself."""
    return "\n".join(_markdown(table.header, table.rows))
