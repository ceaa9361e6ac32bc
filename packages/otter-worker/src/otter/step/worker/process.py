"""The worker process: descriptors, signals, lifeline, limits, exit codes.

The coordinator starts `<python> -m otter.step.worker` with the descriptors of its private channel. No process of the
group outlives it: the kernel sends SIGKILL to the whole group when the coordinator's end of the lifeline pipe closes,
whatever the worker does at that moment.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import gc
import os
import resource
import select
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

EXIT_PROTOCOL = 76
"""EX_PROTOCOL of sysexits: the coordinator broke the protocol."""
EXIT_NO_CHANNEL = 74
"""EX_IOERR of sysexits: a task closed the descriptors of the channel."""
EXIT_ORPHAN = 78
"""The coordinator was gone before the lifeline was armed."""

_F_SETSIG = 10


def main(argv: Sequence[str] | None = None) -> None:
    """Run a worker on the descriptors that the command line names; ends the process."""
    args = _Arguments(sys.argv[1:] if argv is None else argv)
    if args.sys_path is not None:
        sys.path[:] = args.sys_path.split(os.pathsep)
    _restore_environment()
    _arm_lifeline(args.lifeline)
    _yield_to_the_coordinator()
    for number in (signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    if args.memory:
        # Data, not address space: libraries reserve far more addresses than they use.
        resource.setrlimit(resource.RLIMIT_DATA, (args.memory, args.memory))
    _enable_faulthandler(args.dump_signal)
    atexit.register(gc.freeze)  # or the interpreter would take everything apart before it ends, while others wait
    sys.exit(_serve(args))


def command(argv: Sequence[str] | None = None) -> int:
    """The command `otter-worker`: `describe` prints the task types at hand as JSON, `replay` makes an attempt again."""
    import argparse

    parser = argparse.ArgumentParser(prog="otter-worker", description="The worker side of otter.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    describe = verbs.add_parser("describe", help="print the task types of this environment as JSON")
    describe.add_argument("--tasks", action="append", default=[], metavar="PACKAGE", help="a task package to register")
    replay = verbs.add_parser("replay", help="really make an attempt again, from what `otter replay --save` wrote")
    replay.add_argument("request", metavar="REQUEST.json", type=Path, help="the request")
    replay.add_argument("--tasks", action="append", default=[], metavar="PACKAGE", help="a task package to register")
    replay.add_argument("--pdb", action="store_true", help="stop in the debugger where the task raises")
    args = parser.parse_args(argv)
    if args.verb == "replay":
        from otter.step.worker.replay import replay as make_again

        _restore_environment()
        return make_again(args.request, args.tasks, debug=args.pdb)
    return _describe(args.tasks)


def _describe(packages: Sequence[str]) -> int:
    import orjson

    from otter.task.task_registry import TaskRegistry
    from otter.util.errors import OtterError

    output = sys.stdout.buffer
    registry = TaskRegistry(None)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what task code prints is no part of the description
            registry.register_entry_points()
            for package in packages:
                registry.register(package)
    except OtterError as error:
        print(f"otter-worker: {error}", file=sys.stderr)
        return 2
    types = [kind.to_json() for kind in registry.describe(docs=True)]
    output.write(orjson.dumps({"task_types": types}, option=orjson.OPT_INDENT_2) + b"\n")
    return 0


class _Arguments:
    """What the command line says: words of the form `--name=value`, or in two words `--name value`.

    A program writes and reads them, and each worker would load argparse for that alone. Unknown ones are left alone: a
    newer coordinator may give more.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._given: dict[str, list[str]] = {}
        for word, following in zip(words, [*words[1:], "--"], strict=False):
            name, equals, value = word.partition("=")
            if name.startswith("--") and (equals or not following.startswith("--")):
                self._given.setdefault(name[2:], []).append(value if equals else following)
        self.worker_id, self.channel, self.control, self.batons, self.lifeline = map(
            self._needed, ("worker-id", "channel", "control", "batons", "lifeline")
        )
        self.beginnings = self._number("beginnings")
        self.tasks = tuple(self._given.get("tasks", ()))
        self.sys_path = self._last("sys-path")
        self.dump_signal = self._number("dump-signal")
        self.memory = self._number("memory")

    def _last(self, name: str) -> str | None:
        return self._given[name][-1] if name in self._given else None

    def _number(self, name: str) -> int | None:
        text = self._last(name)
        try:
            return None if text is None else int(text)
        except ValueError:
            raise _misused(f"--{name} takes a number, not {text!r}") from None

    def _needed(self, name: str) -> int:
        number = self._number(name)
        if number is None:
            raise _misused(f"--{name}=NUMBER is missing")
        return number


def _misused(what: str) -> SystemExit:
    sys.stderr.write(
        f"python -m otter.step.worker: {what}\n"
        "otter's coordinator starts workers, as PROTOCOL.md of otter-model says; `otter-worker --help` is for people\n"
    )
    return SystemExit(os.EX_USAGE)


def _serve(args: _Arguments) -> int:
    from otter.step.worker.channel import Batons, Beginnings, ChannelClosedError, SocketQueue
    from otter.step.worker.hygiene import count_changes
    from otter.step.worker.worker import Worker
    from otter.wire.errors import WireError

    count_changes()
    fds = [args.channel, args.control, args.batons]
    beginnings = None
    if args.beginnings is not None:
        fds.append(args.beginnings)
        beginnings = Beginnings(args.beginnings)
    _cut_off_children(*fds)
    channel = SocketQueue(socket.socket(fileno=args.channel))
    worker = Worker(
        args.worker_id, task_packages=args.tasks, batons=Batons(args.batons), beginnings=beginnings,
        owns_process=True,
    )  # fmt: skip
    control = SocketQueue(socket.socket(fileno=args.control))
    threading.Thread(target=_listen, args=(worker, control), name="otter-control", daemon=True).start()
    try:
        worker.run(channel, channel, threading.Event())
    except ChannelClosedError:
        return 0
    except WireError as error:
        print(f"otter worker {args.worker_id}: {error}", file=sys.stderr)
        return EXIT_PROTOCOL
    except OSError as error:
        if error.errno not in (errno.EBADF, errno.ENOTSOCK):
            raise
        print(
            "otter worker: a task closed descriptors that are not its own, and cannot be answered for", file=sys.stderr
        )
        return EXIT_NO_CHANNEL
    return 0


def _cut_off_children(*fds: int) -> None:
    """See to it that a child that a task forks, whatever code it runs into, takes no message and no baton of ours."""
    for fd in fds:
        os.set_inheritable(fd, False)  # for those that are made without a fork of Python's

    def cut_off() -> None:
        null = os.open(os.devnull, os.O_RDWR)
        for fd in fds:
            os.dup2(null, fd, inheritable=False)
        os.close(null)

    os.register_at_fork(after_in_child=cut_off)


def _listen(worker: object, control: object) -> None:
    """Take urgent messages while the main thread is inside a task; a thread of its own, blocked nearly always."""
    from otter.step.worker.channel import SocketQueue
    from otter.step.worker.worker import Worker
    from otter.wire.codec import TO_WORKER
    from otter.wire.errors import WireError
    from otter.wire.messages import AbortTasks

    assert isinstance(worker, Worker)
    assert isinstance(control, SocketQueue)
    with contextlib.suppress(OSError, WireError):
        while True:
            for message in TO_WORKER.decode(control.get()):
                if isinstance(message, AbortTasks):
                    worker.abort(message)


def _arm_lifeline(fd: int) -> None:
    """Make the kernel kill this process's group when the lifeline closes; elsewhere than on Linux a thread does."""
    with contextlib.suppress(PermissionError):  # it leads a group already
        os.setpgid(0, 0)
    if sys.platform == "linux":
        import fcntl

        fcntl.fcntl(fd, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(fd, _F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC | os.O_NONBLOCK)
    else:
        threading.Thread(target=_watch_lifeline, args=(fd,), name="otter-lifeline", daemon=True).start()
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    if poll.poll(0):
        os._exit(EXIT_ORPHAN)  # it closed before it was armed: no signal will come


def _yield_to_the_coordinator() -> None:
    """Tell the system that this process computes, so that it takes no processor from those that it wakes, or they need.

    Where there are more workers than processors, the coordinator would wait for its turn behind them, and they for it.
    What tasks start is scheduled as usual.
    """
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):  # forbidden in some containers
            os.sched_setscheduler(0, os.SCHED_BATCH | os.SCHED_RESET_ON_FORK, os.sched_param(0))


def _watch_lifeline(fd: int) -> None:
    with contextlib.suppress(OSError):
        os.read(fd, 1)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _enable_faulthandler(dump_signal: int | None) -> None:
    import faulthandler

    faulthandler.enable(all_threads=True)
    if dump_signal is not None:
        faulthandler.register(dump_signal, all_threads=True)


def _restore_environment() -> None:
    """Undo what the coordinator changed in the environment so that this process could start."""
    former = os.environ.pop("OTTER_WORKER_PYTHONPATH", None)
    if former is not None:
        if former:
            os.environ["PYTHONPATH"] = former
        else:
            os.environ.pop("PYTHONPATH", None)
