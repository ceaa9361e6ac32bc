"""A pipeline file: its settings and steps, with every mistake of their structure at once."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from otter.pipeline.check import SpecProblems, StepCheck, too_large
from otter.pipeline.document import Document
from otter.pipeline.limits import MAX_SPEC
from otter.pipeline.nearest import suggestion
from otter.pipeline.problem import PipelineError, Problem
from otter.pipeline.settings import MAX_POOL, Structure, Workers, read_structure
from otter.pipeline.values import Values
from otter.scratchpad.model import Scratchpad
from otter.task.model import Spec
from otter.task.policy import Policy
from otter.task.task_type import TaskType
from otter.util.collector import paused_collector
from otter.util.convert import converter_for
from otter.util.errors import OtterError
from otter.util.values import Value


@attrs.frozen(slots=False, eq=False, repr=False)
class Pipeline(Value):
    """What a pipeline file says.

    Attributes:
        file: the file.
        document: its text and its tables.
        settings: the settings of a run that it makes: `work_path`, `release_uri`, `pool_size`, `log_level`, `grace`
            and `max_specs`, as far as they are there.
        scratchpad: values for placeholders.
        defaults: the policy of tasks that say nothing.
        pools: the sizes of the pools by name.
        workers: how workers run.
        steps: the tables of each step's tasks.
        warnings: what is not wrong but probably not meant, outside the steps.
    """

    file: Path
    document: Document = attrs.field(repr=False)
    settings: dict[str, Any]
    scratchpad: dict[str, Any]
    defaults: Policy
    pools: dict[str, int]
    workers: Workers
    steps: dict[str, list[dict[str, Any]]] = attrs.field(repr=False)
    warnings: tuple[Problem, ...] = ()

    @classmethod
    def of(cls, document: Document, structure: Structure, warnings: tuple[Problem, ...] = ()) -> Pipeline:
        """A pipeline from the parts of its document."""
        return cls(
            file=Path(document.file), document=document, settings=structure.settings, scratchpad=structure.scratchpad,
            defaults=structure.defaults, pools=structure.pools, workers=structure.workers, steps=structure.steps,
            warnings=warnings,
        )  # fmt: skip

    def specs(self, step_name: str, *, scratchpad: Mapping[str, Any] | None = None) -> list[Spec]:
        """The specs of a step, as generic `Spec` objects.

        Placeholders that are known are replaced in `name` and `requires`, which are final then; all else stays as it
        is written, because the type of a task says what becomes of it.

        Args:
            step_name: the step.
            scratchpad: values that win over those of the file.

        Raises:
            PipelineError: there is no such step, or a task has no name that could be one.
        """
        tables = self.final_tables(step_name, scratchpad=scratchpad)
        try:
            return [Spec(**table) for table in tables]
        except ValueError as error:
            problems = self.check(step_name, None, scratchpad=scratchpad)
            raise PipelineError([p for p in problems if p.severity == "error"]) from error

    def final_tables(self, step_name: str, *, scratchpad: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The tables of a step's tasks with final names, as `specs` has them; what is wrong with them is left as it is.

        Args:
            step_name: the step.
            scratchpad: values that win over those of the file.

        Raises:
            PipelineError: there is no such step.
        """
        known = Scratchpad({**self.scratchpad, **(scratchpad or {})})
        return [_with_flag(_final_names(spec, known), known) for spec in self.tables(step_name)]

    def tables(self, step_name: str) -> list[dict[str, Any]]:
        """The tables of a step's tasks.

        Raises:
            PipelineError: there is no such step.
        """
        specs = self.steps.get(step_name)
        if specs is None:
            hint = suggestion(step_name, self.steps, f"steps of this file: {', '.join(self.steps)}")
            message = f"unknown step {step_name!r}"
            raise PipelineError([Problem(code="unknown-step", message=message, file=self.document.file, hint=hint)])
        return specs

    def check(
        self,
        step_name: str,
        task_types: Mapping[str, TaskType] | None,
        *,
        scratchpad: Mapping[str, Any] | None = None,
        lenient: bool = False,
        spec_problems: SpecProblems | None = None,
        begun: StepCheck | None = None,
    ) -> list[Problem]:
        """What is wrong with a step, in the order of the file; an empty list if nothing is.

        Args:
            step_name: the step.
            task_types: what the workers can run; none when that is not known, which leaves out all that depends on it.
            scratchpad: values that win over those of the file.
            lenient: a field that no type declares is worth a warning only.
            spec_problems: judges specs whose types have checks that only their own code can make.
            begun: what `begin_check` gave for the same step and values, to be used once.

        Raises:
            PipelineError: there is no such step.
        """
        with paused_collector():
            check = begun if begun is not None else self.begin_check(step_name, scratchpad=scratchpad)
            findings = check.run(task_types, lenient=lenient, spec_problems=spec_problems)
            if len(self.document.text) > MAX_SPEC:  # else none of its tasks can be too large
                findings += too_large(step_name, self.tables(step_name))
        return self.document.problems(findings) if findings else []

    def begin_check(self, step_name: str, *, scratchpad: Mapping[str, Any] | None = None) -> StepCheck:
        """The part of `check` that needs no task types, for whoever waits for them.

        Args:
            step_name: the step.
            scratchpad: values that win over those of the file.

        Raises:
            PipelineError: there is no such step.
        """
        specs, values = self.tables(step_name), Values(self.scratchpad, dict(scratchpad or {}))
        with paused_collector():
            return StepCheck(step_name, specs, values, defaults=self.defaults, pools=self.pools)


def load_pipeline(path: str | Path, *, faulty: bool = False) -> Pipeline:
    """The pipeline in a file.

    Args:
        faulty: as of `loads_pipeline`.

    Raises:
        PipelineError: with every mistake of its structure: it cannot be read, is too large, no UTF-8, no TOML, has
            keys that it should not have, or values of the wrong type.
    """
    return _from_document(Document.read(path), faulty)


def loads_pipeline(text: str, file: str = "<text>", *, faulty: bool = False) -> Pipeline:
    """The pipeline that a text is.

    Args:
        text: TOML.
        file: how messages name it.
        faulty: take one with mistakes in its structure as well, as far as it can be understood; they are among the
            `warnings`. For whoever goes on to look for the mistakes in its steps.

    Raises:
        PipelineError: with every mistake of its structure.
    """
    return _from_document(Document.parse(text, file), faulty)


def _from_document(document: Document, faulty: bool = False) -> Pipeline:
    structure = read_structure(document.value)
    problems = document.problems(structure.findings) if structure.findings else []
    if any(problem.severity == "error" for problem in problems):
        if not faulty or not structure.steps:
            raise PipelineError(problems)
        named = document.value.get("pools")
        if isinstance(named, dict):  # a pool of a wrong size is there all the same, and has enough for those who use it
            structure.pools = {**dict.fromkeys(named, MAX_POOL), **structure.pools}
    return Pipeline.of(document, structure, tuple(problems))


def _with_flag(spec: dict[str, Any], known: Scratchpad) -> dict[str, Any]:
    """A table whose flag of the engine is one, if it stands for one."""
    flag = spec.get("scratchpad_ignore_missing", False)
    if type(flag) is bool:
        return spec
    try:
        flag = converter_for(bool)(known.replace(flag))
    except (ValueError, OtterError):  # the check will name it
        return spec
    return {**spec, "scratchpad_ignore_missing": flag}


def _final_names(spec: dict[str, Any], known: Scratchpad) -> dict[str, Any]:
    name = spec.get("name")
    if "requires" not in spec and type(name) is str and "$" not in name:
        return spec  # most tasks of a large step
    replace = functools.partial(known.replace, ignore_missing=True)
    return {**spec, **{key: replace(spec[key]) for key in ("name", "requires") if key in spec}}
