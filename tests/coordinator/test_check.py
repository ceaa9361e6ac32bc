"""`otter check`: what it prints, and its exit codes."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from otter.cli import main
from tests.model.pipeline.task_types import TASK_TYPES

GOOD = '[scratchpad]\nv = "35"\n[[steps.fetch]]\nname = "copy ${v}"\nsource = "a"\ndestination = "b"\n'
BAD = GOOD + 'colour = "red"\nretries_allowed = "many"\n'

Check = Callable[..., tuple[int, str]]


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Check:
    """Runs `otter check` in a directory of its own with task types from a file."""
    monkeypatch.chdir(tmp_path)
    types = {"task_types": [task_type.to_json() for task_type in TASK_TYPES.values()]}
    (tmp_path / "types.json").write_bytes(orjson.dumps(types))

    def run(*arguments: str, **files: str) -> tuple[int, str]:
        for name, text in files.items():
            (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
        code = main(["check", "--types", "types.json", *arguments])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


def test_a_sound_file_is_counted(check: Check) -> None:
    """Exit code 0, and a line with what was checked."""
    assert (0, "1 step, 1 task: no problems\n") == check("good.toml", good=GOOD)


def test_mistakes_are_shown_with_their_lines(check: Check) -> None:
    """Exit code 22, every mistake in the order of the lines, and a summary."""
    expected = """\
bad.toml:7:1: error: steps.fetch[0].colour: copy has no field 'colour'
    7 | colour = "red"
      | ^^^^^^
  help: copy has source, destination, retries_allowed, mode, strict, ratio, settings, columns, headers, day
bad.toml:8:19: error: steps.fetch[0].retries_allowed: expected an integer, got the text 'many'
    8 | retries_allowed = "many"
      |                   ^^^^^^
1 step, 1 task: 2 errors
"""
    assert (22, expected) == check("bad.toml", bad=BAD)


def test_lenient_turns_unknown_fields_into_warnings(check: Check) -> None:
    """A file with nothing but unknown fields passes then."""
    code, text = check("--lenient", "bad.toml", bad=GOOD + 'colour = "red"\n')
    assert 0 == code
    assert "bad.toml:7:1: warning: steps.fetch[0].colour" in text
    assert text.endswith("1 step, 1 task: 1 warning\n")


def test_several_files_are_checked_together(check: Check) -> None:
    """One that cannot be read keeps none of the others from being checked."""
    code, text = check("good.toml", "none.toml", "bad.toml", "broken.toml", good=GOOD, bad=BAD, broken="x = \n")
    assert 22 == code
    assert [
        "none.toml: error: cannot be read: No such file or directory",
        "bad.toml:7:1: error: steps.fetch[0].colour: copy has no field 'colour'",
        "bad.toml:8:19: error: steps.fetch[0].retries_allowed: expected an integer, got the text 'many'",
        "broken.toml:1:5: error: invalid value",
    ] == [line for line in text.splitlines() if "error:" in line]
    assert text.endswith("2 steps, 2 tasks in 4 files: 4 errors\n")


def test_one_step_may_be_chosen(check: Check) -> None:
    """Others are left alone; one that is not in the file is refused with the nearest."""
    two = BAD + '[[steps.tidy]]\nname = "note a"\n'
    assert (0, "1 step, 1 task: no problems\n") == check("--step", "tidy", "two.toml", two=two)
    code, text = check("--step", "tiddy", "two.toml")
    assert 22 == code
    assert text.startswith("two.toml: error: unknown step 'tiddy'\n  help: did you mean 'tidy'?\n")


def test_values_can_be_given(check: Check) -> None:
    """`--set` defines what the run would be given."""
    text = '[[steps.s]]\nname = "copy ${who}"\nsource = "a"\ndestination = "b"\n'
    assert 22 == check("file.toml", file=text)[0]
    assert 0 == check("--set", "who=me", "file.toml")[0]
    assert (22, "otter: error: --set who: write it as key=value\n") == check("--set", "who", "file.toml")


def test_json_has_every_fact(check: Check) -> None:
    """For programs: counts, files with their steps, and problems with all that is known of them."""
    code, text = check("--json", "bad.toml", bad=BAD)
    assert 22 == code
    found: dict[str, Any] = orjson.loads(text)
    assert (2, 0) == (found["errors"], found["warnings"])
    (file,) = found["files"]
    assert ("bad.toml", {"fetch": 1}) == (file["file"], file["steps"])
    assert {
        "code": "wrong-type",
        "message": "expected an integer, got the text 'many'",
        "path": "steps.fetch[0].retries_allowed",
        "file": "bad.toml",
        "line": 8,
        "column": 19,
        "source": 'retries_allowed = "many"',
        "length": 6,
        "hint": None,
        "severity": "error",
        "notes": [],
    } == file["problems"][1]


def test_a_file_of_the_first_generation_is_pointed_to_convert(check: Check, tmp_path: Path) -> None:
    """YAML is not parsed as TOML: the message says what to do."""
    (tmp_path / "old.yaml").write_text("steps: {}\n", encoding="utf-8")
    code, text = check("old.yaml")
    assert (22, "otter: error: old.yaml is YAML: turn it into TOML with `otter convert old.yaml`\n") == (code, text)


def test_a_file_without_task_types_is_refused_in_one_line(check: Check, tmp_path: Path) -> None:
    """`--types` names something else."""
    (tmp_path / "types.json").write_text("[]", encoding="utf-8")
    code, text = check("good.toml", good=GOOD)
    assert 22 == code
    assert text.startswith("otter: error: types.json: not a description of task types: ")
    assert 1 == text.count("\n")


SCRIPT = "import sys; from otter.cli import main; sys.exit(main())"


def test_types_come_from_the_workers_environment(tmp_path: Path) -> None:
    """Without a file of types the installed packages are asked, in a process of their own."""
    (tmp_path / "p.toml").write_text(
        '[[steps.s]]\nname = "hello_world a"\nwho = "you"\n[[steps.s]]\nname = "helo_world b"\n', encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "check", "p.toml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (22, "") == (done.returncode, done.stderr)
    assert "p.toml:5:9: error: steps.s[1].name: unknown task type 'helo_world'" in done.stdout
    assert "did you mean 'hello_world'?" in done.stdout


def test_mistakes_of_settings_do_not_hide_those_of_tasks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every mistake of a file is found at once, each of them once, and none that only follows from another one."""
    (tmp_path / "p.toml").write_text(FAULTY, encoding="utf-8")
    assert 22 == main(["check", "--json", str(tmp_path / "p.toml")])
    (file,) = orjson.loads(capsys.readouterr().out)["files"]
    assert [
        (1, "pool_size: expected an integer, got the text 'many'"),
        (2, "work_pth: unknown key 'work_pth'"),
        (4, "pools.hosts: expected 1 to 1,000,000,000, got 0"),
        (6, "steps.s[0].whoo: hello_world has no field 'whoo'"),
        (6, "steps.s[1]: a task is a table, got the integer 3"),
    ] == [(problem["line"], f"{problem['path']}: {problem['message']}") for problem in file["problems"]]
    assert {"s": 2} == file["steps"]


FAULTY = """\
pool_size = "many"
work_pth = "x"
[pools]
hosts = 0
[steps]
s = [{ name = "hello_world a", whoo = 1, policy = { uses = { hosts = 3 } } }, 3]
"""


def test_a_type_that_has_to_be_allowed_says_how(tmp_path: Path) -> None:
    """`command` comes with otter and is unknown until the operator names its package."""
    (tmp_path / "p.toml").write_text('[[steps.s]]\nname = "command a"\nargv = ["true"]\n', encoding="utf-8")
    command = [sys.executable, "-c", SCRIPT, "check", "p.toml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert 22 == done.returncode
    assert (
        "help: it is in the task package otter.commands, which has to be named: --tasks otter.commands" in done.stdout
    )
    command += ["--tasks", "otter.commands"]
    assert 0 == subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode


def test_an_unknown_task_package_ends_with_two(tmp_path: Path) -> None:
    """The exit code of a missing task package, in one line."""
    (tmp_path / "p.toml").write_text('[[steps.s]]\nname = "hello_world a"\n', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "check", "--tasks", "no.such", "p.toml"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert 2 == done.returncode
    assert 1 == done.stderr.count("\n")
    assert "no.such" in done.stderr


@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_are_for_terminals(tmp_path: Path, environ: dict[str, str], coloured: bool) -> None:
    """A terminal gets colours, unless its user or its kind forbids them; a pipe never does."""
    (tmp_path / "p.toml").write_text("x = 1\n", encoding="utf-8")
    reader, writer = pty.openpty()
    clean = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TERM")}
    command = [sys.executable, "-c", SCRIPT, "check", "p.toml"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=writer, env={**clean, "TERM": "xterm", **environ}) as process:
        os.close(writer)
        shown = b""
        while chunk := _read(reader):
            shown += chunk
        assert 22 == process.wait()
    os.close(reader)
    assert coloured == (b"\x1b[" in shown)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # Linux says so when the other end of a terminal is closed
        return b""
