"""A long file is read while the first worker starts: whoever runs it hears the same as of a short one."""

from __future__ import annotations

from pathlib import Path

import orjson
import psutil
import pytest

from otter.cli import main

HEAD = 'pool_size = 2\n\n[scratchpad]\nwhom = "you"\n\n'
SOUND = """\
[[steps.greet]]
name = "hello_world ${whom}"

[[steps.greet]]
name = "hello_world all"
requires = ["hello_world you"]
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(place: Path, text: str, *arguments: str) -> int:
    """The exit code of `otter run` with a file."""
    (place / "pipeline.toml").write_text(text)
    return main(["run", "pipeline.toml", *arguments])


MISTAKES = {
    "syntax": HEAD + SOUND + "oops\n",
    "unknown type": HEAD + SOUND.replace("hello_world all", "helo_world all"),
    "unknown field": HEAD + SOUND + "odd = 1\n",
    "placeholder": HEAD + SOUND.replace("all", "${nobody}"),
    "requirement": HEAD + SOUND.replace('["hello_world you"]', '["hello_world nobody"]'),
    "circle": HEAD + SOUND.replace('["hello_world you"]', '["hello_world all"]'),
    "twice": HEAD + SOUND + SOUND,
    "no name": HEAD + SOUND + "[[steps.greet]]\n",
    "no table": HEAD + SOUND + "[steps.other]\nname = 1\n",
    "setting and task": HEAD + SOUND.replace("all", "${nobody}") + '[pools]\nebi = "x"\n',
}


@pytest.mark.parametrize("text", MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_told_in_the_same_words(
    place: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Each with its line, and all at once; and what an earlier run recorded stays."""
    assert 0 == run(place, HEAD + SOUND)
    journal = place / "work" / ".otter" / "otter_greet" / "journal"
    recorded = journal.read_bytes()
    capfd.readouterr()

    assert 22 == run(place, text)
    said = capfd.readouterr()
    monkeypatch.setattr("otter.pipeline.preamble.LONG", 0)
    assert 22 == run(place, text)
    assert said == capfd.readouterr()
    assert "pipeline.toml:" in said.err
    assert recorded == journal.read_bytes()


@pytest.mark.parametrize("arguments", [["--step", "gret"], ["--pool-size", "0"], ["--tasks", "tests.nowhere"]])
def test_mistakes_of_the_command_line_as_well(
    place: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """They are found before anything is read or started."""
    code = run(place, HEAD + SOUND, *arguments)
    said = capfd.readouterr()
    monkeypatch.setattr("otter.pipeline.preamble.LONG", 0)
    assert code == run(place, HEAD + SOUND, *arguments) != 0
    assert said == capfd.readouterr()


def test_all_tasks_of_a_long_file_run(place: Path) -> None:
    """Those that are read last, too; and settings and scratchpad are those of the file."""
    count = 3000
    tasks = "".join(f'[[steps.greet]]\nname = "hello_world ${{whom}} {number}"\n\n' for number in range(count))
    assert len(HEAD + tasks) > 100_000
    assert 0 == run(place, HEAD + tasks)
    (step,) = orjson.loads((place / "work" / "manifest.json").read_bytes())["steps"].values()
    assert [f"hello_world you {number}" for number in range(count)] == [task["name"] for task in step["tasks"]]
    assert {"success"} == {task["result"] for task in step["tasks"]}


def test_a_long_file_that_ends_in_the_middle(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """As a copy that was cut off: the line is named, and no process is left."""
    tasks = "".join(f'[[steps.greet]]\nname = "hello_world {number:060}"\n\n' for number in range(2000))
    before = {child.pid for child in psutil.Process().children()}
    assert 22 == run(place, HEAD + tasks[:-10])
    assert "pipeline.toml:6004:" in capfd.readouterr().err
    assert before >= {child.pid for child in psutil.Process().children()}
