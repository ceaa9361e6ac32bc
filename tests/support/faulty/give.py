"""A task that gives back what cannot be carried, or too much of it."""

from __future__ import annotations

from typing import Any

from otter.manifest.model import Artifact
from otter.task import Spec, Task, TaskContext
from otter.task.task_reporter import report
from tests.support import diary


class GiveSpec(Spec):
    what: str
    where: str = "artifact"
    """`artifact`, `value` for the scratchpad, or `spec` for a generated task."""


def _deep(levels: int) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


def _cyclic() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


class _Hostile:
    """Raises whatever is done with it."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("no attribute of mine")

    def __repr__(self) -> str:
        raise RuntimeError("no text of mine")


def _values() -> dict[str, Any]:
    return {
        "nan": float("nan"), "infinity": float("inf"), "2^64": 2**64, "-2^63-1": -(2**63) - 1, "10^5000": 10**5000,
        "surrogate": "\ud800", "bytes": b"bytes", "set": {1}, "tuple": (1, 2), "int key": {1: 2},
        "long key": {"k" * 300: 1}, "cyclic": _cyclic(), "deep": _deep(255), "object": object(),
        "hostile": _Hostile(), "complex": 1j, "function": _deep, "2 MiB": "x" * (2 << 20), "17 MiB": "x" * (17 << 20),
        "edges": [2**64 - 1, -(2**63), 0.1, "\U0010ffff"],
    }  # fmt: skip


class Give(Task):
    def __init__(self, spec: GiveSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: GiveSpec

    @report
    def run(self) -> None:
        diary.note(self.context.config.work_path, self.name)
        value = _values()[self.spec.what]
        match self.spec.where:
            case "artifact":
                self.artifacts = [Artifact(source="give", destination="-", a=[0, 1, 2, value])]
            case "value":
                self.context.scratchpad.store("given", {"a": [value]})
            case _:
                self.context.add_specs([Spec(name="mark given", a=[value])])
