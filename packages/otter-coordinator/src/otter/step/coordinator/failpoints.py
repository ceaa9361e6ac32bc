"""Named places where a test can make the coordinator die, stop or fail: `OTTER_FAIL=name:action[:n]`.

`n` is the hit that acts, the first by default. Actions: `kill` (SIGKILL), `exit`, `stop` (SIGSTOP), `raise`, `enospc`.
Unset, a hit costs one comparison.
"""

from __future__ import annotations

import errno
import os
import signal

from otter.util.failpoint import VARIABLE, Failpoint

NAMES = (
    "journal.before", "journal.torn", "journal.after", "journal.after_fsync",
    "manifest.tmp", "manifest.after_fsync", "manifest.after_replace",
    "coord.dispatch", "coord.on_result", "coord.on_death", "coord.commit", "coord.finish",
)  # fmt: skip
"""Every failpoint of the coordinator; those of the worker are in `otter.step.worker.failpoints`."""

_chosen = Failpoint.parse(os.environ.get(VARIABLE, ""))
_ARMED = _chosen.name in NAMES
due = _chosen.due
"""Count a hit; whether it is the one to `act` at. For places that leave half of their work first."""


def hit(name: str) -> None:
    """Act, if this place was chosen and it is its turn."""
    if _ARMED and due(name):
        act()


def act() -> None:
    """Die, stop or fail, as chosen.

    Raises:
        OSError: the action is `enospc`: no space is left on the device.
        RuntimeError: the action is `raise`.
    """
    match _chosen.action:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(99)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "enospc":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        case _:
            raise RuntimeError(f"failpoint {_chosen.name}")
