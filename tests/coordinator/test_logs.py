"""`otter logs`."""

from __future__ import annotations

import io
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from otter.cli import main
from otter.inspection.task_logs import follow, harmless, last_lines
from otter.step.coordinator.journal import Journal, encode_record
from otter.step.coordinator.run_directory import RunDirectory
from otter.step.coordinator.status import write_status
from otter.util.fs import file_name

WriteLog = Callable[..., Path]


@pytest.fixture
def write_log(tmp_path: Path) -> WriteLog:
    """Write the log of a task, and its end into the journal of its step; the file."""

    def write_log(name: str, text: str = "", key: str = "otter_fetch") -> Path:
        directory = RunDirectory(tmp_path, key)
        journal = Journal(directory.journal, resume=True)
        journal.recover(lambda at, body: None)
        journal.append(encode_record({"kind": "task", "entry": {"name": name}}))
        journal.close()
        path = directory.logs / file_name(name, ".log")
        if text:
            path.write_bytes(text.encode())
        directory.close()
        return path

    return write_log


def test_a_log_is_found_by_name_or_part(
    write_log: WriteLog, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """The whole name goes before a part of another, and so does what stands after the type; case does not count."""
    write_log("copy a", "one\n")
    write_log("copy a again", "two\n")
    for wanted, text in (("copy a", b"one\n"), ("AGAIN", b"two\n"), ("A", b"one\n")):
        assert 0 == main(["logs", wanted, "-w", str(tmp_path)])
        assert text == capfdbinary.readouterr().out


def test_several_tasks_are_named(write_log: WriteLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With their steps where there are several; `--step` chooses."""
    write_log("copy a", "one\n")
    write_log("copy a", "two\n", key="otter_load")
    assert 22 == main(["logs", "copy", "-w", str(tmp_path)])
    error = capsys.readouterr().err
    assert "is in the names of 2 tasks:\n    copy a (step otter_fetch)\n    copy a (step otter_load)" in error
    assert 0 == main(["logs", "copy", "-w", str(tmp_path), "--step", "load", "--path"])
    assert str(tmp_path / ".otter/otter_load/logs") in capsys.readouterr().out


def test_an_unknown_task_is_an_error(write_log: WriteLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the nearest name."""
    write_log("copy targets", "one\n")
    assert 22 == main(["logs", "copy tragets", "-w", str(tmp_path)])
    assert "did you mean 'copy targets'?" in capsys.readouterr().err


def test_a_task_that_logged_nothing_is_no_error(
    write_log: WriteLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said."""
    write_log("copy a")
    assert 0 == main(["logs", "copy", "-w", str(tmp_path)])
    assert ("", "otter logs: 'copy a' has logged nothing\n") == capsys.readouterr()


def test_running_tasks_are_known(write_log: WriteLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From what the run says of itself; and from their files, where it does not list them all."""
    write_log("copy a")
    directory = tmp_path / ".otter/otter_fetch"
    write_status(directory, {"running": [{"name": "load north"}], "waiting": []})
    for name in ("load north", "load far south"):
        (directory / "logs" / file_name(name, ".log")).write_text("here\n")
    assert 0 == main(["logs", "north", "-w", str(tmp_path), "--path"])
    assert 0 == main(["logs", "far_south", "-w", str(tmp_path), "--path"])
    paths = [str(directory / "logs" / file_name(name, ".log")) for name in ("load north", "load far south")]
    assert paths == capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("text", "count", "expected"),
    [
        ("a\nb\nc\n", 2, "b\nc\n"), ("a\nb\nc", 2, "b\nc"), ("a\n", 5, "a\n"), ("", 3, ""), ("a\n\n\n", 1, "\n"),
        ("a\nb\n", 0, ""),
        ("x" * 3_000_000 + "\nend\n", 1, "end\n"), ("x\n" * 2_000_000, 1_500_000, "x\n" * 1_500_000),
    ],
)  # fmt: skip
def test_the_last_lines_are_found(tmp_path: Path, text: str, count: int, expected: str) -> None:
    """However long the lines are, and whether or not the last one is complete."""
    path = tmp_path / "log"
    path.write_text(text)
    assert expected == path.read_text()[last_lines(path, count) :]


def test_a_pipe_gets_what_the_task_wrote(
    write_log: WriteLog, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Byte for byte."""
    path = write_log("copy a", "x")
    path.write_bytes(b"\x1b[31mred\xff\x00\n")
    assert 0 == main(["logs", "copy", "-w", str(tmp_path)])
    assert b"\x1b[31mred\xff\x00\n" == capfdbinary.readouterr().out


def test_nothing_of_a_log_acts_on_a_terminal(
    write_log: WriteLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Escape sequences, carriage returns and changes of direction are spelled out; tabs and lines stay."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    write_log("copy a", "\x1b[2J\ta\r\u202eb\n")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert 0 == main(["logs", "copy", "-w", str(tmp_path)])
    assert "\\x1b[2J\ta\\x0d\\u202eb\n" == terminal.getvalue()


def test_characters_that_come_in_pieces_stay_whole() -> None:
    """A character that is cut between two pieces is one; bytes that are none are shown as such."""
    assert "né\ufffd" == "".join(harmless([b"n\xc3", b"\xa9", b"\xff"]))


def test_a_log_is_followed(tmp_path: Path) -> None:
    """It may appear later, grows, and may be replaced by that of a new run; what comes before the end is not lost."""
    path = tmp_path / "log"

    def append() -> None:
        with path.open("ab") as file:
            file.write(b"two\n")

    def replace() -> None:
        path.unlink()
        path.write_bytes(b"new run\n")

    steps: list[Callable[[], object]] = [
        lambda: path.write_bytes(b"one\n"), append, replace, lambda: path.write_bytes(b"cut\n"), path.unlink,
    ]  # fmt: skip

    def wait() -> None:
        steps.pop(0)()

    pieces = list(follow(path, 0, lambda: not steps, wait))
    assert [b"one\n", b"two\n", b"new run\n", b"cut\n"] == pieces


def test_following_ends_with_the_run(
    write_log: WriteLog, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Where nothing runs any more, all that there is comes, and that is the end."""
    write_log("copy a", "one\ntwo\n")
    assert 0 == main(["logs", "copy", "-w", str(tmp_path), "--follow", "--lines", "1"])
    assert b"two\n" == capfdbinary.readouterr().out


def test_a_damaged_journal_is_named(write_log: WriteLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole name of a task finds its log all the same."""
    write_log("copy a", "one\n")
    journal = tmp_path / ".otter/otter_fetch/journal"
    journal.write_bytes(b"damaged\n" + journal.read_bytes())
    assert 22 == main(["logs", "copy", "-w", str(tmp_path)])
    assert f"{journal}: the record at byte 0 is damaged" in capsys.readouterr().err
    assert 0 == main(["logs", "copy a", "-w", str(tmp_path), "--path"])


@pytest.mark.parametrize("verb", [["logs", "one", "--path"], ["replay", "one", "--save", "request.json"]])
def test_a_large_journal_is_read_record_by_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: list[str]
) -> None:
    """What is kept of it are names: a journal may be larger than the memory."""
    monkeypatch.chdir(tmp_path)
    directory = RunDirectory(tmp_path, "otter_fetch")
    journal = Journal(directory.journal, resume=True)
    for number in ["one", *range(299)]:
        name = f"copy {number}"
        record = {"kind": "task", "entry": {"name": name}, "spec": {"name": name, "text": "x" * 100_000}}
        journal.append(encode_record(record))
        journal.flush()
    journal.close()
    directory.close()

    tracemalloc.start()
    try:
        assert 0 == main([*verb, "-w", str(tmp_path)])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert directory.journal.stat().st_size > 29_000_000
    assert peak < 4_000_000
