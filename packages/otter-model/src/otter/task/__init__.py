"""Tasks: what authors of task packages write against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otter.task.model import Spec, State, Task, TaskContext
from otter.task.task_registry import TaskRegistry
from otter.task.task_reporter import TaskReporter, report

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Spec", "State", "Task", "TaskContext", "TaskRegistry", "TaskReporter", "load_specs", "report"]


def load_specs(config_path: str | Path, step_name: str) -> list[Spec]:
    """The specs of one step of a pipeline file, as generic `Spec` objects.

    Raises:
        PipelineError: the file cannot be read, or the step is not in it.
    """
    from otter.pipeline import load_pipeline

    return load_pipeline(config_path).specs(step_name)
