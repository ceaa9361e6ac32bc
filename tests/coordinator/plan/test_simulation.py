"""The simulated run: the real scheduler with workers that take the time they are expected to take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otter.plan.critical import Link, critical_path
from otter.plan.simulation import Simulation, Timeline
from otter.step.coordinator.events import NewTask
from otter.step.coordinator.scheduler import Settings
from tests.support.scheduling import task

SECONDS = {"short": 1.0, "long": 5.0}


def simulate(
    *tasks: NewTask,
    made: Mapping[str, tuple[NewTask, ...]] | None = None,
    pool_size: int = 2,
    concurrency: int = 16,
    pools: dict[str, int] | None = None,
    start: float = 0.0,
) -> Timeline:
    """A run in which a task takes the time of its type."""
    simulation = Simulation(
        Settings(pool_size=pool_size, concurrency=concurrency, pools=pools or {}, starts_at_once=max(2, pool_size)),
        expect=lambda new: SECONDS.get(new.kind, 0.0),
        expand=lambda new: (made or {}).get(new.name, ()),
        start=start,
    )
    return simulation.run(tasks)


def times(timeline: Timeline) -> dict[str, tuple[float, float]]:
    """When each task began and ended."""
    return {span.task.name: (span.start, span.end) for span in timeline.spans}


def test_a_chain_takes_the_sum() -> None:
    """One after the other, on one worker, after that has started."""
    timeline = simulate(task("a", kind="short"), task("b", "a", kind="long"), start=0.5)
    assert {"a": (0.5, 1.5), "b": (1.5, 6.5)} == times(timeline)
    assert (6.5, 1, None) == (timeline.elapsed, timeline.workers, timeline.stuck)


@pytest.mark.parametrize(("pool_size", "elapsed"), [(1, 20.0), (2, 10.0), (4, 5.0), (8, 5.0)])
def test_independent_tasks_share_the_workers(pool_size: int, elapsed: float) -> None:
    """Four long tasks take as long as the workers are few."""
    timeline = simulate(*(task(f"t {place}", kind="long") for place in range(4)), pool_size=pool_size)
    assert pytest.approx(elapsed) == timeline.elapsed
    assert min(pool_size, 4) == timeline.workers


def test_asynchronous_tasks_share_a_worker() -> None:
    """As many as a worker runs at a time."""
    tasks = [task(f"t {place}", kind="long", asynchronous=True) for place in range(8)]
    assert pytest.approx(5.0) == simulate(*tasks, pool_size=1).elapsed
    assert pytest.approx(10.0) == simulate(*tasks, pool_size=1, concurrency=4).elapsed


def test_pools_limit_what_runs_together() -> None:
    """At most so much of a pool is used at a time, however many workers there are."""
    tasks = [task(f"t {place}", kind="long", uses={"ebi": 1}) for place in range(4)]
    assert pytest.approx(10.0) == simulate(*tasks, pool_size=4, pools={"ebi": 2}).elapsed


def test_what_requires_a_generator_waits_for_all_it_made() -> None:
    """Generated tasks too, and what those generate."""
    made = {"g": (task("h", kind="short"), task("x", kind="long")), "h": (task("y", kind="long"),)}
    timeline = simulate(task("g", kind="short"), task("after", "g", kind="short"), made=made, pool_size=2)
    assert {"g": (0, 1), "h": (1, 2), "x": (1, 6), "y": (2, 7), "after": (7, 8)} == times(timeline)
    assert {"h": "g", "x": "g", "y": "h"} == {span.task.name: span.parent for span in timeline.spans if span.parent}


def test_a_run_that_cannot_end_well_says_why() -> None:
    """A requirement that nothing makes is named, and not waited for."""
    timeline = simulate(task("a", "nobody", kind="short"))
    assert timeline.stuck is not None
    assert "requires 'nobody'" in timeline.stuck


def test_the_critical_path_is_the_longest_chain() -> None:
    """Through requirements and generated tasks, whatever the order in which few workers ran them."""
    made = {"g": (task("x", kind="long"), task("y", kind="short"))}
    tasks = [task("g", kind="short"), task("after", "g", kind="short"), task("alone", kind="long")]
    path = critical_path(simulate(*tasks, made=made, pool_size=1).spans)
    assert (Link("g", 1.0, 1.0), Link("x", 5.0, 6.0), Link("after", 1.0, 7.0)) == path
    assert () == critical_path(())


GRAPHS = st.lists(
    st.tuples(
        st.sets(st.integers(0, 30), max_size=3),
        st.sampled_from(["short", "long", "none"]),
        st.booleans(),
        st.booleans(),
    ),
    min_size=1,
    max_size=30,
)


@given(graph=GRAPHS, pool_size=st.integers(1, 5))
@settings(max_examples=150, deadline=None)
def test_any_run_keeps_the_rules(graph: list[tuple[set[int], str, bool, bool]], pool_size: int) -> None:
    """Each task runs once, after what it requires; no worker runs more than it may; no run beats its bounds."""
    tasks = [
        task(
            f"t {place}",
            *(f"t {other}" for other in sorted(requires) if other < place),
            kind=kind,
            asynchronous=asynchronous,
            uses={"p": 1} if pooled else None,
        )
        for place, (requires, kind, asynchronous, pooled) in enumerate(graph)
    ]
    timeline = simulate(*tasks, pool_size=pool_size, pools={"p": 2}, start=0.25)

    assert timeline.stuck is None
    assert sorted(new.name for new in tasks) == sorted(span.task.name for span in timeline.spans)
    ended = {span.task.name: span.end for span in timeline.spans}
    assert all(ended[name] <= span.start for span in timeline.spans for name in span.task.requires)
    assert timeline.workers <= pool_size
    changes = sorted(
        (at, place) for span in timeline.spans if not span.task.asynchronous
        for at, place in ((span.start, 1), (span.end, 0)) if span.end > span.start
    )  # fmt: skip
    running: Counter[str] = Counter()
    for _, begins in changes:
        running["sync"] += 1 if begins else -1
        assert running["sync"] <= pool_size
    path = critical_path(timeline.spans)
    assert timeline.elapsed + 1e-9 >= 0.25 + path[-1].done
    if not any(asynchronous for _, _, asynchronous, _ in graph):
        work = sum(span.end - span.start for span in timeline.spans)
        assert timeline.elapsed + 1e-9 >= work / pool_size


@given(graph=GRAPHS)
@settings(max_examples=50, deadline=None)
def test_with_enough_workers_only_the_critical_path_counts(graph: list[tuple[set[int], str, bool, bool]]) -> None:
    """Synchronous tasks on as many workers as there are tasks: the run takes exactly as long as its longest chain."""
    tasks = [
        task(f"t {place}", *(f"t {other}" for other in sorted(requires) if other < place), kind=kind)
        for place, (requires, kind, _, _) in enumerate(graph)
    ]
    timeline = simulate(*tasks, pool_size=len(tasks))
    assert pytest.approx(critical_path(timeline.spans)[-1].done) == timeline.elapsed
