"""`otter.testing.run_pipeline`: a whole step in a test."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from otter.manifest.model import Result
from otter.testing import CoordinatorMissingError, run_pipeline

TEXT = """
[scratchpad]
who = "nobody"
[[steps.greet]]
name = "hello_world ${who}"
who = "${who}"
[[steps.other]]
name = "hello_world other"
"""


def test_a_text_is_run(tmp_path: Path) -> None:
    """In the directory that is given; one step of several, with values that win over those of the text."""
    outcome = run_pipeline(TEXT, directory=tmp_path, step="greet", scratchpad={"who": "you"})
    assert (0, Result.SUCCESS) == (outcome.exit_code, outcome.result)
    assert ["you"] == [artifact.destination for artifact in outcome.artifacts]
    assert Result.SUCCESS == outcome.tasks["hello_world you"].result
    assert (tmp_path / "work" / "manifest.json").is_file()
    assert "1 succeeded" in outcome.output


def test_a_file_and_tables_are_run(tmp_path: Path) -> None:
    """A path names a file; tables are written as one."""
    file = tmp_path / "mine.toml"
    file.write_text('[[steps.a]]\nname = "hello_world file"\n', "utf-8")
    assert ["hello_world file"] == list(run_pipeline(file, directory=tmp_path).tasks)
    tables = {"a": [{"name": "command x", "argv": ["true"]}]}
    again = run_pipeline(tables, directory=tmp_path, packages=["otter.commands"])
    assert ["command x"] == list(again.tasks)


def test_a_failure_is_raised_unless_it_is_asked_for(tmp_path: Path) -> None:
    """With what the run printed; `check=False` gives the record back."""
    text = '[[steps.a]]\nname = "copy x"\nsource = "/no/such/file"\ndestination = "x"\n'
    with pytest.raises(AssertionError, match="1 failed"):
        run_pipeline(text, directory=tmp_path)
    outcome = run_pipeline(text, directory=tmp_path, check=False)
    assert (1, Result.FAILURE) == (outcome.exit_code, outcome.result)
    assert "<otter run: exit code 1, 1 tasks>" == repr(outcome)


def test_a_pipeline_that_cannot_begin(tmp_path: Path) -> None:
    """There is no record then, and the mistakes are in the output."""
    outcome = run_pipeline('[[steps.a]]\nname = "cpy x"\n', directory=tmp_path, check=False)
    assert (22, Result.PENDING, {}) == (outcome.exit_code, outcome.result, outcome.tasks)
    assert "did you mean 'copy'?" in outcome.output


def test_arguments_go_through(tmp_path: Path) -> None:
    """A second run with `--resume` does nothing again."""
    run_pipeline(TEXT, directory=tmp_path, step="other")
    again = run_pipeline(TEXT, directory=tmp_path, step="other", arguments=["--resume"])
    assert "done before" in again.output


def test_variables_of_the_user_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set for runs of another kind has no say in a test."""
    monkeypatch.setenv("OTTER_STEP", "nonsense")
    monkeypatch.setenv("OTTER_RELEASE_URI", "https://nowhere.invalid")
    assert Result.SUCCESS == run_pipeline(TEXT, directory=tmp_path, step="other").result


def test_without_a_coordinator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an environment with otter-worker alone it is said what to install."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CoordinatorMissingError, match="pip install otter-coordinator"):
        run_pipeline(TEXT, directory=tmp_path)
