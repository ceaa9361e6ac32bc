"""`otter tasks`: what is said of task types."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from otter.cli import main
from otter.core.types import describe, published_types

TYPES = {
    "task_types": [
        {
            "name": "greet",
            "doc": "Greet somebody.\n\nPolitely.",
            "module": "mine.tasks.greet",
            "asynchronous": True,
            "stores": True,
            "fields": [
                {"name": "who", "schema": {"type": "string"}, "required": True, "doc": "Whom to greet."},
                {"name": "times", "schema": {"type": "integer"}, "required": False, "default": 2},
                {"name": "how", "schema": {"enum": ["loud", "low"]}, "required": False, "default": "low"},
                {"name": "extra", "schema": {}, "required": False},
            ],
        },
        {"name": "crawl", "open": True, "generates": True, "module": "mine.tasks.crawl"},
        {"name": "rest", "fields": []},
    ]
}


@pytest.fixture
def types_file(tmp_path: Path) -> str:
    """A description of task types."""
    path = tmp_path / "types.json"
    path.write_bytes(orjson.dumps(TYPES))
    return str(path)


def test_types_are_listed(types_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each type, with the first line of what it does."""
    assert 0 == main(["tasks", "--types", types_file])
    assert "crawl\ngreet  Greet somebody.\nrest\n" == capsys.readouterr().out


def test_one_type_is_described(types_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """All that is known of it: how it runs, what it does, its fields with types, defaults and texts."""
    assert 0 == main(["tasks", "greet", "--types", types_file])
    expected = """\
greet  (asynchronous: shares a worker with others; stores values in the scratchpad; from mine.tasks.greet)

    Greet somebody.

    Politely.

fields
    who  text, required
        Whom to greet.
    times  an integer, default 2
    how  one of 'loud', 'low', default "low"
    extra  anything

Every task has name, requires, policy and scratchpad_ignore_missing as well.
"""
    assert expected == capsys.readouterr().out


@pytest.mark.parametrize(("name", "line"), [("crawl", "any: the type declares none"), ("rest", "none of its own")])
def test_types_without_fields(types_file: str, name: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A type that declares no fields, and one that has none."""
    assert 0 == main(["tasks", name, "--types", types_file])
    assert f"fields\n    {line}\n" in capsys.readouterr().out


def test_an_unknown_type_is_refused(types_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With the nearest known one."""
    assert 22 == main(["tasks", "gret", "--types", types_file])
    assert "otter: error: unknown task type 'gret'; did you mean 'greet'?\n" == capsys.readouterr().err


def test_json_is_what_a_worker_prints(tmp_path: Path) -> None:
    """It can be taken to where the task code is not installed: as `otter-worker describe` prints it, sorted."""
    command = [sys.executable, "-c", "from otter.cli import main; raise SystemExit(main())", "tasks", "--json"]
    printed = subprocess.run(command, capture_output=True, check=True, stdin=subprocess.DEVNULL).stdout
    assert orjson.loads(describe()) == orjson.loads(printed)
    path = tmp_path / "types.json"
    path.write_bytes(printed)
    again = subprocess.run([*command, "copy", "--types", path], capture_output=True, check=True).stdout
    assert ["copy"] == [table["name"] for table in orjson.loads(again)["task_types"]]


def test_a_missing_package_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and one line."""
    assert 2 == main(["tasks", "--tasks", "no_such_package.tasks"])
    expected = (
        "otter: error: there is no task package 'no_such_package.tasks' on this Python's path: "
        "install it, or have PYTHONPATH name the directory that it is in\n"
    )
    assert expected == capsys.readouterr().err


def test_no_types(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An environment without task types says what to do."""
    path = tmp_path / "types.json"
    path.write_bytes(b'{"task_types": []}')
    assert 0 == main(["tasks", "--types", str(path)])
    assert "no task types are installed; name a package with --tasks\n" == capsys.readouterr().out


def test_what_task_code_prints_is_no_part_of_the_description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules may print when they are imported."""
    package = tmp_path / "loud_tasks"
    package.mkdir()
    (package / "__init__.py").write_text("print('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "copy" in published_types(["loud_tasks"])
