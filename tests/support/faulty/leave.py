"""A task that leaves its process in another state than it found it in."""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
import threading

from otter.task import Spec, Task, TaskContext
from otter.task.task_reporter import report
from tests.support import diary


class LeaveSpec(Spec):
    what: str


class Leave(Task):
    def __init__(self, spec: LeaveSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: LeaveSpec

    @report
    def run(self) -> None:
        diary.note(self.context.config.work_path, self.name)
        match self.spec.what:
            case "thread":
                threading.Thread(target=threading.Event().wait, name="left by a task", daemon=True).start()
            case "cwd":
                os.chdir("/")
            case "removed cwd":
                gone = self.context.config.work_path / "gone"
                gone.mkdir()
                os.chdir(gone)
                gone.rmdir()
            case "umask":
                os.umask(0o777)
            case "environment":
                os.environ["LEFT"] = "behind"
                del os.environ["PATH"]
            case "handler":
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
            case "mask":
                signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
            case "alarm":
                signal.setitimer(signal.ITIMER_REAL, 0.2)
            case "busy alarm":
                signal.setitimer(signal.ITIMER_VIRTUAL, 3600)
                signal.setitimer(signal.ITIMER_PROF, 3600)
            case "switches of threads":
                sys.setswitchinterval(60)
            case "streams":
                sys.stdout = sys.stderr = None
            case "open descriptors":
                for _ in range(200):
                    os.dup(0)
            case "closed descriptors":
                os.closerange(3, 256)
            case "closed output":
                os.close(1)
                os.close(2)
            case "recursion":
                sys.setrecursionlimit(10_000)
            case "collector":
                gc.disable()
            case "limit":
                resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
            case "limit of processes":
                soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
                resource.setrlimit(resource.RLIMIT_NPROC, (1_000_000 if soft < 0 else soft - 1, hard))
            case "user":
                os.seteuid(65534)
            case "process group":
                os.setpgid(0, os.getpgid(os.getppid()))
            case "priority":
                os.nice(5)
