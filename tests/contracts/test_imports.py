"""The import contracts hold, and each one is known to be able to fail."""

import os
import shutil
import subprocess
import sys
from configparser import ConfigParser
from importlib.util import find_spec
from pathlib import Path

import pytest

CONTRACTS = Path(__file__).with_name("importlinter.ini")

LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of all that otter ships, wherever it is installed from, that a test may spoil."""
    otter = find_spec("otter")
    assert otter is not None
    for portion in otter.submodule_search_locations or ():
        shutil.copytree(
            portion,
            tmp_path / "otter",
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    return tmp_path


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT, "--config", CONTRACTS, "--no-cache"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "NO_COLOR": "1", "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_contracts_know_every_package(tree: Path) -> None:
    """No package of otter is outside the contracts."""
    settings = ConfigParser()
    settings.read(CONTRACTS, "utf-8")
    folders = [marker.parent for marker in tree.rglob("py.typed")]

    known = settings["importlinter"]["root_packages"].split()

    assert sorted(known) == sorted(".".join(one.relative_to(tree).parts) for one in folders)


def test_contracts_hold(tree: Path) -> None:
    """Every import contract is kept by the code as it is."""
    result = lint(tree)

    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


@pytest.mark.parametrize(
    ("module", "defect", "contract"),
    [
        (
            "manifest/model.py",
            "import otter.storage",
            "The model imports neither worker nor coordinator",
        ),
        (
            "tasks/copy.py",
            "from otter.step.coordinator import Coordinator",
            "The worker does not import the coordinator",
        ),
        (
            "core/__init__.py",
            "def late():\n    from otter.step.worker import worker_process",
            "The coordinator does not import the worker",
        ),
        (
            "core/runner.py",
            "import otter.cli.printing",
            "The command imports the runner, and both the observers, never back",
        ),
        (
            "observers/plain.py",
            "import otter.core.exit_codes",
            "The command imports the runner, and both the observers, never back",
        ),
        (
            "step/coordinator/events.py",
            "import otter.step.coordinator.scheduler",
            "Inside the coordinator, effects import decisions, never back",
        ),
        (
            "step/coordinator/scheduler.py",
            "import otter.step.coordinator.journal",
            "Inside the coordinator, effects import decisions, never back",
        ),
        (
            "step/coordinator/pool.py",
            "import otter.step.coordinator.run_loop",
            "Inside the coordinator, effects import decisions, never back",
        ),
        ("pipeline/__init__.py", "import logging", "The model starts nothing and logs nothing"),
        (
            "step/coordinator/scheduler.py",
            "from time import monotonic",
            "Decisions and the wire know no clock, process, socket or logger",
        ),
        (
            "step/worker/executor.py",
            "import multiprocessing.connection",
            "Decisions and the wire know no clock, process, socket or logger",
        ),
        (
            "wire/frames.py",
            "from asyncio import StreamReader",
            "Decisions and the wire know no clock, process, socket or logger",
        ),
    ],
)
def test_planted_import_is_refused(tree: Path, module: str, defect: str, contract: str) -> None:
    """An import in the forbidden direction breaks the contract that forbids it, by name."""
    path = tree / "otter" / module
    path.write_text(f"{path.read_text('utf-8')}\n{defect}\n", "utf-8")

    result = lint(tree)

    assert result.returncode == 1, result.stdout + result.stderr
    assert f"{contract} BROKEN" in result.stdout
