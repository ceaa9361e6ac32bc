"""`otter.testing.run_task`: a task in a test, as a worker runs it."""

from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path
from typing import Annotated, Any, Self

import pytest

from otter.config.model import Config
from otter.manifest.model import Artifact, Result
from otter.task.model import Spec, Task, TaskContext
from otter.task.task_reporter import report
from otter.testing import TaskOutcome, run_task
from otter.util.errors import ScratchpadError, SpecError, TaskBuildError, TaskValidationError


def _even(number: int) -> None:
    if number % 2:
        raise ValueError(f"expected an even number, got {number}")


class HalveSpec(Spec):
    number: Annotated[int, _even]
    where: Path = Path("half.txt")


class Halve(Task):
    """Synchronous, with a validation that sees what `run` left on the object."""

    def __init__(self, spec: HalveSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: HalveSpec

    @report
    def run(self) -> Self:
        logging.getLogger("halve").info("halving %d", self.spec.number)
        self.half = self.spec.number // 2
        path = self.context.config.work_path / self.spec.where
        path.write_text(str(self.half))
        self.artifacts = [Artifact(source="nowhere", destination=str(path))]
        self.context.scratchpad.store("half", self.half)
        return self

    @report
    def validate(self) -> Self:
        if self.half == 13:
            raise TaskValidationError("13 is no good number")
        return self


class Echo(Task):
    """Asynchronous, of a type without a Spec class; its loop lives on from `run` to `validate`."""

    @report
    async def run(self) -> Self:
        self.loop = asyncio.get_running_loop()
        await asyncio.sleep(0)
        if self.context.abort is not None and self.context.abort.is_set():
            raise RuntimeError("asked to stop")
        self.context.add_specs([{"name": "echo again", "said": self.spec.__dict__["words"]}])
        return self

    @report
    async def validate(self) -> Self:
        assert self.loop is asyncio.get_running_loop()
        return self


def test_a_task_runs_and_is_validated(tmp_path: Path) -> None:
    """What came of it: the object, its record, its artifacts with the facts about their files, its values."""
    outcome = run_task({"name": "halve it", "number": "8"}, task=Halve, work_path=tmp_path)
    assert "4" == (tmp_path / "half.txt").read_text()
    assert isinstance(outcome.task, Halve)
    assert 4 == outcome.task.half
    assert (Result.SUCCESS, None, "") == (outcome.result, outcome.failure_reason, outcome.traceback)
    assert {"half": 4} == outcome.values
    assert [str(tmp_path / "half.txt")] == [artifact.destination for artifact in outcome.artifacts]
    assert outcome.manifest.validation_elapsed is not None
    assert 1 == outcome.artifacts[0].model_dump()["files"][0]["size"]


def test_a_typed_spec_may_be_given(tmp_path: Path) -> None:
    """A Spec object does as well as a table."""
    spec = HalveSpec(name="halve it", number=6, where=Path("other.txt"))
    run_task(spec, task=Halve, work_path=tmp_path)
    assert "3" == (tmp_path / "other.txt").read_text()


def test_coroutines_share_one_loop(tmp_path: Path) -> None:
    """`run` and `validate` see the same loop, as in a worker; generated tasks are collected."""
    outcome = run_task({"name": "echo it", "words": ["a"]}, task=Echo, work_path=tmp_path)
    assert [Spec(name="echo again", said=["a"])] == outcome.specs


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"number": 26}, "TaskValidationError: 13 is no good number"),
        ({"number": 7}, "SpecError: HalveSpec: number: expected an even number, got 7"),
        ({}, "SpecError: HalveSpec: number: missing: this field has no default"),
        ({"number": 4, "where": "none/half.txt"}, "FileNotFoundError"),
    ],
)
def test_a_failure_is_raised_unless_it_is_asked_for(tmp_path: Path, spec: dict[str, Any], reason: str) -> None:
    """With its reason and traceback; `check=False` gives it back as a record."""
    table = {"name": "halve it", **spec}
    with pytest.raises(AssertionError, match=reason):
        run_task(table, task=Halve, work_path=tmp_path)
    outcome = run_task(table, task=Halve, work_path=tmp_path, check=False)
    assert Result.FAILURE == outcome.result
    assert outcome.failure_reason is not None
    assert outcome.failure_reason.startswith(reason)
    assert reason.partition(":")[0] in outcome.traceback
    assert f"<'halve it' failure: {outcome.failure_reason}>" == repr(outcome)


def test_placeholders_are_replaced(tmp_path: Path) -> None:
    """From the scratchpad, typed fields too; what nothing defines is said."""
    table = {"name": "halve it", "number": "${n}"}
    assert {"half": 5} == run_task(table, task=Halve, work_path=tmp_path, scratchpad={"n": 10}).values
    with pytest.raises(ScratchpadError, match="nothing defines"):
        run_task(table, task=Halve, work_path=tmp_path)


def test_templates_are_left_to_their_generator(tmp_path: Path) -> None:
    """A generator of the installed packages fills in its own placeholders, and leaves those of the run."""
    table = {
        "name": "explode all",
        "foreach": ["a", "b"],
        "do": [{"name": "hello_world ${each}", "who": "${each} ${known}"}],
    }
    outcome = run_task(table, work_path=tmp_path, scratchpad={"known": "x"})
    assert ["hello_world a", "hello_world b"] == [spec.name for spec in outcome.specs]
    assert ["a ${known}", "b ${known}"] == [spec.model_dump()["who"] for spec in outcome.specs]


def test_a_task_is_asked_to_stop(tmp_path: Path) -> None:
    """It sees the event, and a failure after that counts as stopped."""
    abort = threading.Event()
    abort.set()
    outcome = run_task({"name": "echo it", "words": 1}, task=Echo, work_path=tmp_path, abort=abort, check=False)
    assert Result.ABORTED == outcome.result


def test_what_no_manifest_can_hold_fails(tmp_path: Path) -> None:
    """As in a worker: a value that JSON does not have is refused with its path."""

    class Odd(Task):
        @report
        def run(self) -> Self:
            self.context.scratchpad.store("odd", {1, 2})
            return self

    outcome = run_task({"name": "odd one"}, task=Odd, work_path=tmp_path, check=False)
    assert outcome.failure_reason is not None
    assert outcome.failure_reason.startswith("result not representable: $.scratchpad.odd")


def test_logs_reach_the_test(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is taken away from pytest's own fixtures."""
    with caplog.at_level(logging.INFO):
        run_task({"name": "halve it", "number": 2}, task=Halve, work_path=tmp_path)
    assert "halving 2" in caplog.messages


def test_a_configuration_may_be_given(tmp_path: Path) -> None:
    """The task sees it; without it a work path is needed."""
    config = Config(step="mine", steps=["mine"], work_path=tmp_path, release_uri="s3://bucket")
    outcome: TaskOutcome = run_task({"name": "halve it", "number": 2}, task=Halve, config=config)
    assert outcome.task is not None
    assert "s3://bucket" == outcome.task.context.config.release_uri
    with pytest.raises(TypeError, match="work_path"):
        run_task({"name": "halve it", "number": 2}, task=Halve)


def test_an_unknown_type_is_named(tmp_path: Path) -> None:
    """With the nearest one."""
    with pytest.raises(TaskBuildError, match="did you mean 'hello_world'"):
        run_task({"name": "hallo_world x"}, work_path=tmp_path)


def test_packages_are_registered(tmp_path: Path) -> None:
    """Types of packages that no entry point names."""
    outcome = run_task({"name": "command true", "argv": ["true"]}, packages=["otter.commands"], work_path=tmp_path)
    assert Result.SUCCESS == outcome.result


@pytest.mark.parametrize("spec", [{}, {"number": 2}, {"name": "halve", "number": 2}, {"name": " ", "number": 2}])
def test_a_spec_without_a_name_is_refused(tmp_path: Path, spec: dict[str, Any]) -> None:
    """Before anything runs, in words; also where the class of the task is given."""
    with pytest.raises(SpecError, match="name"):
        run_task(spec, task=Halve, work_path=tmp_path)


def test_a_field_that_nothing_declares_is_refused(tmp_path: Path) -> None:
    """As `otter check` does it: the wrong value of an optional field would be tested, and nobody would know."""
    spec = {"name": "halve it", "number": 2, "wher": "there.txt", "colour": "red"}
    said = """\
'halve it': halve has no field 'wher'; did you mean 'where'?
    halve has no field 'colour'; it has number, where"""
    with pytest.raises(SpecError) as raised:
        run_task(spec, task=Halve, work_path=tmp_path)
    assert (said, ["wher", "colour"]) == (str(raised.value), [name for name, _ in raised.value.problems])
    assert [] == list(tmp_path.iterdir())

    assert Result.SUCCESS == run_task(spec, task=Halve, work_path=tmp_path, lenient=True).result


def test_a_spec_that_was_built_has_no_other_fields(tmp_path: Path) -> None:
    """It may also say its type apart from its name, and have a policy."""
    spec = HalveSpec(name="halve it", number=2, policy={"retries": 1})
    spec.task_type = "halve"
    assert Result.SUCCESS == run_task(spec, task=Halve, work_path=tmp_path).result
