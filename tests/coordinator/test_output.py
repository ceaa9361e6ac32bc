"""What becomes of a verb whose output nobody reads to its end, or has no room, or that is broken off."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from otter.cli.main import VERBS

OTTER = "import sys; from otter.cli import main; sys.exit(main())"
PIPELINE = """\
[[steps.greet]]
name = "hello_world you"
"""
TELLING = {
    "run": ("run", "pipeline.toml"),
    "check": ("check", "pipeline.toml"),
    "check --json": ("check", "pipeline.toml", "--json"),
    "plan": ("plan", "pipeline.toml"),
    "plan --json": ("plan", "pipeline.toml", "--json"),
    "graph": ("graph", "pipeline.toml"),
    "graph dot": ("graph", "pipeline.toml", "-f", "dot"),
    "graph svg": ("graph", "pipeline.toml", "-f", "svg"),
    "tasks": ("tasks",),
    "tasks one": ("tasks", "copy"),
    "schema": ("schema",),
    "status": ("status",),
    "logs": ("logs", "you"),
    "manifest show": ("manifest", "show"),
    "manifest query": ("manifest", "query"),
    "manifest verify": ("manifest", "verify"),
    "report": ("report",),
    "export": ("export", "-f", "chrome"),
    "completion": ("completion", "bash"),
    "version": ("--version",),
    "help": ("--help",),
}
"""Verbs that tell something, with arguments that let them."""


@pytest.fixture(autouse=True)
def _as_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed waits in a buffer, whatever the environment of the tests says."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which a step has run."""
    directory = tmp_path_factory.mktemp("place")
    (directory / "pipeline.toml").write_text(PIPELINE)
    subprocess.run(
        [sys.executable, "-c", OTTER, "run", "pipeline.toml"], cwd=directory, check=True, capture_output=True
    )
    return directory


def test_every_verb_that_tells_something_is_tried() -> None:
    """The rest makes files, or waits for somebody."""
    assert {"init", "replay", "convert"} == VERBS.keys() - {arguments[0] for arguments in TELLING.values()}


@pytest.mark.parametrize("arguments", TELLING.values(), ids=TELLING.keys())
def test_nobody_reads(place: Path, arguments: tuple[str, ...]) -> None:
    """A reader that has left, as `head` does, is no error."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-c", OTTER, *arguments]
    done = subprocess.run(command, cwd=place, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (0, False) == (done.returncode, "Error" in done.stderr), done.stderr


@pytest.mark.parametrize("arguments", TELLING.values(), ids=TELLING.keys())
def test_no_room(place: Path, arguments: tuple[str, ...]) -> None:
    """A full disk is said in one line, and no success, unless nothing was to be printed there."""
    with open("/dev/full", "w", encoding="utf-8") as full:
        command = [sys.executable, "-c", OTTER, *arguments]
        done = subprocess.run(command, cwd=place, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    message = "otter: error: what was to be printed has no room: No space left on device"
    if arguments[0] in ("run", "report", "export"):  # nothing
        assert (0, False) == (done.returncode, message in done.stderr)
    else:
        assert (1, [message]) == (done.returncode, done.stderr.splitlines())


def test_a_verdict_does_not_depend_on_who_hears_it(tmp_path: Path) -> None:
    """`otter check` says by its exit code that a file is wrong, also when nobody reads what is wrong with it."""
    (tmp_path / "pipeline.toml").write_text(PIPELINE.replace("you", "you\\nwhoo = 1"))
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-c", OTTER, "check", "pipeline.toml"]
    assert 22 == subprocess.run(command, cwd=tmp_path, stdout=writer, check=False).returncode
    os.close(writer)


def test_a_verb_is_broken_off(tmp_path: Path) -> None:
    """Ctrl-C ends a verb that only tells something without a word."""
    os.mkfifo(tmp_path / "pipeline.toml")  # whoever opens it waits
    command = [sys.executable, "-c", OTTER, "check", "pipeline.toml"]
    with (
        subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process,
        open(tmp_path / "pipeline.toml", "w", encoding="utf-8"),  # it has come to the file
    ):
        said = ""
        for _ in range(6):  # Python drops a signal that comes while it runs a callback of its own
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                _, said = process.communicate(timeout=5)
                break
    assert (130, "") == (process.returncode, said)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("arguments", ["run pipeline.toml", "check pipeline.toml", "status"])
def test_streams_are_closed(place: Path, closed: str, arguments: str) -> None:
    """A command that is started without one of its streams does what it should, and writes into no file of its own."""
    line = f'exec "$0" -c "$1" {arguments} {closed}'
    command = ["sh", "-c", line, sys.executable, OTTER]
    assert 0 == subprocess.run(command, cwd=place, capture_output=True, check=False).returncode
    assert b"succeeded" not in (place / "work" / ".otter" / "otter_greet" / "journal").read_bytes()


def test_an_encoding_lacks_characters(tmp_path: Path) -> None:
    """What a terminal has no character for is spelled out."""
    (tmp_path / "pipeline.toml").write_text(PIPELINE.replace("you", "日本"), "utf-8")
    command = [sys.executable, "-c", OTTER, "plan", "pipeline.toml"]
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)
    assert r"hello_world \u65e5\u672c" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",), ("plan", "pipeline.toml"), ("manifest", "show"), ("init",),
        ("run", '"$OLDPWD/pipeline.toml"', '--work-path="$OLDPWD/work"'),
    ],
    ids=lambda arguments: arguments[0],
)  # fmt: skip
def test_the_working_directory_is_gone(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """It is said, in one line."""
    (tmp_path / "pipeline.toml").write_text(PIPELINE)
    line = f'mkdir gone; cd gone; rmdir "$PWD"; exec "$0" -c "$1" {" ".join(arguments)}'
    command = ["sh", "-c", line, sys.executable, OTTER]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode in (1, 22)
    assert "Traceback" not in done.stderr
    assert "error" in done.stderr


WRITING = {
    "graph": ("graph", "pipeline.toml", "-o"),
    "schema": ("schema", "-o"),
    "report": ("report", "-o"),
    "export": ("export", "-f", "chrome", "-o"),
    "replay": ("replay", "you", "--save"),
}
"""Verbs that write a file, with the flag that names it."""


@pytest.mark.parametrize("arguments", WRITING.values(), ids=WRITING.keys())
def test_a_named_output(place: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Every verb takes `-` for the standard output, makes missing directories, and says why it cannot write."""
    command = [sys.executable, "-c", OTTER, *arguments]

    def run(output: str | Path) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([*command, str(output)], cwd=place, capture_output=True, check=False)

    file = tmp_path / "new" / "file"
    assert 0 == run(file).returncode
    printed = run("-")
    assert (0, True) == (printed.returncode, len(printed.stdout) > 20)
    assert not (place / "-").exists()
    assert abs(file.stat().st_size - len(printed.stdout)) < 100  # a time of day is in some of them
    for output in (tmp_path, Path(".")):
        refused = run(output)
        assert (22, b"") == (refused.returncode, refused.stdout)
        assert refused.stderr.endswith(f"{output} cannot be written: Is a directory\n".encode())


@pytest.mark.parametrize("arguments", WRITING.values(), ids=WRITING.keys())
def test_an_output_that_is_no_file_stays(place: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """A pipe or a device gets what is written, and is there afterwards: nothing is renamed over it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-c", OTTER, *arguments, str(pipe)]
    with subprocess.Popen(command, cwd=place, stderr=subprocess.PIPE) as process, open(pipe, "rb") as stream:
        data = stream.read()  # it was opened when the other end was
        said = process.communicate()[1]
    assert (0, True, True) == (process.returncode, len(data) > 20, pipe.is_fifo()), said
