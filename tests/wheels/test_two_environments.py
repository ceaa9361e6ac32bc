"""Coordinator and workers live in two environments, of two Pythons."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wheels.archive import Wheel
from tests.wheels.environment import Environment


def test_quick_start_runs_across_two_environments(
    install: Callable[..., Environment],
    wheels: dict[str, Wheel],
    other_python: str,
    pytestconfig: pytest.Config,
    tmp_path: Path,
) -> None:
    """The quick start runs where no environment has all of it.

    The first has coordinator and model; the second, of another minor version of Python where there
    is one, has worker, model and the task package, and nothing else of otter.
    """
    quick_start = pytestconfig.rootpath / "pipelines" / "stdlib_inventory"
    coordinator = install("otter-coordinator")
    worker = install("otter-worker", python=other_python)
    worker.install(quick_start, *(wheels[one].path for one in ("otter-model", "otter-worker")))

    coordinator.run(
        *("otter", "run", quick_start / "pipeline.toml", "--quiet"),
        *("--worker-python", worker.python, "--work-path", tmp_path),
        cwd=tmp_path,
    )

    manifest = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    (step,) = manifest["steps"].values()
    assert "success" == step["result"]
    assert {"success"} == {task["result"] for task in step["tasks"]}
    assert {"otter-coordinator", "otter-model"} == _ours(coordinator)
    assert {"otter-model", "otter-stdlib-inventory", "otter-worker"} == _ours(worker)


def _ours(environment: Environment) -> set[str]:
    return {name for name in environment.distributions() if name.startswith("otter-")}
