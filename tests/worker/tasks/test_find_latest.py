"""`find_latest`: the newest file, by modification time, in the scratchpad."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from otter.task.model import TaskContext
from otter.tasks.find_latest import FindLatest, FindLatestSpec
from tests.worker.tasks.conftest import Run


def find(context: TaskContext, **fields: Any) -> FindLatest:
    return FindLatest(FindLatestSpec(**{"name": "find_latest thing"} | fields), context)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Files of several ages; the newest of all lies deeper."""
    for file, age in (("b.txt", 10), ("a.txt", 20), ("c.csv", 30), ("sub/d.txt", 40)):
        (tmp_path / "work/in" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "work/in" / file).touch()
        os.utime(tmp_path / "work/in" / file, (age, age))
    return tmp_path / "work/in"


@pytest.mark.parametrize(
    ("source", "latest"),
    [("in/*.txt", "a.txt"), ("in", "c.csv"), ("in/", "c.csv"), ("in/**/*.txt", "sub/d.txt"), ("in/b*", "b.txt")],
)
def test_the_newest_match_is_stored(
    source: str, latest: str, context: TaskContext, directory: Path, run: Run, tmp_path: Path
) -> None:
    """Under the key, or under the name of the task; a directory stands for the files in it."""
    assert run(find(context, source=source, scratchpad_key="key")) is None
    assert {"key": f"{directory}/{latest}"} == context.scratchpad.sentinel_dict
    assert run(find(context, source=f"{tmp_path}/work/{source}")) is None
    assert f"{directory}/{latest}" == context.scratchpad.sentinel_dict["find_latest thing"]


def test_of_equally_new_files_the_last_by_name_counts(context: TaskContext, directory: Path, run: Run) -> None:
    """So that every run finds the same."""
    os.utime(directory / "b.txt", (20, 20))
    assert run(find(context, source="in/*.txt", scratchpad_key="key")) is None
    assert f"{directory}/b.txt" == context.scratchpad.sentinel_dict["key"]


def test_no_match_is_a_failure(context: TaskContext, run: Run, tmp_path: Path) -> None:
    """With what was looked for."""
    reason = run(find(context, source=f"{tmp_path}/*.txt"))
    assert f"NotFoundError: nothing with a time of modification matches {tmp_path}/*.txt" == reason
    assert {} == context.scratchpad.sentinel_dict


def test_an_asked_for_stop_ends_the_search(context: TaskContext, directory: Path, run: Run) -> None:
    """Between two files."""
    assert context.abort is not None
    context.abort.set()
    assert (run(find(context, source="in")) or "").startswith("TaskAbortedError: ")
