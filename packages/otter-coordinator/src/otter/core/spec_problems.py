"""Checks of specs that only the code of their types can make, for commands that run nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from otter.core.types import TaskPackageError, ask_environment
from otter.pipeline import Pipeline, PipelineError, Problem, loads_pipeline
from otter.task.task_type import TaskType
from otter.util.errors import ConfigError

CHECK_MODULE = "otter.step.worker.spec_check"

Spec = dict[str, Any]
Answers = list[list[tuple[str, str]]]
"""For each spec the places in it that are wrong, each with a sentence."""
Judge = Callable[[list[Spec]], Answers]


def judge_specs(specs: Sequence[Spec], tasks: Sequence[str] = (), python: str | None = None) -> Answers:
    """What an environment finds by constructing specs.

    Args:
        specs: with their placeholders replaced.
        tasks: task packages beside those that entry points name.
        python: interpreter of the environment to ask; none for this one.

    Raises:
        TaskPackageError: a package is missing or cannot be imported.
    """
    data = orjson.dumps({"specs": list(specs)}, default=str)
    printed = ask_environment(CHECK_MODULE, [f"--tasks={package}" for package in tasks], python, data)
    answers: Answers = [[] for _ in specs]
    try:
        for place, path, text in orjson.loads(printed)["problems"]:
            answers[place].append((path, text))
    except (ValueError, TypeError, LookupError) as error:
        raise TaskPackageError(f"the worker's judgement of specs cannot be read: {error}") from error
    return answers


def check_steps(
    pipeline: Pipeline,
    steps: Iterable[str],
    types: Mapping[str, TaskType] | None,
    judge: Judge | None,
    *,
    scratchpad: Mapping[str, Any],
    lenient: bool,
) -> list[Problem]:
    """What is wrong with steps, their types' own checks included.

    Args:
        types: none when they are not known.
        judge: asks the types' own code, once for all steps and only if there is something to ask; none leaves that out.

    Raises:
        PipelineError: there is no such step.
        TaskPackageError: the code cannot be asked.
    """

    def check(step: str, judged: Callable[[list[Spec]], Sequence[Iterable[tuple[str, str]]]] | None) -> list[Problem]:
        return pipeline.check(step, types, scratchpad=scratchpad, lenient=lenient, spec_problems=judged)

    problems: dict[str, list[Problem]] = {}
    asked: dict[str, list[Spec]] = {}
    for step in steps:
        collected = asked.setdefault(step, [])

        def collect(specs: list[Spec], collected: list[Spec] = collected) -> Answers:
            collected += specs
            return [[] for _ in specs]

        problems[step] = check(step, collect if judge is not None else None)
    if judge is not None and any(asked.values()):
        answers = judge([spec for specs in asked.values() for spec in specs])
        for step, specs in asked.items():
            own, answers = answers[: len(specs)], answers[len(specs) :]
            if any(own):
                problems[step] = check(step, lambda _, own=own: own)  # type: ignore[misc]  # a default binds it now
    return [problem for found in problems.values() for problem in found]


def every_problem(
    pipeline: Pipeline,
    steps: Iterable[str],
    types: Mapping[str, TaskType] | None,
    judge: Judge | None,
    *,
    scratchpad: Mapping[str, Any],
    lenient: bool,
) -> list[Problem]:
    """What is wrong with steps and with the rest of a file, in the order of its lines.

    Args:
        pipeline: may be a faulty one; what is wrong with its structure is among its warnings.

    Raises:
        PipelineError: there is no such step.
        TaskPackageError: the code of the task types cannot be asked.
    """
    of_steps = check_steps(pipeline, steps, types, judge, scratchpad=scratchpad, lenient=lenient)
    once = dict.fromkeys([*pipeline.warnings, *of_steps])  # a task that is no table is found with both
    return sorted(once, key=lambda problem: (problem.line, problem.column))


def load_sound(
    text: str,
    file: Path,
    step: str | None,
    ask: Callable[[str | None], Mapping[str, TaskType]] | None,
    judge: Callable[[str | None], Judge] | None,
    *,
    scratchpad: Mapping[str, Any],
    lenient: bool,
) -> Pipeline:
    """The pipeline that a text is whose structure is sound.

    Args:
        text: TOML.
        file: where it comes from.
        step: the one that is wanted; none if that is not known yet.
        ask: gives the task types of an environment, by its interpreter; none when they are not known.
        judge: gives what lets their code judge specs there; none leaves that out.

    Raises:
        PipelineError: it is not. What is wrong with the step that is wanted, or with all of them, is told as well.
    """
    try:
        return loads_pipeline(text, str(file))
    except PipelineError as error:
        pipeline = loads_pipeline(text, str(file), faulty=True)  # this raises the same where nothing can be understood
        python = pipeline.workers.python
        steps = [step] if step in pipeline.steps else list(pipeline.steps)
        try:
            types = ask(python) if ask is not None else None
            judged = judge(python) if judge is not None else None
            problems = every_problem(pipeline, steps, types, judged, scratchpad=scratchpad, lenient=lenient)
        except (TaskPackageError, ConfigError):
            raise error from None  # the environment has to wait until the settings that name it are right
        raise PipelineError(problems) from error
