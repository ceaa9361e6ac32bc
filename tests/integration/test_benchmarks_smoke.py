"""The benchmarks run: every case, at a size at which its figures mean nothing; and what they show follows from them."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest

from tests.benchmarks.__main__ import main
from tests.benchmarks.cases import CASES
from tests.benchmarks.machine import Conditions, Machine
from tests.benchmarks.measure import Series, ratio, rounds
from tests.benchmarks.render import figure, section_text
from tests.benchmarks.results import (
    Results,
    Row,
    Section,
    Table,
    at_least,
    at_most,
    ratio_at_most,
    read_json,
    to_json,
)

MACHINE = Machine(
    processor="one", cores=2, memory_gib=8, system="Linux", python="3.11", file_system="ext4"
)  # fmt: skip
CONDITIONS = Conditions(
    when="2025-01-01T00:00:00Z", commit="abc", load_before=0.5, load_after=1.0, others=0.1, seconds=2.0
)  # fmt: skip


def section(case: str, *rows: Row) -> Section:
    """A section of a case."""
    return Section(case=case, title=case.title(), rows=rows, conditions=CONDITIONS)


@pytest.mark.parametrize("case", CASES)
def test_case_runs(case: str, tmp_path: Path) -> None:
    """Each case measures all it promises, and both files keep it."""
    assert 0 == main(["--case", case, "--size", "tiny", "--output", str(tmp_path), "--directory", str(tmp_path)])
    page = (tmp_path / "RESULTS.md").read_text("utf-8")
    (kept,) = json.loads((tmp_path / "results.json").read_text("utf-8"))["sections"]
    assert CASES[case].title in page
    assert (case, "tiny", "") == (kept["case"], kept["size"], kept["failure"])
    assert all(row["ours"] is not None for row in kept["rows"])


def test_tiny_figures_do_not_replace_the_record(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Without --output a tiny run prints, and leaves RESULTS.md alone."""
    record = Path(__file__).parents[1] / "benchmarks" / "RESULTS.md"
    before = record.read_bytes() if record.exists() else b""
    assert 0 == main(["--case", "pipe", "--size", "tiny", "--directory", str(tmp_path)])
    assert before == (record.read_bytes() if record.exists() else b"")
    assert "These figures mean nothing." in capsys.readouterr().out


def test_rounds_alternate() -> None:
    """Each round does everything, every other one backwards, and begins with what must come before it."""
    order: list[str] = []

    def doing(name: str, value: float) -> dict[str, float]:
        order.append(name)
        return {"figure": value}

    found = rounds(2, [lambda: doing("a", 1), lambda: doing("b", 2)], before=lambda: order.append("-"))
    assert ["-", "a", "b", "-", "b", "a"] == order
    assert [{"figure": Series((1, 1))}, {"figure": Series((2, 2))}] == found


def test_ratio_is_that_of_the_rounds() -> None:
    """A round in which everything is slow changes the figures, not the ratio."""
    assert 2.0 == ratio(Series((2.0, 20.0, 4.0)), Series((1.0, 10.0, 2.0)))
    assert 4.0 == ratio(Series((4.0,)), Series((1.0, 1.0)))


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.25e-3, "s", "250 µs"),
        (0.0123, "s", "12.3 ms"),
        (90.0, "s", "90 s"),
        (0.0, "s", "0 µs"),
        (20_000.0, "tasks/s", "20,000 tasks/s"),
        (31_500_000.0, "B", "31.5 MB"),
        (1.0, "", "1"),
    ],
)
def test_figures_have_units(value: float, unit: str, text: str) -> None:
    """Figures are shown in three digits, and in the unit that is short."""
    assert text == figure(value, unit)


def test_aims() -> None:
    """An aim is met by the figure or by the ratio, whichever it speaks of; without a figure nothing is said."""
    row = Row(what="x", unit="s", ours=Series((2.0,)), beside="y", theirs=Series((4.0,)))
    assert attrs.evolve(row, aim=at_most(2.0)).reached is True
    assert attrs.evolve(row, aim=at_least(2.5)).reached is False
    assert attrs.evolve(row, aim=ratio_at_most(0.5)).reached is True
    assert attrs.evolve(row, aim=ratio_at_most(0.4)).reached is False
    assert attrs.evolve(row, aim=at_most(2.0), ours=None).reached is None


def test_newer_results_replace_sections() -> None:
    """Cases that were not measured again stay, in the order of the cases, unless the machine is another."""
    former = Results(MACHINE, (section("a"), section("c")))
    row = Row(what="x", unit="s", ours=Series((1.0,)))
    newer = Results(MACHINE, (section("b"), section("c", row)))
    assert (section("a"), section("b"), section("c", row)) == former.updated(newer, ["a", "b", "c"]).sections
    elsewhere = attrs.evolve(newer, machine=attrs.evolve(MACHINE, cores=4))
    assert elsewhere == former.updated(elsewhere, ["a", "b", "c"])


def test_json_holds_everything(tmp_path: Path) -> None:
    """What was written is read back equal; what is no such file is as if there was none."""
    table = Table("t", ("stage", "share"), (("encode", "3%"),))
    row = Row(what="x", unit="s", ours=Series((1.0, 2.0)), beside="y", theirs=Series((2.0, 2.0)), aim=at_most(3.0))
    results = Results(MACHINE, (attrs.evolve(section("a", row), tables=(table,), remarks=("said",)),))
    path = tmp_path / "results.json"
    path.write_text(to_json(results), "utf-8")
    assert results == read_json(path)
    path.write_text('{"machine": {}}', "utf-8")
    assert None is read_json(path)
    assert None is read_json(tmp_path / "absent")


def test_failure_is_said_in_words() -> None:
    """A case that ends early says so, beneath what it measured before."""
    row = Row(what="x", unit="s", ours=Series((1.0,)))
    text = section_text(attrs.evolve(section("a", row), failure="otter ended with 1: no"))
    assert "**Not measured to the end:** otter ended with 1: no" in text
    assert "| x " in text
