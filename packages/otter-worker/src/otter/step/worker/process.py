"""The worker process: descriptors, signals, lifeline, limits, exit codes.

The coordinator starts `<python> -m otter.step.worker` with the descriptors of its private channel. No process of the
group outlives it: the kernel sends SIGKILL to the whole group when the coordinator's end of the lifeline pipe closes,
whatever the worker does at that moment.
"""

from __future__ import annotations

import argparse
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
    args, _ = _parser().parse_known_args(argv)  # a newer coordinator may give more
    if args.sys_path is not None:
        sys.path[:] = args.sys_path.split(os.pathsep)
    _restore_environment()
    _arm_lifeline(args.lifeline)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m otter.step.worker", description="Started by otter's coordinator.")
    parser.add_argument("--worker-id", type=int, required=True)
    parser.add_argument("--channel", type=int, required=True, help="descriptor of the socket of messages")
    parser.add_argument("--control", type=int, required=True, help="descriptor of the socket of urgent messages")
    parser.add_argument("--batons", type=int, required=True, help="descriptor of the pipe of permissions to begin")
    parser.add_argument(
        "--lifeline", type=int, required=True, help="descriptor of a pipe that ends with the coordinator"
    )
    parser.add_argument("--beginnings", type=int, help="descriptor of a pipe that takes what begins")
    parser.add_argument("--tasks", action="append", default=[], metavar="PACKAGE")
    parser.add_argument("--sys-path", help="sys.path of the coordinator, when both have the same interpreter")
    parser.add_argument("--dump-signal", type=int, help="signal on which all stacks are written to the error output")
    parser.add_argument("--memory", type=int, help="limit of the data segment, in bytes")
    return parser


def _serve(args: argparse.Namespace) -> int:
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
        args.worker_id, task_packages=tuple(args.tasks), batons=Batons(args.batons), beginnings=beginnings,
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
