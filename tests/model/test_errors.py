"""The tree of errors: who mends what, and that an error can travel."""

from __future__ import annotations

import copy
import inspect

import pytest

from otter.util import errors
from otter.util.errors import OtterError, ScratchpadError, SpecError, failure_text, safe_text

CLASSES = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, OtterError)]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_error_survives_a_trip_to_another_process(cls: type[OtterError]) -> None:
    """With its text and its facts, because task packages pass errors through process pools."""
    twin = copy.deepcopy(cls("what happened"))
    assert (cls, "what happened") == (type(twin), str(twin))
    assert "" == str(copy.deepcopy(cls()))  # `raise TaskValidationError from error` says it by its cause
    assert cls.__doc__


def test_facts_travel_too() -> None:
    """Attributes beside the text are kept."""
    assert ("a",) == copy.deepcopy(ScratchpadError("x", missing=("a",))).missing
    assert (("a", "b"),) == copy.deepcopy(SpecError("x", problems=(("a", "b"),))).problems


@pytest.mark.parametrize(
    "name",
    ["OtterError", "TaskRunError", "TaskValidationError", "TaskAbortedError", "TaskDuplicateError", "TaskBuildError",
     "StepInvalidError", "StepFailedError", "NotFoundError", "PreconditionFailedError", "ScratchpadError",
     "StorageError", "ManifestError", "FSError", "DownloadError", "UploadError", "CopyError"],
)  # fmt: skip
def test_the_names_that_task_packages_import(name: str) -> None:
    """Each is there, under `OtterError`."""
    assert issubclass(getattr(errors, name), OtterError)


class Unprintable(Exception):  # noqa: N818 - a class of a task's own
    def __str__(self) -> str:
        raise KeyboardInterrupt


def test_the_text_of_any_exception_is_safe() -> None:
    """Never raises, never too long, never something that cannot be written."""
    assert "<unprintable>" == safe_text(Unprintable())
    assert "?" == safe_text(ValueError("\udfff"))
    assert len(safe_text(ValueError("x" * 10**6))) < 17_000
    assert "ValueError" == failure_text(ValueError("  \n"))
    assert "ValueError: x" == failure_text(ValueError("x"))
