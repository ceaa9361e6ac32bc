"""Rows 38 and 40 of the fault matrix: the journal's file, cut, filled, flipped and full."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from otter.step.coordinator.journal import Journal, JournalError, decode_record, encode_record, read_journal

RECORDS = [{"kind": "task", "name": f"copy {number}", "text": "ü\n\u0000 {}" * number} for number in range(6)]
DATA = b"".join(encode_record(record) for record in RECORDS)
ENDS = [len(b"".join(encode_record(record) for record in RECORDS[:count])) for count in range(len(RECORDS) + 1)]
FUZZED = 60_000


def opened(path: Path) -> tuple[Journal, list[object]]:
    """A journal that goes on with what is there, and that."""
    found: list[object] = []
    journal = Journal(path, resume=True)
    try:
        journal.recover(lambda at, body: found.append(decode_record(at, body)))
    except JournalError:
        journal.close()
        raise
    return journal, found


def whole_records(size: int) -> int:
    """How many records lie within the first bytes."""
    return sum(end <= size for end in ENDS) - 1


@pytest.mark.parametrize("tail", [b"", b"\0" * 100], ids=["cut", "zeros"])
def test_row_40_cut_anywhere(tmp_path: Path, tail: bytes) -> None:
    """Cut at any byte, also with space behind it that was never written, a journal keeps its whole records."""
    for size in range(len(DATA) + 1):
        records, good = read_journal(DATA[:size] + tail)
        count = whole_records(size)
        assert RECORDS[:count] == records
        assert ENDS[count] == good


def test_row_40_a_new_record_never_follows_half_a_record(tmp_path: Path) -> None:
    """Torn twice in a row, the journal still has every record that was whole, and every later one."""
    path = tmp_path / "journal"
    kept: list[object] = []
    for number, record in enumerate(RECORDS):
        journal, found = opened(path)
        assert kept == found
        journal.append(encode_record(record))
        journal.close()
        kept.append(record)
        with path.open("ab") as file:
            file.write(encode_record({"torn": number})[:-7])

    journal, found = opened(path)
    journal.close()

    assert kept == found
    assert DATA == path.read_bytes()


def test_row_40_a_flipped_bit_is_found_with_its_place() -> None:
    """A bit that is flipped anywhere is never read as something else: the record's place is named."""
    for place in range(len(DATA)):
        damaged = bytearray(DATA)
        damaged[place] ^= 1 << (place % 8)
        first = max(end for end in ENDS if end <= place)
        with pytest.raises(JournalError, match=rf"byte {first} "):
            read_journal(bytes(damaged))


def test_a_damaged_journal_is_not_touched(tmp_path: Path) -> None:
    """Resuming on a damaged journal is refused in words, and the file stays as it is for inspection."""
    path = tmp_path / "journal"
    damaged = DATA[:20] + b"?" + DATA[21:]
    path.write_bytes(damaged)

    with pytest.raises(JournalError, match="without --resume"):
        opened(path)

    assert damaged == path.read_bytes()


def test_whatever_the_bytes_are_only_a_journal_error_comes_out() -> None:
    """Random changes of a journal are read, cut, or refused; nothing else happens."""
    rng = random.Random(40)
    for _ in range(FUZZED):
        data = bytearray(DATA[: rng.randrange(1, 400)])
        for _ in range(rng.randrange(4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            records, good = read_journal(bytes(data))
        except JournalError:
            continue
        assert good <= len(data)
        assert all(isinstance(record, dict | list | str | int | float | bool | None) for record in records)


def test_a_fresh_run_keeps_the_former_journal(tmp_path: Path) -> None:
    """Without --resume the journal begins anew, and the former one lies beside it."""
    path = tmp_path / "journal"
    for record in RECORDS[:2]:
        journal = Journal(path, resume=False)
        journal.append(encode_record(record))
        journal.close()

    assert encode_record(RECORDS[1]) == path.read_bytes()
    assert encode_record(RECORDS[0]) == path.with_name("journal.previous").read_bytes()


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from otter.step.coordinator.journal import Journal, JournalError, encode_record, read_journal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
journal = Journal(Path(sys.argv[1]), resume=False)
flushed = 0
try:
    for number in range(100):
        journal.append(encode_record({"number": number}))
        journal.flush()
        flushed += 1
except JournalError as error:
    print(flushed, error)
"""


@pytest.mark.parametrize("limit", [1, 30, 31, 32, 500, 1000])
def test_row_38_a_full_disk_is_an_error_and_tears_nothing(tmp_path: Path, limit: int) -> None:
    """When the disk is full the flush says so, and what was flushed before is whole."""
    path = tmp_path / "journal"

    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path), str(limit)], capture_output=True, text=True, check=True
    )
    flushed, _, message = done.stdout.partition(" ")

    assert "File too large" in message
    records, _ = read_journal(path.read_bytes())
    assert [{"number": number} for number in range(int(flushed))] == records
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
