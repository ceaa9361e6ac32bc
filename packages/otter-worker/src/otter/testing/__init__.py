"""Running tasks and pipelines in tests.

    from otter.testing import run_task

    def test_words_are_counted(tmp_path):
        (tmp_path / "a.txt").write_text("one two")
        outcome = run_task({"name": "count_words a", "text": "a.txt"}, work_path=tmp_path, packages=["mine.tasks"])
        assert {"words": 2} == outcome.values

`run_task` runs one task in the process of the test, so that debuggers, `caplog` and `monkeypatch` work as ever, and on
the way that a worker takes. `run_pipeline` starts `otter run`, which needs otter-coordinator in the same environment.

With pytest, both are fixtures too, which bring a temporary directory along: `run_task`, `run_pipeline`,
`task_context`, `otter_config`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otter.testing.pipeline import CoordinatorMissingError, PipelineOutcome, run_pipeline
    from otter.testing.task import TaskOutcome, run_task

__all__ = ["CoordinatorMissingError", "PipelineOutcome", "TaskOutcome", "run_pipeline", "run_task"]

_HOMES = {
    "CoordinatorMissingError": "otter.testing.pipeline",
    "PipelineOutcome": "otter.testing.pipeline",
    "TaskOutcome": "otter.testing.task",
    "run_pipeline": "otter.testing.pipeline",
    "run_task": "otter.testing.task",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for: pytest imports this package in every session, whether it has tests of tasks or not."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
