"""The tree of errors, cut by what their reader has to do.

Every error of otter derives from `OtterError`. The first branches say who can mend it: the author of a
pipeline file (`ConfigError`), the author of a task (`TaskError`), the operator of a machine or store
(`StorageError`, `FSError`), or a peer on the wire (`WireError`, in `otter.wire`). Errors keep their facts as
attributes and survive pickling, because task packages pass them through process pools of their own.
"""

from __future__ import annotations

from typing import Any

TEXT_LIMIT = 16 * 1024
"""Characters of an exception's text that are kept: a message of 100 MB helps nobody."""


class OtterError(Exception):
    """Base of every error that otter raises on purpose."""


class ConfigError(OtterError):
    """The configuration is wrong: a flag, an environment variable, or the pipeline file. Mend it and run again."""


class StepInvalidError(ConfigError):
    """The step cannot run as it is described: unknown step, duplicate names, a cycle, an unknown requirement."""


class StepFailedError(OtterError):
    """A step ended with a failure. The manifest says which task and why."""


class ScratchpadError(ConfigError):
    """A placeholder names a value that nothing has stored."""

    def __init__(self, *args: object, missing: tuple[str, ...] = ()) -> None:
        super().__init__(*args)
        self.missing = missing

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class TaskError(OtterError):
    """Base of what goes wrong with one task."""


class SpecError(TaskError, ValueError):
    """A Spec does not fit its declared fields.

    Attributes:
        problems: pairs of a path within the spec (`do[0].source`, or an empty string for the whole) and a sentence.
    """

    def __init__(self, *args: object, problems: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(*args)
        self.problems = problems

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class TaskBuildError(TaskError):
    """A task could not be built: its type is unknown, its spec does not fit, or its constructor raised."""


class TaskDuplicateError(TaskError):
    """Two tasks of a step have the same name."""


class TaskRunError(TaskError):
    """`run` of a task could not do its work."""


class TaskValidationError(TaskError):
    """`validate` found that the work of a task is not what it should be."""


class TaskAbortedError(TaskError):
    """The task stopped because it was asked to."""


class ManifestError(OtterError):
    """A manifest cannot be read or written."""


class StorageError(OtterError):
    """A storage location could not be read or written."""


class NotFoundError(StorageError):
    """Nothing is at the location."""


class PreconditionFailedError(StorageError):
    """The object changed since the revision that the caller expected. Read it again, then write."""


class DownloadError(StorageError):
    """An object could not be fetched."""


class UploadError(StorageError):
    """An object could not be stored."""


class CopyError(StorageError):
    """An object could not be copied from one location to another."""


class FSError(OtterError):
    """A local path is missing, is not what it should be, or may not be used."""


def safe_text(error: BaseException) -> str:
    """The text of an exception, whatever its `__str__` does: never raises, at most `TEXT_LIMIT` characters."""
    try:
        text = str(error)
    except BaseException:  # noqa: BLE001 - an exception class of a task may raise anything here
        return "<unprintable>"
    if len(text) > TEXT_LIMIT:
        text = f"{text[:TEXT_LIMIT]}… ({len(text)} characters)"
    return text.encode("utf-8", "replace").decode("utf-8")


def failure_text(error: BaseException) -> str:
    """`Type: text` of an exception, or only the type when it has no text. Never empty, never raises."""
    text = safe_text(error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _rebuild(kind: type[OtterError], args: tuple[Any, ...], state: dict[str, Any]) -> OtterError:
    error = kind(*args)
    error.__dict__.update(state)
    return error
