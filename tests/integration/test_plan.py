"""`otter plan --resume` against `otter run --resume`: what is foretold is what happens."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from otter.testing import run_pipeline

TEXT = """\
[scratchpad]
letters = "ab"
[[steps.s]]
name = "command first"
argv = ["touch", "first"]
outputs = ["first"]
[[steps.s]]
name = "find_latest input"
requires = ["command first"]
source = "*.in"
scratchpad_key = "latest"
[[steps.s]]
name = "command uses latest"
requires = ["find_latest input"]
argv = ["echo", "${latest}"]
[[steps.s]]
name = "explode letters"
foreach = ["a", "b"]
[[steps.s.do]]
name = "explode_glob ${each} files"
glob = "${each}*.in"
[[steps.s.do.do]]
name = "command copy of ${match_stem}"
argv = ["cp", "${match_path}${match_stem}.in", "${match_stem}.out"]
outputs = ["${match_stem}.out"]
[[steps.s]]
name = "command last"
requires = ["explode letters", "command uses latest"]
argv = ["echo", "${letters}"]
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work path with some input, in which the pipeline has run."""
    work = tmp_path / "work"
    work.mkdir()
    for name in ("a1", "a2", "b1"):
        (work / f"{name}.in").write_text(name)
    run_pipeline(TEXT, directory=tmp_path, packages=["otter.commands"])
    return work


def planned(directory: Path, *arguments: str) -> dict[str, tuple[str, str]]:
    """What the plan says of each task: what becomes of it, and why."""
    command = [sys.executable, "-m", "otter.cli", "plan", "pipeline.toml", "--json", "--tasks", "otter.commands"]
    done = subprocess.run([*command, "--work-path", "work", *arguments], cwd=directory, capture_output=True, check=True)
    return {entry["name"]: (entry["action"], entry["why"]) for entry in orjson.loads(done.stdout)["entries"]}


def nothing(work: Path) -> None:
    """Everything is as it was."""


def lose_first(work: Path) -> None:
    """What the first task made is gone, and with it all that follows."""
    (work / "first").unlink()


def spoil_copy(work: Path) -> None:
    """What a generated task made has changed."""
    (work / "a2.out").write_text("spoilt")


CHANGES: list[tuple[Callable[[Path], None], list[str], str, str]] = [
    (nothing, [], "", ""),
    (lose_first, [], "", ""),
    (spoil_copy, [], "", ""),
    (nothing, ["--set", "letters=xy"], "", ""),
    (nothing, [], 'foreach = ["a", "b"]', 'foreach = ["a"]'),
    (nothing, [], 'argv = ["touch", "first"]', 'argv = ["touch", "first", "second"]'),
]


@pytest.mark.parametrize(("change", "arguments", "before", "after"), CHANGES)
def test_the_plan_is_what_happens(
    tmp_path: Path, work: Path, change: Callable[[Path], None], arguments: list[str], before: str, after: str
) -> None:
    """Whatever changed since: the same tasks run again, and the others are taken over, for the same reasons."""
    change(work)
    text = TEXT.replace(before, after) if before else TEXT
    (tmp_path / "pipeline.toml").write_text(text, "utf-8")
    plan = planned(tmp_path, "--resume", *arguments)

    outcome = run_pipeline(
        text, directory=tmp_path, packages=["otter.commands"], arguments=["--resume", "--explain", *arguments]
    )

    happened = {name: "reuse" if task.model_dump().get("reused") else "run" for name, task in outcome.tasks.items()}
    assert happened == {name: action for name, (action, _) in plan.items()}
    for name, (_, why) in plan.items():
        assert f"{name}: {why.replace('runs again', 'ran again')}\n" in outcome.output


def test_a_plan_without_resume_runs_everything(tmp_path: Path, work: Path) -> None:
    """And knows from the manifest what generators made."""
    plan = planned(tmp_path)
    assert {"run"} == {action for action, _ in plan.values()}
    assert {"command copy of a1", "command copy of a2", "command copy of b1"} <= set(plan)


def test_there_may_be_nothing_to_resume(tmp_path: Path) -> None:
    """Then every task runs, and says so."""
    (tmp_path / "pipeline.toml").write_text(TEXT, "utf-8")
    assert {("run", "never run before")} == set(planned(tmp_path, "--resume").values())
