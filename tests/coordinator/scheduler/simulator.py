"""The deterministic simulator of the scheduler: a seed gives a run, and an oracle judges it.

python -m tests.coordinator.scheduler.simulator SEED           the run of one seed, event by event
python -m tests.coordinator.scheduler.simulator FIRST LAST     the runs of many seeds, on all processors
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import attrs

from otter.step.coordinator.events import Command, Event
from otter.step.coordinator.scheduler import Scheduler, Settings
from tests.coordinator.scheduler.oracle import Oracle, ViolationError
from tests.coordinator.scheduler.scenario import Scenario
from tests.coordinator.scheduler.world import World

CHUNK = 2000
THOROUGH = 16
"""One seed of so many has the scheduler's own invariants checked after each turn: that costs as much as the rest."""

Factory = Callable[[Settings], Scheduler]


@attrs.frozen
class Run:
    """What became of a seed.

    Attributes:
        seed: gives the same run again.
        problem: which promise was broken; none when all were kept.
        turns: how long it took.
        counts: commands by name.
    """

    seed: int
    problem: str | None
    turns: int
    counts: Counter[str]

    @property
    def reproduce(self) -> str:
        """The problem, and how to see it again."""
        return f"seed {self.seed}: {self.problem}\n  python -m tests.coordinator.scheduler.simulator {self.seed}"


def simulate(seed: int, factory: Factory = Scheduler, thorough: bool | None = None) -> Run:
    """Run a seed.

    Args:
        factory: makes the scheduler from its settings.
        thorough: check the scheduler's invariants after each turn; left out, some seeds do.
    """
    scenario = Scenario(seed)
    oracle = Oracle(scenario.settings)
    world = World(scenario, factory(scenario.settings), oracle, seed % THOROUGH == 0 if thorough is None else thorough)
    problem = None
    try:
        world.run()
    except ViolationError as violation:
        problem = str(violation)
    except Exception as error:  # noqa: BLE001 - whatever the scheduler raises is its defect
        problem = f"{type(error).__name__}: {error}"
    return Run(seed, problem, world.turns, oracle.counts)


def simulate_all(seeds: Iterable[int], factory: Factory = Scheduler) -> list[Run]:
    """Run seeds; those that broke a promise."""
    return [run for run in (simulate(seed, factory) for seed in seeds) if run.problem is not None]


class Narrator(Scheduler):
    """A scheduler that prints what it is told and what it says."""

    def handle_all(self, events: Iterable[Event]) -> list[Command]:
        """As the scheduler."""
        events = list(events)
        for event in events:
            print(f"{event.at:12.4f}  {event}")
        commands = super().handle_all(events)
        for command in commands:
            print(f"{'':12}    → {command}")
        return commands


def _chunk(seeds: range) -> list[Run]:
    return simulate_all(seeds)


def main(argv: Sequence[str] | None = None) -> int:
    """Tell one run, or search many for a broken promise."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("first", type=int, help="the seed, or the first one of many")
    parser.add_argument("last", type=int, nargs="?", help="the last one")
    args = parser.parse_args(argv)
    if args.last is None:
        scenario = Scenario(args.first)
        print(scenario.settings, "faults: " + ", ".join(sorted(scenario.faults)), *scenario.tasks, sep="\n")
        run = simulate(args.first, Narrator, thorough=True)
        print(f"{run.turns} turns, {dict(run.counts)}", run.problem or "All promises were kept.", sep="\n")
        return int(run.problem is not None)
    chunks = [range(first, min(first + CHUNK, args.last + 1)) for first in range(args.first, args.last + 1, CHUNK)]
    broken = 0
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        for done, runs in enumerate(pool.imap_unordered(_chunk, chunks), 1):
            broken += len(runs)
            for run in runs:
                print(run.reproduce)
            if done % 50 == 0:
                print(f"{done * CHUNK:,} seeds, {broken} broken", file=sys.stderr)
    print(f"{args.last - args.first + 1:,} seeds, {broken} broken")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
