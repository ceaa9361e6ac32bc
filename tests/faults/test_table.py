"""The table of faults agrees with the tests."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
ROWS = 48


def rows() -> dict[int, list[str]]:
    """The test files that the table names, by row."""
    lines = [line.strip("|").split("|") for line in (HERE / "README.md").read_text("utf-8").splitlines() if "|" in line]
    return {int(cells[0]): re.findall(r"`([./\w]+\.py)`", cells[-1]) for cells in lines if cells[0].strip().isdigit()}


def shown(file: Path) -> set[int]:
    """The rows that the names of the tests in a file give."""
    found: set[int] = set()
    for first, last in re.findall(r"def test_row_(\d\d)(?:_to_(\d\d)|_\d\d)?", file.read_text("utf-8")):
        found |= set(range(int(first), int(last or first) + 1))
    return found


def test_every_row_is_there() -> None:
    """All rows of the matrix are listed, each once."""
    assert list(range(1, ROWS + 1)) == list(rows())


def test_the_named_files_exist() -> None:
    """The table names no test that is not there."""
    missing = [name for names in rows().values() for name in names if not (HERE / name).is_file()]
    assert missing == []


def test_rows_without_a_test_say_so() -> None:
    """A row names tests, or says that there are none, and why."""
    text = (HERE / "README.md").read_text("utf-8")
    for row, names in rows().items():
        line = next(line for line in text.splitlines() if line.startswith(f"| {row} |"))
        assert bool(names) != ("no test:" in line), line


def test_each_file_of_this_directory_shows_what_the_table_says() -> None:
    """Every row that a test here is named after is listed with that file."""
    table = rows()
    for file in HERE.glob("test_*.py"):
        for row in shown(file):
            assert file.name in table[row], f"row {row} is shown in {file.name}"
