"""What a run is doing, for people who look from outside: `otter status` in another shell, and the display."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any

import orjson

from otter.step.coordinator.ledger import Ledger, utc_text
from otter.step.coordinator.overview import overview
from otter.step.coordinator.run_directory import STATUS_FILE
from otter.step.coordinator.scheduler import Scheduler
from otter.step.coordinator.task_node import Assigned, Deciding, Delayed, Expanding, Ready, TaskNode, Waiting

LISTED = 200
"""Tasks of a kind that are listed one by one; of more, only the number is given."""

Table = dict[str, Any]


def snapshot(scheduler: Scheduler, ledger: Ledger) -> Table:
    """The present state of a run: counts, what runs since when, and why each of the waiting tasks waits.

    Of the first `LISTED` tasks that wait each is there with its reason; `waits` has how many there are of each kind.
    """
    counts = {state.__name__.lower(): number for state, number in scheduler.counts.items() if number}
    running: list[Table] = []
    for worker in scheduler.workers.values():
        for task in sorted(worker.running):
            held = ledger.dispatched.get(task)
            since = utc_text(held.began) if held is not None and held.began else None
            node = scheduler.graph.nodes[task]
            running.append({"name": node.name, "worker": worker.id, "attempt": node.attempt, "since": since})
    now, glance = time.time(), overview(scheduler)
    return {
        "at": utc_text(now),
        "total": len(scheduler.graph.nodes),
        "counts": counts,
        "stopping": scheduler.stopping,
        "workers": [
            {"worker": w.id, "state": w.state.value, "running": len(w.running), "next": len(w.waiting)}
            for w in scheduler.workers.values()
        ],
        "pools": dict(scheduler.ready.free),
        "pool_use": [
            {"pool": pool.name, "size": pool.size, "used": pool.used, "waiting": pool.waiting} for pool in glance.pools
        ],
        "generators": [
            {"name": one.name, "ended": one.ended, "total": one.total} for one in glance.generators[:LISTED]
        ],
        "waits": {
            "worker": glance.for_worker, "pool": glance.for_pool, "tasks": glance.for_tasks, "retry": glance.for_retry,
            "generated": scheduler.counts[Expanding],
        },
        "running": running[:LISTED],
        "waiting": [
            {"name": node.name, "why": scheduler.why(node.id), **_until(node, now - time.monotonic())}
            for node in _waiting(scheduler)
        ],
    }  # fmt: skip


def _until(node: TaskNode, offset: float) -> Table:
    """When a task may begin that waits for a time; of a clock that is not ours, by how far it is behind."""
    return {"until": utc_text(node.state.until + offset)} if isinstance(node.state, Delayed) else {}


def _waiting(scheduler: Scheduler) -> list[TaskNode]:
    kinds = (Waiting, Ready, Delayed, Expanding, Assigned, Deciding)
    if not sum(scheduler.counts[kind] for kind in kinds):
        return []
    found: list[TaskNode] = []
    for node in scheduler.graph.nodes:
        if type(node.state) in kinds:
            found.append(node)
            if len(found) == LISTED:
                break
    return found


def write_status(directory: Path, status: Table) -> None:
    """Put a snapshot where `otter status` looks. It is worth no error: a full disk is noticed elsewhere."""
    temporary = directory / f".{STATUS_FILE}.tmp"
    with contextlib.suppress(OSError):
        temporary.write_bytes(orjson.dumps(status))
        os.replace(temporary, directory / STATUS_FILE)
