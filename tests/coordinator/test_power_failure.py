"""Row 42 of the fault matrix: the machine stops at any moment, and the disk forgets what was not synced."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from otter.step.coordinator.journal import Journal, decode_record, encode_record
from otter.step.coordinator.manifest_store import FILE_NAME, LocalManifestStore, unseal
from otter.step.coordinator.run_directory import RunDirectory
from otter.util.errors import ManifestError
from tests.support.disk import Recorder, State

KEY = "otter_step"
MOMENTS = 20
"""States that a scenario has at least, so that nobody mistakes an empty recording for a promise that holds."""


class Scenario:
    """A recorded run of journal and manifest.

    Attributes:
        promised: after how many operations which number of records, or which manifest, was promised to stay.
    """

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.promised: list[tuple[int, int]] = []
        self.disk = Recorder(root, patch)

    def promise(self, number: int) -> None:
        """What was done so far has been acknowledged."""
        self.promised.append((len(self.disk.operations), number))

    def moments(self) -> Iterator[tuple[int, State]]:
        """What was promised at each moment, and each state in which the disk may be then; no pair comes twice."""
        seen = set()
        for count in range(len(self.disk.operations) + 1):
            promised = max((number for at, number in self.promised if at <= count), default=-1)
            for state in self.disk.states(count):
                key = promised, tuple(sorted(state.items()))
                if key not in seen:
                    seen.add(key)
                    yield promised, state


def record(number: int) -> dict[str, Any]:
    """A record that is longer than a page now and then."""
    return {"kind": "task", "number": number, "text": "x" * (5000 if number == 2 else 10)}


def read_again(path: Path) -> list[int]:
    """The numbers of the records that a run finds when it resumes, and appends to without harm."""
    found: list[Any] = []
    journal = Journal(path, resume=True)
    journal.recover(lambda at, body: found.append(decode_record(at, body)))
    journal.append(encode_record(record(99)))
    journal.close()
    again: list[Any] = []
    journal = Journal(path, resume=True)
    journal.recover(lambda at, body: again.append(decode_record(at, body)))
    journal.close()
    assert [*found, record(99)] == again
    return [one["number"] for one in found]


def write_journal(scenario: Scenario, resume: bool = False, first: int = 0) -> None:
    """Commit records: flushed one by one, and synced after some."""
    directory = RunDirectory(scenario.root / "work", KEY)
    journal = Journal(directory.journal if resume else directory.draft, resume=resume)
    if resume:
        journal.recover(lambda at, body: None)
    else:
        directory.take_over(journal)
    for number in range(first, first + 5):
        journal.append(encode_record(record(number)))
        journal.flush()
        if number in (1, 4, 8):
            journal.sync()
            scenario.promise(number + 1)
    journal.close()
    scenario.promise(first + 5)
    directory.close()


def check_journal(scenario: Scenario, scratch: Path) -> int:
    """In each state the journal has every record that was promised, and besides at most the next ones, in order."""
    path = scratch / "journal"
    states = 0
    for promised, state in scenario.moments():
        states += 1
        journal = state.get(scenario.root / "work" / ".otter" / KEY / "journal")
        if journal is None:
            assert promised <= 0, "a journal that was promised is not there"
            continue
        path.write_bytes(journal)
        numbers = read_again(path)
        assert list(range(len(numbers))) == numbers
        assert len(numbers) >= promised
    return states


def test_row_42_the_journal_keeps_what_it_promised(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever of the unsynced writes and names the disk forgets: every synced record is there, and none is torn."""
    with monkeypatch.context() as patch:
        scenario = Scenario(tmp_path, patch)
        write_journal(scenario)

    assert check_journal(scenario, tmp_path_factory.mktemp("scratch")) > MOMENTS


def test_row_42_a_resumed_journal_keeps_what_it_promised(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that goes on behind a torn record promises what it found there, too."""
    with monkeypatch.context() as patch:
        scenario = Scenario(tmp_path, patch)
        write_journal(scenario)
        fd = os.open(tmp_path / "work" / ".otter" / KEY / "journal", os.O_WRONLY | os.O_APPEND)
        os.lseek(fd, 0, os.SEEK_END)
        os.write(fd, encode_record(record(5))[:-7])
        os.close(fd)
        write_journal(scenario, resume=True, first=5)

    assert check_journal(scenario, tmp_path_factory.mktemp("scratch")) > MOMENTS


def test_row_42_what_a_killed_run_left_unsynced_is_promised_by_the_next(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records that a killed process flushed count for the run that resumes; when that ends, they are on the disk."""
    with monkeypatch.context() as patch:
        scenario = Scenario(tmp_path, patch)
        directory = RunDirectory(tmp_path / "work", KEY)
        killed = Journal(directory.journal, resume=False)
        killed.append(encode_record(record(0)))
        killed.flush()
        os.close(killed.fd)
        resumed = Journal(directory.journal, resume=True)
        resumed.recover(lambda at, body: None)
        resumed.close()
        scenario.promise(1)
        directory.close()

    assert check_journal(scenario, tmp_path_factory.mktemp("scratch")) > 3


def publish(scenario: Scenario) -> None:
    """Publish the manifest several times."""
    root = scenario.root / "work"
    RunDirectory(root, KEY).close()
    for number in range(4):
        entry = {"name": "step", "result": "success", "number": number, "log": ["x" * 5000 * number]}
        LocalManifestStore(root).publish(KEY, entry, [b'{"name":"copy a"}'])
        scenario.promise(number)


def check_manifest(scenario: Scenario) -> int:
    """In each state the manifest is whole: the one that was promised last, or the next."""
    states = 0
    for promised, state in scenario.moments():
        states += 1
        data = state.get(scenario.root / "work" / FILE_NAME)
        if data is None:
            assert promised < 0, "a manifest that was promised is not there"
            continue
        assert unseal(data)["steps"][KEY]["number"] in (promised, promised + 1)
    return states


def test_row_42_the_manifest_is_the_old_or_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever of the writing the disk forgets, what is found is whole."""
    with monkeypatch.context() as patch:
        scenario = Scenario(tmp_path, patch)
        publish(scenario)

    assert check_manifest(scenario) > MOMENTS


def forget(fd: int) -> None:
    """What a disk does that says it has synced."""


@pytest.mark.parametrize(("name", "run"), [("fsync", publish), ("fsync", write_journal), ("fdatasync", write_journal)])
def test_row_42_the_checks_tell_when_nothing_is_synced(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, name: str,
    run: Callable[[Scenario], None],
) -> None:  # fmt: skip
    """Without syncing, a state is found in which a promise is broken: the recording sees what it must."""
    with monkeypatch.context() as patch:
        scenario = Scenario(tmp_path, patch)
        patch.setattr(os, name, forget)
        run(scenario)

    with pytest.raises((AssertionError, ManifestError)):
        check_manifest(scenario) if run is publish else check_journal(scenario, tmp_path_factory.mktemp("scratch"))
