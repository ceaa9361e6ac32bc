"""The scheduler keeps its promises in simulated runs, and the simulator would notice if it did not."""

from __future__ import annotations

import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from otter.step.coordinator.scheduler import Scheduler
from tests.coordinator.scheduler.mutants import MUTANTS, Mutant
from tests.coordinator.scheduler.simulator import Narrator, simulate, simulate_all

SEEDS = 20_000
CHUNK = 1_000

ENOUGH = 5_000
"""Seeds within which every planted bug must be found; nearly all are found within a hundred."""

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_every_promise_is_kept(first: int) -> None:
    """No run of these seeds breaks a promise: a failure says which one, and how to see that run again."""
    broken = simulate_all(range(first, first + CHUNK))

    assert [] == broken, "\n".join(run.reproduce for run in broken[:5])


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_bug_is_found(mutant: Mutant) -> None:
    """The simulator finds each of the bugs that are planted into the core."""
    found = next((run for run in (simulate(seed, mutant) for seed in range(ENOUGH)) if run.problem is not None), None)

    assert found is not None, f"{ENOUGH} seeds did not find that {mutant.name}"


def test_a_seed_reproduces_its_run() -> None:
    """The same seed gives the same run, whatever else the process does in between."""
    first = [simulate(seed) for seed in range(50)]

    assert first == [simulate(seed) for seed in range(50)]


def test_the_runs_are_worth_it() -> None:
    """Simulated runs come to everything that a scheduler can order."""
    kinds = {kind for seed in range(300) for kind in simulate(seed).counts}

    assert {
        "Abort", "Commit", "DecideReuse", "Dispatch", "Finish", "KillWorker", "Retry", "Revoke", "StartWorker",
        "StopWorker",
    } == kinds  # fmt: skip


def test_a_run_is_told_event_by_event(capsys: pytest.CaptureFixture[str]) -> None:
    """A scheduler that tells what happens to it behaves as one that does not."""
    assert simulate(3) == simulate(3, Narrator)
    assert "TasksAdded(" in capsys.readouterr().out


def test_the_command_tells_one_seed() -> None:
    """`python -m tests.coordinator.scheduler.simulator SEED` shows a run, and exits with 0 when all is well."""
    command = [sys.executable, "-m", "tests.coordinator.scheduler.simulator", "7"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (0, "") == (result.returncode, result.stderr)
    assert result.stdout.endswith("All promises were kept.\n")


def test_a_broken_promise_says_how_to_see_it_again() -> None:
    """What is printed for a seed that found something is the command that shows its run."""
    run = next(run for run in (simulate(seed, MUTANTS[0]) for seed in count()) if run.problem is not None)

    assert f"python -m tests.coordinator.scheduler.simulator {run.seed}" in run.reproduce
    assert run == simulate(run.seed, MUTANTS[0])
    assert simulate(run.seed, Scheduler).problem is None
