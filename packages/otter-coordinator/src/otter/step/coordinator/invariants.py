"""Every promise about the state of a run, as assertions: tests check them after each event."""

from __future__ import annotations

from collections import Counter

from otter.step.coordinator.crew import WorkerState
from otter.step.coordinator.events import TaskId
from otter.step.coordinator.run_state import RunState
from otter.step.coordinator.task_node import WAITING, Assigned, Expanding, Running


def check_invariants(run: RunState) -> None:
    """Raise AssertionError unless every promise about the state holds; for tests, after each event."""
    nodes, graph = run.graph.nodes, run.graph
    assert +run.counts == Counter(type(node.state) for node in nodes)
    held: Counter[TaskId] = Counter()
    for worker in run.workers.values():
        held.update((*worker.waiting, *worker.running))
        assert not worker.waiting.keys() & worker.running
        assert worker.asynchronous == sum(nodes[t].new.asynchronous for t in (*worker.waiting, *worker.running))
        assert all(type(nodes[task].state) is Assigned for task in worker.waiting)
        assert all(type(nodes[task].state) is Running for task in worker.running)
        assert abs(worker.load - sum(worker.waiting.values())) < 1e-6
        assert worker.state is not WorkerState.STARTING or not worker.held, "a worker has tasks before its hello"
        if worker.alone:
            assert worker.held == 1
        if worker.running and worker.asynchronous < worker.held:
            assert len(worker.running) == 1, "a synchronous task runs beside another"
    assert all(count == 1 for count in held.values()), "a task is with two workers"
    assert len(run.workers) <= run.pool_size
    children: Counter[TaskId | None] = Counter(node.parent for node in nodes if not node.ended)
    for node in nodes:
        assert (type(node.state) in (Assigned, Running)) == (node.id in held)
        if node.state is WAITING:
            met = {name for name in node.new.requires if run.is_met(name)}
            assert node.unmet == len(set(node.new.requires) - met), node.name
            assert node.unmet > 0
        assert node.children_left == children[node.id]
        assert not (type(node.state) is Expanding and not node.children_left)
    for name, waiting in graph.missing.items():
        assert graph.find(name) is None
        assert all(name in nodes[task].new.requires for task in waiting)
    for pool, size in run.settings.pools.items():
        used = sum(node.new.policy.uses.get(pool, 0) for node in nodes if node.id in held)
        assert run.ready.free[pool] == size - used
    if run.finished:
        assert not held
