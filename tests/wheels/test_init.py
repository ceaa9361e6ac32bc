"""What `otter init` makes, followed to the letter in an empty environment."""

from collections.abc import Callable
from pathlib import Path

from tests.wheels.environment import Environment


def test_a_new_project_runs_and_passes_its_tests(install: Callable[..., Environment], tmp_path: Path) -> None:
    """The commands that `otter init` prints do what they say, with nothing but the wheels and what they ask for."""
    environment = install("otter-coordinator", "otter-worker")
    printed = environment.run("otter", "init", "my-words", cwd=tmp_path)
    project = tmp_path / "my-words"
    assert ["cd my-words", 'pip install -e ".[dev]"', "otter run pipeline.toml", "pytest"] == [
        line.strip() for line in printed.splitlines() if line.startswith("    ")
    ]

    environment.install("-e", f"{project}[dev]")

    environment.run("otter", "run", "pipeline.toml", cwd=project)
    assert '"otter": 2' in (project / "work" / "counts.json").read_text("utf-8")
    assert "4 passed" in environment.run("pytest", cwd=project)
    assert "no problems" in environment.run("otter", "check", "pipeline.toml", cwd=project)
    assert "count_words" in environment.run("otter", "tasks", cwd=project)
