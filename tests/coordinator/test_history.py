"""What is kept of earlier runs."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import orjson
import pytest

from otter.step.coordinator.history import History, begin_task_record
from otter.step.coordinator.journal import Journal, JournalError, encode_record, frame_record

TASKS, LOG = 500, 20_000
"""Ten megabytes of records."""


def entry_of(name: str, **facts: Any) -> dict[str, Any]:
    """A task's part of the manifest."""
    return {"name": name, "result": "success", "artifacts": [], **facts}


def completed(name: str, **facts: Any) -> bytes:
    """The record of a completed task, as a run writes it."""
    entry = orjson.dumps(entry_of(name, **facts))
    return frame_record(b'%b"spec":{"a":1},"entry":%b}' % (begin_task_record(name, "success", entry), entry))


def read(path: Path) -> History:
    """What a run that resumes knows."""
    history = History()
    journal = Journal(path, resume=True)
    try:
        journal.recover(history.take)
        history.attach(journal.fd)
    finally:
        journal.close()
    return history


def test_records_are_not_kept_in_memory(tmp_path: Path) -> None:
    """Of a large journal only places are kept; each record can be had again, the journal closed and gone."""
    path = tmp_path / "journal"
    with path.open("wb") as file:
        for number in range(TASKS):
            file.write(completed(f"copy {number}", log=["x" * LOG]))
    tracemalloc.start()
    try:
        history = read(path)
        path.unlink()
        for name, place in history.committed.items():
            assert entry_of(name, log=["x" * LOG]) == history.recall(name).entry
            assert history.recall(name).entry == orjson.loads(history.entry_of(place))
            history.forget(name)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert list(history.committed) == [f"copy {number}" for number in range(TASKS)]
    assert peak < TASKS * LOG / 5


def test_names_of_any_characters_are_found_again(tmp_path: Path) -> None:
    """Quotation marks, backslashes, other scripts, and what looks like JSON."""
    names = ['copy "a"', "copy \\", 'copy \\"', "copy ü\u2028\U0001f9a6", 'copy ","result":"failure","entry":{']
    path = tmp_path / "journal"
    path.write_bytes(b"".join(map(completed, names)))

    history = read(path)

    assert names == list(history.committed)
    assert names == [history.recall(name).entry["name"] for name in names]


def test_records_of_the_version_before_are_understood(tmp_path: Path) -> None:
    """A record without the size of its entry is read as a whole."""
    record = {"kind": "task", "digest": "d", "spec": None, "values": {"x": 1}, "entry": entry_of("copy a")}
    path = tmp_path / "journal"
    path.write_bytes(encode_record(record))

    history = read(path)

    assert {"x": 1} == history.recall("copy a").values
    assert entry_of("copy a") == orjson.loads(history.entry_of(history.committed["copy a"]))


def test_a_journal_that_is_cut_while_it_is_used_is_an_error(tmp_path: Path) -> None:
    """What was there at the beginning and is not any more is named, and never read as something else."""
    path = tmp_path / "journal"
    path.write_bytes(completed("copy a") + completed("copy b", log=["x" * 200_000]))
    history = read(path)
    with path.open("r+b") as file:
        file.truncate(1000)

    with pytest.raises(JournalError, match=r"was cut at byte 1000 "):
        history.recall("copy b")
