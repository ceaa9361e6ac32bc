"""What a simulated run is made of: settings, tasks, and the faults that may befall it, all drawn from a seed.

Each seed switches each fault on or off as a whole: runs in which everything goes wrong at once are over too soon to be
interesting, and some defects show only where a fault is absent.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Literal, get_args

from otter.step.coordinator.events import NewTask
from otter.step.coordinator.scheduler import Settings
from otter.task.policy import Policy
from tests.coordinator.scheduler.account import KnownTask

Fault = Literal[
    "failures", "crashes", "hangs", "timeouts", "generators", "bad generators", "priorities", "pools", "tainted",
    "refused", "stale", "deaths", "failed starts", "mute starts", "unstartable", "stalls", "undying", "gaps", "stop",
    "engine", "resume", "missing", "batches", "once", "asynchronous",
]  # fmt: skip
FAULTS: tuple[Fault, ...] = get_args(Fault)

DURATIONS = {"tiny": 0.0005, "short": 0.003, "long": 0.4}
"""Seconds that tasks of each type usually take."""

POOL_NAMES = ("db", "net")


class Scenario:
    """The circumstances of one run.

    Attributes:
        rng: every later choice of the run comes from here too.
        faults: what may go wrong.
        tasks: those that the pipeline file describes.
        room: how many more tasks generators may still make.
    """

    def __init__(self, seed: int) -> None:
        rng = self.rng = random.Random(seed)
        density = rng.choice((0.1, 0.25, 0.5))
        self.faults = frozenset(fault for fault in FAULTS if rng.random() < density)
        self.room = 24
        count = rng.choice((1, 2, 3, 5, 8, 12, 16, 20))
        self.settings = Settings(
            pool_size=rng.choice((1, 1, 2, 3, 4)),
            concurrency=rng.choice((1, 2, 4)),
            keep_going=rng.random() < 0.7,
            grace=rng.choice((0.7, 3.0, 7.0)),
            max_specs=count + rng.choice((1, 30, 30, 30)),
            start_timeout=rng.choice((3.0, 8.0)),
            starts_at_once=rng.choice((1, 2, 4)),
            crash_limit=rng.choice((1, 2, 3)),
            pools={name: rng.randint(1, 3) for name in POOL_NAMES},
            seed=seed,
        )
        names: list[str] = []
        tasks: list[NewTask] = []
        for place in range(count):
            tasks.append(self.new_task(f"t{place}", names))
            names.append(f"t{place}")
        if rng.random() < 0.3:
            rng.shuffle(tasks)
        self.tasks = tuple(tasks)

    def has(self, fault: Fault, chance: float = 1.0) -> bool:
        """Whether a fault strikes now."""
        return fault in self.faults and (chance >= 1.0 or self.rng.random() < chance)

    def new_task(self, name: str, others: list[str]) -> NewTask:
        """A task that may require others."""
        rng = self.rng
        requires: list[str] = []
        if others and rng.random() < 0.6:
            requires = rng.sample(others, min(len(others), rng.choice((1, 1, 2, 3))))
        if self.has("missing", 0.1):
            requires.append(rng.choice(("ghost", f"t{rng.randrange(4)}/0")))
        return NewTask(
            name,
            rng.choice(tuple(DURATIONS)),
            tuple(requires),
            self._policy(),
            self.has("asynchronous", 0.5),
            self.has("resume", 0.6),
        )

    def _policy(self) -> Policy:
        rng = self.rng
        uses = {}
        if self.has("pools", 0.6):
            uses = {pool: rng.choice((1, 1, 2, 4)) for pool in rng.sample(POOL_NAMES, rng.choice((1, 1, 2)))}
        return Policy(
            retries=rng.choice((0, 0, 1, 3)) if "failures" in self.faults or "timeouts" in self.faults else 0,
            backoff=rng.choice(("fixed", "exponential")),
            retry_delay=rng.choice((0.0, 0.3, 2.0)),
            timeout=rng.choice((0.2037, 1.5013)) if self.has("timeouts", 0.6) else None,
            priority=rng.choice((0, 0, 1, -1)) if "priorities" in self.faults else 0,
            uses=uses,
            idempotent=not self.has("once", 0.3),
        )

    def children(self, parent: NewTask, known: Mapping[str, KnownTask]) -> tuple[NewTask, ...]:
        """Tasks that one generates, if any; a bad generator's may have names that are taken, or wait for each other."""
        if not self.has("generators", 0.4):
            return ()
        rng = self.rng
        names = [f"{parent.name}/{place}" for place in range(rng.choice((1, 2, 3)))]
        if self.room < len(names):
            return ()
        self.room -= len(names)
        others = rng.sample(list(known), min(len(known), 3))
        children = [self.new_task(name, [*others, *names[:place]]) for place, name in enumerate(names)]
        if self.has("bad generators", 0.5):
            place = rng.randrange(len(children))
            bad = children[place]
            match rng.randrange(5):
                case 0:
                    name, requires = rng.choice(list(known)).upper(), bad.requires
                case 1:
                    name, requires = children[0].name, bad.requires
                case 2:
                    name, requires = bad.name, (*bad.requires, parent.name)
                case 3:
                    name, requires = bad.name, (*bad.requires, children[-1].name)
                case _:
                    waiting = [name for name, task in known.items() if parent.name in task.new.requires]
                    name, requires = bad.name, (*bad.requires, *waiting[:1])
            children[place] = NewTask(name, bad.kind, requires, bad.policy, bad.asynchronous, bad.recorded)
        return tuple(children)
