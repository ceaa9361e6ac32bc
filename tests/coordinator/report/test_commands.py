"""`otter report` and `otter export` on the command line, also after a real run."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from otter.cli import main
from otter.manifest.model import Result
from otter.report import read_release
from tests.coordinator.report.manifests import manifest, write

PIPELINE = """\
work_path = "./work"
pool_size = 2

[[steps.demo]]
name = "hello_world first"
who = "you"

[[steps.demo]]
name = "explode more"
requires = ["hello_world first"]
foreach = ["a", "b"]
[[steps.demo.do]]
name = "copy ${each}"
source = "file:///nowhere/${each}"
destination = "output/${each}"

[[steps.demo]]
name = "hello_world last"
requires = ["explode more"]
who = "all"
"""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with a manifest of a step in it."""
    write(manifest(30), tmp_path / "manifest.json")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_real_run_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the engine records is what the report reads: edges, generators, workers, attempts, blocked tasks."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pipeline.toml").write_text(PIPELINE)
    assert 1 == main(["run", "pipeline.toml", "--keep-going", "--quiet"])
    assert 0 == main(["report"])
    step = read_release(tmp_path / "work").step("demo")
    tasks = {task.name: task for task in step.tasks}
    assert ["hello_world first"] == tasks["explode more"].requires
    assert "explode more" == tasks["copy a"].parent
    assert Result.FAILURE is tasks["copy a"].result
    assert tasks["copy a"].attempts[-1].worker is not None
    assert tasks["copy a"].exception is not None
    assert tasks["hello_world last"].blocked_by in {"copy a", "copy b"}
    assert b"hello_world last" in (tmp_path / "report.html").read_bytes()


def test_the_page_says_where_it_is(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line names the file, how many tasks it is about, and its size."""
    assert 0 == main(["report", "-o", "page.html"])
    assert capsys.readouterr().err.startswith("page.html: 29 tasks, ")
    assert (directory / "page.html").read_bytes().startswith(b"<!doctype html>")


def test_a_page_can_go_to_the_standard_output(directory: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Then nothing else is written."""
    assert 0 == main(["report", "manifest.json", "-o", "-"])
    out, err = capfdbinary.readouterr()
    assert out.startswith(b"<!doctype html>")
    assert b"" == err
    assert not (directory / "report.html").exists()


@pytest.mark.parametrize("verb", [["report"], ["export", "--format", "chrome"]])
def test_mistakes_are_said_in_one_line(verb: list[str], directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown step, a missing manifest and an unwritable target end with 22 and a sentence."""
    for arguments, words in (
        (["--step", "other"], "no step 'other'; it has: otter_species"),
        (["nowhere.json"], "nowhere.json: No such file or directory"),
        (["-o", "/proc/none/page.html"], "/proc/none/page.html cannot be written"),
    ):
        assert 22 == main([*verb, *arguments])
        error = capsys.readouterr().err
        assert words in error
        assert 1 == error.count("\n")


def test_without_a_manifest_one_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The places that were looked at are named."""
    monkeypatch.chdir(tmp_path)
    assert 22 == main(["report"])
    assert "name a manifest: there is none in manifest.json or work/manifest.json" in capsys.readouterr().err


def test_exports_are_written(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each format has a file of its own; its name is printed."""
    for name, file in (
        ("chrome", "trace.json"),
        ("openlineage", "openlineage.jsonl"),
        ("ro-crate", "ro-crate-metadata.json"),
    ):
        assert 0 == main(["export", "--format", name])
        assert file in capsys.readouterr().err
    assert "traceEvents" in orjson.loads((directory / "trace.json").read_bytes())
    events = (directory / "openlineage.jsonl").read_bytes().splitlines()
    assert "START" == orjson.loads(events[0])["eventType"]


def test_a_crate_is_no_stream(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A crate cannot go to the standard output."""
    assert 22 == main(["export", "--format", "ro-crate", "-o", "-"])
    assert "a crate is a directory" in capsys.readouterr().err
