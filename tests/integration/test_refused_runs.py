"""A run that is refused: in which words, with which exit code, and that it leaves alone what a former run recorded."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from otter.cli import main
from otter.core import Runner

PIPELINE = """\
[[steps.greet]]
name = "hello_world you"
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a pipeline file."""
    (tmp_path / "pipeline.toml").write_text(PIPELINE)
    (tmp_path / "config.toml").write_text(PIPELINE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


UNUSABLE = [
    ("pipeline.toml", "{0}/pipeline.toml is a file, where a directory is needed"),
    ("pipeline.toml/work", "directory {0}/pipeline.toml/work cannot be made: Not a directory"),
    ("w" * 300, f"directory {{0}}/{'w' * 300} cannot be made: File name too long"),
]


@pytest.mark.parametrize("flag", ["--work-path", "--release-uri"])
@pytest.mark.parametrize(("path", "said"), UNUSABLE, ids=["a file", "below a file", "too long"])
def test_a_directory_that_cannot_be_made(
    place: Path, capfd: pytest.CaptureFixture[str], flag: str, path: str, said: str
) -> None:
    """A work path or a release that cannot be used is a mistake of whoever named it, told in one line."""
    assert 22 == main(["run", "pipeline.toml", flag, path])
    assert f"otter: error: {said.format(place)}\n" == capfd.readouterr().err


def test_a_full_disk_is_no_slip(place: Path) -> None:
    """It may have room later: the file that found none is named, and the exit code is another one."""

    def write_nothing() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    command = [sys.executable, "-m", "otter.cli", "run", "pipeline.toml"]
    done = subprocess.run(command, preexec_fn=write_nothing, stderr=subprocess.PIPE, text=True, check=False)
    lock = place / "work" / ".otter" / "otter_greet" / "lock"
    assert (1, f"otter: error: {lock}: File too large\n") == (done.returncode, done.stderr)


def test_an_application_refuses_it_as_well(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`Runner.start` ends with the same exit code."""
    with pytest.raises(SystemExit) as exit_:
        Runner("mine").start(["--work-path", "config.toml/work"])
    assert 22 == exit_.value.code
    assert "mine: error: directory config.toml/work cannot be made: Not a directory\n" == capfd.readouterr().err


@pytest.mark.parametrize(
    ("more", "arguments", "code"),
    [
        ('whoo = "x"\n', [], 22),
        ("policy = { retries = -1 }\n", [], 22),
        ("", ["--tasks", "tests.nowhere"], 2),
        ("", ["--set", "name"], 22),
        ("", ["--release-uri", "pipeline.toml"], 22),
        ("", ["--worker-python", "no-such-python"], 22),
        ('[workers]\npython = "./pipeline.toml"\n', [], 22),
    ],
    ids=["field", "policy", "package", "flag", "release", "interpreter", "no program"],
)
def test_what_a_former_run_recorded_stays(
    place: Path, capfd: pytest.CaptureFixture[str], more: str, arguments: list[str], code: int
) -> None:
    """After a slip that was refused, the run before it can be looked at and resumed, as if nothing had happened."""
    assert 0 == main(["run", "pipeline.toml"])
    manifest = (place / "work" / "manifest.json").read_bytes()
    (place / "slip.toml").write_text(PIPELINE + more)

    assert code == main(["run", "slip.toml", *arguments])

    assert manifest == (place / "work" / "manifest.json").read_bytes()
    capfd.readouterr()
    assert 0 == main(["logs", "you"])
    assert "hello" in capfd.readouterr().out
    assert 0 == main(["run", "pipeline.toml", "--resume", "--explain"])
    assert "hello_world you: done before, nothing changed\n" == capfd.readouterr().out


def test_a_run_that_begins_anew_keeps_the_former_record_aside(place: Path) -> None:
    """Without `--resume` the former journal is still there, under another name."""
    state = place / "work" / ".otter" / "otter_greet"
    assert 0 == main(["run", "pipeline.toml"])
    former = (state / "journal").read_bytes()
    assert 0 == main(["run", "pipeline.toml"])
    assert former == (state / "journal.previous").read_bytes()
    assert former != (state / "journal").read_bytes()
    assert not (state / "journal.new").exists()


WRONG = """\
pool_size = 0
wrok_path = "w"

[[steps.greet]]
name = "hello_world you"
whoo = "x"

[[steps.other]]
name = "hello_word you"
requires = ["hello_world me"]
"""
OF_SETTINGS = ["pool_size", "wrok_path"]
OF_STEPS = {"greet": ["steps.greet[0].whoo"], "other": ["steps.other[0].name", "steps.other[0].requires[0]"]}


@pytest.mark.parametrize("verb", ["run", "plan", "graph", "check"])
@pytest.mark.parametrize("step", ["greet", "other", None])
def test_mistakes_of_settings_hide_no_others(
    place: Path, capfd: pytest.CaptureFixture[str], verb: str, step: str | None
) -> None:
    """Whoever looks at a file tells all that is wrong, of the settings and of the step, in the order of the lines."""
    (place / "wrong.toml").write_text(WRONG)
    flags = ["--step", step] if step is not None else []

    assert 22 == main([verb, "wrong.toml", *flags])

    said = capfd.readouterr()
    lines = (said.err if verb != "check" else said.out).splitlines()
    told = [line.split(" error: ")[1].partition(": ")[0] for line in lines if " error: " in line]
    of_steps = OF_STEPS[step] if step is not None else [path for paths in OF_STEPS.values() for path in paths]
    assert [*OF_SETTINGS, *of_steps] == told
    assert lines[-1].endswith(f"{len(told)} errors")


def test_an_application_tells_what_it_can(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Its task types are not known when it reads the file: what depends on them is left out."""
    (place / "config.toml").write_text(f"{WRONG}policy = {{ retries = -1 }}\n")
    with pytest.raises(SystemExit) as exit_:
        Runner("mine").start(["--step", "other"])
    assert 22 == exit_.value.code
    said = capfd.readouterr().err
    assert ["retries" in said, "whoo" in said, "hello_word you" in said] == [True, False, False]
    assert said.endswith("3 errors\n")


def test_a_first_run_that_was_refused_is_no_run(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """There is nothing to be resumed, and nothing is said to be."""
    (place / "pipeline.toml").write_text(PIPELINE + 'whoo = "x"\n')
    assert 22 == main(["run", "pipeline.toml"])
    capfd.readouterr()
    assert 22 == main(["status"])
    assert "otter status: error: no step ever ran in work: name another" in capfd.readouterr().err


@pytest.mark.parametrize("verb", ["run", "check", "plan", "graph"])
def test_an_interpreter_that_is_not_there(place: Path, capfd: pytest.CaptureFixture[str], verb: str) -> None:
    """Whoever needs the environment of the workers calls it a bad configuration."""
    assert 22 == main([verb, "pipeline.toml", "--worker-python", "no-such-python"])
    assert capfd.readouterr().err.startswith("otter: error: the interpreter for workers, no-such-python: ")


def test_mistakes_of_settings_are_told_without_an_environment(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What can be said without the task types is said, where they cannot be asked for."""
    (place / "wrong.toml").write_text(f"pool_size = 0\n{PIPELINE}")
    assert 22 == main(["run", "wrong.toml", "--worker-python", "no-such-python"])
    assert "wrong.toml:1:13: error: pool_size: expected 1 to 4,096, got 0" in capfd.readouterr().err
