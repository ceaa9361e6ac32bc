"""What a task author meets: `Spec` says what to do, `Task` does it, `TaskContext` is what it may lean on."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import attrs

from otter.scratchpad.model import Scratchpad
from otter.task.task_reporter import TaskReporter, report
from otter.util.convert import Problem
from otter.util.record import Record
from otter.util.values import Shown

if TYPE_CHECKING:
    from threading import Event

    from otter.config.model import Config


class State(enum.IntEnum):
    """Where a task stands."""

    PENDING_RUN = 0
    RUNNING = 1
    PENDING_VALIDATION = 2
    VALIDATING = 3
    WAITING_FOR_SUBTASKS = 4
    DONE = 5


_RUNNING, _PENDING_VALIDATION = State.RUNNING, State.PENDING_VALIDATION


class Spec(Record):
    """What one task is to do. Subclass it and annotate fields; no decorator is needed.

    Attributes:
        name: the task type, a blank, and a description; unique in its step.
        requires: names of tasks that must be done before.
        scratchpad_ignore_missing: leave placeholders that nothing defines as they stand.
        policy: engine policy of this task, as the pipeline file spells it.
    """

    name: str
    requires: list[str] = []
    scratchpad_ignore_missing: bool = False
    policy: dict[str, Any] | None = None

    @property
    def task_type(self) -> str:
        """The type of the task: the first word of its name, unless it was set."""
        chosen = self.__dict__.get("_task_type")
        return chosen if chosen is not None else self.name.split(None, 1)[0]

    @task_type.setter
    def task_type(self, value: str) -> None:
        self.__dict__["_task_type"] = value

    def model_dump(self) -> dict[str, Any]:
        """The fields as plain values; `task_type` only where it was set, `policy` only where there is one."""
        dump = super().model_dump()
        if dump.get("policy", True) is None:
            del dump["policy"]
        if self.__dict__.get("_task_type") is not None:
            dump["task_type"] = self.task_type
        return dump

    def _accept_reserved(self, name: str, value: Any) -> bool:
        if name != "task_type" or not isinstance(value, str):
            return False
        self.task_type = value
        return True

    def _validated(self) -> list[Problem] | None:
        problems = super()._validated() if self.__checked_fields__ else None
        if len(self.name.split(None, 1)) < 2:
            text = f"a name is the task type and a description, as in '{self.name.strip() or 'copy'} something'"
            problems = [*(problems or []), ("name", f"{text}; got {self.name!r}")]
        return problems


def _as_specs(specs: Spec | Iterable[Spec | dict[str, Any]]) -> Iterator[Spec]:
    if isinstance(specs, Spec):
        return iter((specs,))
    return (spec if isinstance(spec, Spec) else Spec(**spec) for spec in specs)


# Without slots: tests of task packages put their own things in place of attributes and methods.
@attrs.define(slots=False, eq=False, repr=False)
class TaskContext(Shown):
    """What a task may lean on while it runs.

    Attributes:
        config: the configuration of the run.
        scratchpad: values shared by name; what a task stores reaches tasks that are built after it is done.
        abort: set when the task should stop; long loops look at it. None outside a run.
        specs: tasks to add to the step; they run after this one, which is done when they are.
        state: where the task stands.
        from_tasks: fields of the spec with values that other tasks stored while the run went on: data, which came from
            whatever they read, and not from the author of the pipeline.
        publish: how the engine takes specs as they are added, so that a million of them need no memory here;
            none keeps them in `specs`.
    """

    config: Config
    scratchpad: Scratchpad = attrs.field(factory=Scratchpad)
    abort: Event | None = None
    specs: list[Spec] = attrs.field(factory=list)
    state: State = State.PENDING_RUN
    from_tasks: frozenset[str] = frozenset()
    publish: Callable[[Iterable[Spec]], None] | None = attrs.field(default=None, repr=False)

    def add_specs(self, specs: Spec | Iterable[Spec | dict[str, Any]]) -> None:
        """Add tasks, or one, to the step. Their names must be new; what they require may be generated later."""
        if self.publish is None:
            self.specs.extend(_as_specs(specs))
        else:
            self.publish(_as_specs(specs))


class Task(TaskReporter):
    """Base of task classes: override `run`, and `validate` where the result can be checked; decorate both.

    Args:
        spec: what to do.
        context: what to lean on.
    """

    def __init__(self, spec: Spec, context: TaskContext) -> None:
        super().__init__(spec.name)
        self.spec = spec
        self.context = context

    def start_run(self) -> None:
        """Record that `run` begins."""
        self.context.state = _RUNNING
        super().start_run()

    def finish_run(self) -> None:
        """Record that `run` ended well."""
        self.context.state = _PENDING_VALIDATION
        super().finish_run()

    def start_validation(self) -> None:
        """Record that `validate` begins."""
        self.context.state = State.VALIDATING
        super().start_validation()

    def finish_validation(self) -> None:
        """Record that `validate` ended well."""
        self.context.state = State.DONE
        super().finish_validation()

    def run(self) -> Any:
        """Do the work; a plain method or a coroutine."""
        raise TypeError(f"the task class {type(self).__name__} has no run method")

    @report
    def validate(self) -> Any:
        """Check the work; overriding it is optional."""
        return self
