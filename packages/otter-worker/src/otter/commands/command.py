"""`command`: run a program."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated, Self

from otter.commands.running import ProgramGroup
from otter.manifest.model import Artifact
from otter.storage.globbing import OWN_PREFIX
from otter.storage.synchronous.handle import StorageHandle
from otter.task.model import Spec, Task, TaskContext
from otter.task.task_reporter import report
from otter.util.errors import TaskAbortedError, TaskRunError, TaskValidationError

_log = logging.getLogger(__name__)

ABORT_INTERVAL = 0.05
"""Seconds between two looks at whether the task should stop."""


def _program(argv: list[str]) -> None:
    if not argv or not argv[0]:
        raise ValueError('expected a program and its arguments, as in ["sort", "-u", "names.txt"]')
    if any("\0" in argument for argument in argv):
        raise ValueError("an argument cannot contain a NUL character")


def _variables(env: dict[str, str]) -> None:
    for name, value in env.items():
        if not name or "=" in name or "\0" in name + value:
            raise ValueError(f"{name!r} cannot be a variable of an environment")


class CommandSpec(Spec):
    """What `command` is to do."""

    argv: Annotated[list[str], _program]
    """The program and its arguments. No shell reads them: `*`, `|`, `>` and `$HOME` are plain text."""
    env: Annotated[dict[str, str], _variables] = {}
    """Environment variables beside those of the worker."""
    cwd: str = "."
    """Working directory, relative to the work path."""
    stdin: str | None = None
    """A file that it reads from standard input, relative to the work path."""
    stdout: str | None = None
    """A file for its standard output, relative to the work path; it appears when the program has succeeded."""
    inputs: list[str] = []
    """Files that must be there before it begins, relative to the work path: the sources of its artifacts."""
    outputs: list[str] = []
    """Files or directories that it makes, relative to the work path: they must be there afterwards."""
    exit_codes: list[int] = [0]
    """The exit codes that mean success."""


class Command(Task):
    """Run a program, without a shell.

        [[steps.tidy]]
        name = "command sorted names"
        argv = ["sort", "--unique", "names.txt"]
        stdout = "sorted.txt"

    What it writes, other than to `stdout`, becomes the log of the task. Directories of outputs are made before it
    begins. It is in a process group of its own, which ends with it; a task that is stopped sends SIGTERM to the
    group, and SIGKILL after a while. How long it may take says `policy = { timeout = "10m" }`.
    """

    def __init__(self, spec: CommandSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: CommandSpec

    @report
    async def run(self) -> Self:
        """Run the program."""
        spec = self.spec
        cwd, inputs = self._path(spec.cwd), [self._path(name) for name in self._read_files()]
        self._prepare(cwd, inputs)
        _log.info("running %s in %s", shlex.join(spec.argv), cwd)
        with contextlib.ExitStack() as files:
            stdin = files.enter_context(_opened(self._path(spec.stdin))) if spec.stdin else None
            stdout = files.enter_context(_published(self._path(spec.stdout))) if spec.stdout else None
            await self._run_program(cwd, stdin, stdout)
        sources = [str(path) for path in inputs] or spec.argv[0]
        self.artifacts = [Artifact(source=sources, destination=str(self._path(name))) for name in self._made()]
        return self

    @report
    def validate(self) -> Self:
        """Check that everything is there that it should have made."""
        missing = [name for name in self._made() if not self._path(name).exists()]
        if missing:
            raise TaskValidationError(f"it succeeded, but did not make {', '.join(map(repr, missing))}")
        return self

    async def _run_program(self, cwd: Path, stdin: IO[bytes] | None, stdout: IO[bytes] | None) -> None:
        spec, abort = self.spec, self.context.abort
        environ = {**os.environ, **spec.env}
        try:
            program = ProgramGroup(spec.argv, environ=environ, cwd=str(cwd), stdin=stdin, stdout=stdout)
        except OSError as error:
            raise TaskRunError(f"{spec.argv[0]!r} cannot be started: {error.strerror}") from error
        asked = False
        try:
            while not program.ended.done():
                await asyncio.wait([program.ended], timeout=None if abort is None or asked else ABORT_INTERVAL)
                if abort is not None and abort.is_set() and not asked:
                    asked = True
                    program.terminate()
            code = await program.finish()
        except asyncio.CancelledError:  # the time to stop by itself is over
            raise TaskAbortedError(f"{spec.argv[0]} did not stop, and was killed") from None
        finally:
            program.close()
        if asked:
            raise TaskAbortedError(f"{spec.argv[0]} was stopped")
        if code not in spec.exit_codes:
            said = f": {program.last_line[:500]}" if program.last_line else ""
            raise TaskRunError(f"{spec.argv[0]} {_ending(code)}{said}")

    def _prepare(self, cwd: Path, inputs: list[Path]) -> None:
        missing = [str(path) for path in inputs if not path.exists()]
        if missing:
            raise TaskRunError(f"it needs {', '.join(missing)}, which is not there")
        try:
            for directory in (cwd, *(self._path(name).parent for name in self._made())):
                directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TaskRunError(f"{error.filename}: {error.strerror}") from error

    def _path(self, location: str) -> Path:
        """A local path; relative ones belong to the work path and cannot leave it."""
        return Path(StorageHandle(location, self.context.config, force_local=True).absolute)

    def _read_files(self) -> list[str]:
        return list(dict.fromkeys([*self.spec.inputs, *([self.spec.stdin] if self.spec.stdin else [])]))

    def _made(self) -> list[str]:
        return list(dict.fromkeys([*([self.spec.stdout] if self.spec.stdout else []), *self.spec.outputs]))


def _opened(path: Path) -> IO[bytes]:
    try:
        return open(path, "rb")
    except OSError as error:
        raise TaskRunError(f"{path}: {error.strerror}") from error


@contextlib.contextmanager
def _published(path: Path) -> Iterator[IO[bytes]]:
    """A file that gets its name when the block ends well, and is gone when it does not."""
    part = path.with_name(f"{OWN_PREFIX}{secrets.token_hex(8)}")
    try:
        with open(part, "xb") as file:
            yield file
        os.replace(part, path)
    except OSError as error:
        raise TaskRunError(f"{path}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _ending(code: int) -> str:
    """How a program ended, in words."""
    if code >= 0:
        return f"exited with {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
