"""Where the time of a task goes, stage by stage, in the coordinator and in the workers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from tests.benchmarks import pipelines
from tests.benchmarks.bench import Bench, Finding
from tests.benchmarks.measure import Series
from tests.benchmarks.otter import run_file
from tests.benchmarks.results import Row, Table
from tests.benchmarks.sampler import DIRECTORY
from tests.benchmarks.stages import COORDINATOR, WORKER, Rules, by_stage

PACKAGE = "tests.benchmarks.profiled"
"""By name only: who imports it is sampled."""
LINKS_FACTOR = 10
"""The chain is this much longer than that of its own case, so that there is enough to sample."""
FUNCTIONS = 12
"""How many functions are listed."""


@attrs.frozen
class Profile:
    """Where the processor time of one process, or of several, went.

    Attributes:
        wall: seconds from beginning to end; of several the longest.
        main: processor seconds of the main threads.
        process: those of all threads.
        places: those of the main threads, by function.
    """

    wall: float
    main: float
    process: float
    places: dict[str, float]


def measure(bench: Bench) -> Iterator[Finding]:
    """Profiles of independent tasks, which come in batches, and of a chain, which do not."""
    many, links = bench.scale.many, bench.scale.links * LINKS_FACTOR
    yield from _profiled(bench, pipelines.independent(bench.directory / "many.toml", many), many, "independent tasks")
    yield from _profiled(bench, pipelines.chain(bench.directory / "chain.toml", links), links, "links of a chain")
    yield (
        "Processor time, sampled; a worker's from the registration of the task types to its end. Divided by the number "
        "of tasks, with what is done once for all of them. A coordinator whose ratio to the wall clock is near 1 is "
        "what keeps the rate from rising; far below, it waits for workers, or others have the machine."
    )


def _profiled(bench: Bench, file: Path, count: int, kind: str) -> Iterator[Finding]:
    facts = bench.directory / "profile"
    facts.mkdir()
    coordinator_facts = facts / "coordinator.json"
    run_file(
        file, options=["--tasks", PACKAGE], sample=coordinator_facts,
        environment={DIRECTORY: str(facts)},
    )  # fmt: skip
    coordinator = _read(coordinator_facts)
    workers = _merged([_read(path) for path in facts.glob("worker-*.json")])
    shutil.rmtree(facts)
    what = f"{count:,} {kind}"
    wall = Series((coordinator.wall / count,))
    for name, profile in (("the coordinator", coordinator), ("all workers", workers)):
        yield Row(
            what=f"{what}: processor time of {name}, each", unit="s", ours=Series((profile.process / count,)),
            beside="wall clock, each", theirs=wall,
        )  # fmt: skip
    yield _stage_table(f"{what}, coordinator", coordinator, count, COORDINATOR)
    yield _stage_table(f"{what}, workers", workers, count, WORKER)
    yield _function_table(f"{what}, coordinator: functions with the most time of their own", coordinator, count)
    yield _function_table(f"{what}, workers: functions with the most time of their own", workers, count)


def _stage_table(title: str, profile: Profile, count: int, rules: Rules) -> Table:
    stages = by_stage(profile.places, rules)
    stages["other threads"] = max(0.0, profile.process - profile.main)
    return Table(title, ("stage", "µs each", "share"), tuple(_line(*item, profile, count) for item in stages.items()))


def _function_table(title: str, profile: Profile, count: int) -> Table:
    places = sorted(profile.places.items(), key=lambda item: -item[1])[:FUNCTIONS]
    return Table(title, ("function", "µs each", "share"), tuple(_line(*item, profile, count) for item in places))


def _line(name: str, seconds: float, profile: Profile, count: int) -> tuple[str, str, str]:
    return name, f"{1e6 * seconds / count:.1f}", f"{seconds / profile.process:.1%}"


def _read(path: Path) -> Profile:
    facts: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return Profile(facts["wall"], facts["main"], facts["process"], facts["places"])


def _merged(profiles: list[Profile]) -> Profile:
    places: dict[str, float] = {}
    for profile in profiles:
        for place, seconds in profile.places.items():
            places[place] = places.get(place, 0.0) + seconds
    return Profile(
        max(profile.wall for profile in profiles),
        sum(profile.main for profile in profiles),
        sum(profile.process for profile in profiles),
        places,
    )
