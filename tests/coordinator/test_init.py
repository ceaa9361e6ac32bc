"""`otter init`: what it makes, as it stands on disk; tests/wheels installs and runs it as its reader would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tomli

from otter.cli import main
from otter.pipeline import load_pipeline

FILES = """\
.gitignore
README.md
pipeline.toml
pyproject.toml
src/my_words/__init__.py
src/my_words/tasks/__init__.py
src/my_words/tasks/count_words.py
src/my_words/tasks/merge_counts.py
tests/test_tasks.py
texts/fox.txt
texts/otter.txt
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A new project."""
    monkeypatch.chdir(tmp_path)
    assert 0 == main(["init", "My Words"])
    capsys.readouterr()
    return tmp_path / "My Words"


def run(project: Path, *command: str) -> str:
    """What a command prints in a project whose package counts as installed; anything but success is an error."""
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=project, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(project / "src"), "NO_COLOR": "1"},
    )  # fmt: skip
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def install(project: Path) -> None:
    """Leave what an installer would: the metadata by which the entry point is found."""
    table = tomli.loads((project / "pyproject.toml").read_text())["project"]
    metadata = project / "src" / f"my_words-{table['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {table['name']}\nVersion: {table['version']}\n")
    (points,) = table["entry-points"].items()
    lines = [f"[{points[0]}]", *(f"{name} = {value}" for name, value in points[1].items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines))


def test_files_are_made(project: Path) -> None:
    """A pipeline, a package, tests, and what they need; named after the directory."""
    found = sorted(str(path.relative_to(project)) for path in project.rglob("*") if path.is_file())
    assert FILES.splitlines() == found
    assert "my-words" == tomli.loads((project / "pyproject.toml").read_text())["project"]["name"]
    assert not [path for path in project.rglob("*") if path.is_file() and "{{" in path.read_text()]


def test_it_works(project: Path) -> None:
    """The pipeline is sound and runs, the types are described, the tests pass."""
    install(project)
    assert "1 step, 2 tasks: no problems\n" == run(project, "otter.cli", "check", "pipeline.toml")
    run(project, "otter.cli", "run", "pipeline.toml")
    assert '"otter": 2' in (project / "work/counts.json").read_text()
    described = run(project, "otter.cli", "tasks", "count_words")
    assert "Words with fewer letters are left out." in described
    assert "4 passed" in run(project, "pytest", "-q", "-p", "no:cacheprovider")


def test_the_code_is_clean(project: Path) -> None:
    """As formatters, linters and type checkers would leave it that know nothing of this repository."""
    run(project, "ruff", "format", "--isolated", "--check", ".")
    run(project, "ruff", "check", "--isolated", "--select", "E,F,W,I,UP,B,SIM,RUF", "--line-length", "100", ".")
    run(project, "mypy", "--strict", "--config-file=", "src")


def test_nothing_is_overwritten(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """If one of the files is there already, none is written."""
    (project / "README.md").unlink()
    (project / "pipeline.toml").write_text("mine")
    assert 22 == main(["init", "My Words"])
    error = capsys.readouterr().err
    assert error.startswith("otter: error: nothing was written, since there is already ")
    assert "My Words/pipeline.toml" in error
    assert "mine" == (project / "pipeline.toml").read_text()
    assert not (project / "README.md").exists()


def test_what_to_do_next_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Commands to copy."""
    monkeypatch.chdir(tmp_path)
    main(["init", "a b", "--name", "words"])
    expected = """\
made 11 files in a b; README.md says what they are
    cd 'a b'
    pip install -e ".[dev]"
    otter run pipeline.toml
    pytest
"""
    assert expected == capsys.readouterr().out
    assert {"words"} == set(load_pipeline("a b/pipeline.toml").steps)


@pytest.mark.parametrize("name", ["", "123", "...", "class", "otter", "json"])
def test_names_that_no_package_can_have(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Words of the language, of its library, or no words at all."""
    monkeypatch.chdir(tmp_path)
    assert 22 == main(["init", "--name", name])
    assert f"otter: error: {name!r} cannot be the name of a Python package" in capsys.readouterr().err
    assert [] == list(tmp_path.iterdir())


def test_a_directory_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The reason is said in one line."""
    (tmp_path / "file").write_text("")
    assert 22 == main(["init", str(tmp_path / "file" / "words")])
    assert "otter: error: " in capsys.readouterr().err
