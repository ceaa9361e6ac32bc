"""Results as Markdown: what the terminal shows, and what RESULTS.md keeps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.benchmarks.measure import Series
from tests.benchmarks.results import Aim, Results, Row, Section, Table

HEADER = ("what", "otter", "spread", "beside", "its figure", "spread", "ratio", "aim", "reached", "runs")
_SCALES = {
    "s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")),
    "B": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")),
}


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
    if section.failure:
        lines += [f"**Not measured to the end:** {section.failure}", ""]
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
    """A value with its unit, in three digits."""
    factor, name = _scale(value, unit)
    return f"{_digits(value / factor)} {name}".strip()


def _scale(value: float, unit: str) -> tuple[float, str]:
    """What to divide a value by, and the unit that it has then: milliseconds for small parts of a second, and so on."""
    steps = _SCALES.get(unit, ())
    for factor, name in steps:
        if abs(value) >= factor:
            return factor, name
    return steps[-1] if steps else (1.0, unit)


def _digits(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _spread(series: Series, unit: str) -> str:
    """Smallest and largest value, in the unit that the median is shown in."""
    if len(series.values) == 1:
        return ""
    factor, _ = _scale(series.median, unit)
    low, high = series.spread
    return f"{_digits(low / factor)} to {_digits(high / factor)}"


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
