"""The stages of a task's way, and which functions belong to which.

A rule names the beginning of `module:function`; the first one that fits decides. What fits none stays by itself under
the name of its module, so that nothing disappears when the code changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Rules = Sequence[tuple[str, str]]

_WIRE: Rules = (
    ("otter.wire.codec:Codec.encode", "encode"),
    ("otter.wire.frames:encode_frame", "encode"),
    ("otter.wire.", "decode"),
)

SCHEDULING = (
    "scheduler", "run_state", "handing_out", "worker_care", "ready_queue", "crew", "task_graph", "task_node", "events",
)  # fmt: skip
PROCESSES = (
    "pool",
    "process_death",
    "stragglers",
    "guardian",
    "descriptors",
    "worker_output",
    "launching",
    "head_start",
)

COORDINATOR: Rules = (
    *_WIRE,
    ("otter.pipeline.", "load and check the file"),
    ("otter.task.", "load and check the file"),
    ("otter.util.", "load and check the file"),
    ("otter.core.", "load and check the file"),
    ("otter.step.coordinator.opening", "load and check the file"),
    ("otter.step.coordinator.ledger", "ledger"),
    ("otter.scratchpad.", "ledger"),
    ("otter.step.coordinator.journal", "journal"),
    ("otter.step.coordinator.history", "journal"),
    ("otter.step.coordinator.commits", "journal"),
    ("otter.step.coordinator.manifest_store", "manifest"),
    ("otter.step.coordinator.coordinator:Coordinator._entry", "manifest"),
    ("otter.manifest.", "manifest"),
    *((f"otter.step.coordinator.{module}", "schedule") for module in SCHEDULING),
    ("otter.step.coordinator.answers", "check answers"),
    ("otter.step.coordinator.judging", "check answers"),
    ("otter.step.coordinator.run_loop", "carry out commands"),
    ("otter.step.coordinator.orders", "carry out commands"),
    ("otter.step.coordinator.outgoing", "carry out commands"),
    ("otter.step.coordinator.hearing", "check answers"),
    ("otter.step.coordinator.beginnings", "check answers"),
    *((f"otter.step.coordinator.{module}", "sockets and processes") for module in PROCESSES),
    ("asyncio.", "event loop"),
    ("selectors", "event loop"),
    ("otter.step.coordinator.status", "display"),
    ("otter.step.coordinator.silent", "display"),
    ("otter.cli.", "display"),
)

WORKER: Rules = (
    *_WIRE,
    ("tests.benchmarks.tasks.", "the task's own code"),
    ("otter.step.worker.executor:Executor.answer", "make the record"),
    ("otter.step.worker.executor:_record", "make the record"),
    ("otter.step.worker.executor", "build the task"),
    ("otter.task.task_reporter", "report"),
    ("otter.task.", "build the task"),
    ("otter.util.", "build the task"),
    ("otter.manifest.", "build the task"),
    ("otter.scratchpad.", "build the task"),
    ("otter.step.worker.capture", "log"),
    ("otter.step.worker.hygiene", "clean up after the task"),
    ("otter.step.worker.channel", "sockets"),
    ("otter.step.worker.outbox", "sockets"),
    ("otter.step.worker.", "serve"),
    ("asyncio.", "event loop"),
    ("selectors", "event loop"),
)


def by_stage(places: Mapping[str, float], rules: Rules) -> dict[str, float]:
    """Seconds by stage, the largest first."""
    stages: dict[str, float] = {}
    for place, seconds in places.items():
        stage = next((name for start, name in rules if place.startswith(start)), place.partition(":")[0])
        stages[stage] = stages.get(stage, 0.0) + seconds
    return dict(sorted(stages.items(), key=lambda item: -item[1]))
