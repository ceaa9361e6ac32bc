"""A task that writes down the state of the process that it finds."""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
import threading

import orjson

from otter.task import Task
from otter.task.task_reporter import report
from tests.support import diary

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGALRM, signal.SIGPIPE)


def state() -> dict[str, object]:
    """What a task can see of its process."""
    umask = os.umask(0o022)
    os.umask(umask)
    return {
        "cwd": os.getcwd(),
        "umask": umask,
        "environment": dict(os.environ),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "handlers": [str(signal.getsignal(number)) for number in _SIGNALS],
        "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "alarms": [
            signal.getitimer(timer)[0] > 0 for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
        ],
        "switches": sys.getswitchinterval(),
        "streams": [type(stream).__name__ for stream in (sys.stdin, sys.stdout, sys.stderr)],
        "outputs": [os.fstat(fd).st_mode for fd in (0, 1, 2)],
        "descriptors": len(os.listdir("/proc/self/fd")) < 64,
        "recursion": sys.getrecursionlimit(),
        "collector": gc.isenabled(),
        "limits": [resource.getrlimit(limit) for limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC)],
        "user": os.geteuid(),
        "leads its group": os.getpgrp() == os.getpid(),
        "priority": os.nice(0),
    }


class Look(Task):
    @report
    def run(self) -> None:
        work = self.context.config.work_path
        diary.note(work, self.name)
        name = self.name.partition(" ")[2]
        (work / f"look-{name}.json").write_bytes(orjson.dumps({"pid": os.getpid(), "state": state()}))
        print("looked around")
