"""Named places where a test can make a worker die, stop or fail: `OTTER_FAIL=name:action[:n[:once]]`.

`n` is the hit that acts in each worker, the first by default; with a path as `once`, the first worker to come there
acts and all others go on. Actions: `kill` (SIGKILL), `exit`, `stop` (SIGSTOP), `raise`. Unset, a hit costs one
comparison.
"""

from __future__ import annotations

import os
import signal

from otter.util.failpoint import VARIABLE, Failpoint

NAMES = (
    "worker.before_recv", "worker.after_recv", "task.before", "task.during", "task.after",
    "result.before_send", "result.mid_send", "result.after_send",
)  # fmt: skip
"""Every failpoint of the worker; those of the coordinator are in `otter.step.coordinator.failpoints`."""

_chosen = Failpoint.parse(os.environ.get(VARIABLE, ""))
ARMED = _chosen.name in NAMES
"""Whether any place of the worker was chosen."""


def due(name: str) -> bool:
    """Count a hit; whether it is the one to `act` at."""
    return _chosen.due(name) and (_chosen.once is None or _make(_chosen.once))


def hit(name: str) -> None:
    """Act, if this place was chosen and it is its turn."""
    if ARMED and due(name):
        act()


def act() -> None:
    """Die, stop or fail, as chosen.

    Raises:
        RuntimeError: the action is `raise`.
    """
    match _chosen.action:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(99)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case _:
            raise RuntimeError(f"failpoint {_chosen.name}")


def _make(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True
