"""`HeadStart`: the first worker, started while the command itself still loads.

Both take a tenth of a second to load, and neither needs the other for that. What the run turns out to be is not known
by then: if it needs another worker, or none, this one is ended, and nobody notices that it was there.
"""

from __future__ import annotations

import os
import resource
import sys

from otter.step.coordinator.guardianship import Guardianship
from otter.step.coordinator.launching import RUN_MARK, WORKER_MODULE, Launched, Program

FIRST = 0
"""The number of the first worker of a run."""


class HeadStart:
    """A worker that belongs to no run yet.

    Args:
        task_packages: packages of task modules that the operator named.
        near: where the run will write, or a directory above. There is a file without a name for what the worker prints;
            it gets one when the run has a place for it.

    Attributes:
        run_id: that of the run, which marks its processes.
        guardian: watches over the run, and begins before there is anything to guard.

    Raises:
        OSError: it cannot be started, or the file system has no files without names. Nothing is left.
    """

    def __init__(self, task_packages: tuple[str, ...], near: str) -> None:
        self.run_id = os.urandom(16).hex()
        self._program = _usual(task_packages)
        self._circumstances = _circumstances()
        self._output = _nameless_file(near)
        self.guardian = Guardianship(f"{RUN_MARK}={self.run_id}")
        try:
            self.guardian.begin()
            self._launched: Launched | None = Launched(self._program, FIRST, self.run_id, self._output)
        except BaseException:
            os.close(self._output)
            self.guardian.end()
            raise

    def take(self, program: Program, path: str) -> tuple[Launched, int] | None:
        """The worker and the descriptor of its output, if the run would have started the same one.

        None if it is another one that the run needs; this one is ended then, and so is the guardian.

        Args:
            program: what the workers of the run are.
            path: of the file for the worker's output.
        """
        launched = self._launched
        if launched is None:
            return None
        if vars(program) != vars(self._program) or self._circumstances != _circumstances():
            self.discard()
            return None
        try:
            _name(self._output, path)
        except OSError:  # on another file system, perhaps
            self.discard()
            return None
        self._launched = None
        return launched, self._output

    def discard(self) -> None:
        """End what nobody has taken."""
        launched, self._launched = self._launched, None
        if launched is None:
            return
        launched.kill()
        launched.popen.wait()
        launched.close()
        os.close(self._output)
        self.guardian.end()


def _usual(task_packages: tuple[str, ...]) -> Program:
    packages = tuple(dict.fromkeys(task_packages))
    return Program(WORKER_MODULE, python=sys.executable, task_packages=packages, memory=None, env=None, share_path=True)


def _circumstances() -> tuple[object, ...]:
    """What a process gets from this one, apart from what its program says."""
    return os.getcwd(), tuple(sys.path), dict(os.environ), resource.getrlimit(resource.RLIMIT_NOFILE)


def _name(file: int, path: str) -> None:
    directory = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:  # only with the descriptor of a directory the link of /proc is followed
        os.link(f"/proc/self/fd/{file}", os.path.basename(path), dst_dir_fd=directory, follow_symlinks=True)
    finally:
        os.close(directory)


def _nameless_file(near: str) -> int:
    directory = os.path.abspath(os.path.expanduser(near))
    while not os.path.isdir(directory):
        directory = os.path.dirname(directory)
    # In append mode, so that the worker can empty it while others write.
    return os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, 0o644)
