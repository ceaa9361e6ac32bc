"""Named places where a test can make the coordinator die, stop or fail: `OTTER_FAIL=name:action[:n]`.

`n` is the hit that acts, the first by default. Actions: `kill` (SIGKILL), `exit`, `stop` (SIGSTOP), `raise`, `enospc`, `torn`
(as kill; the place itself has left half of its work). Unset, a hit costs one comparison.
"""

from __future__ import annotations

import errno
import os
import signal

NAMES = (
    "journal.before", "journal.torn", "journal.after", "journal.after_fsync",
    "manifest.tmp", "manifest.after_fsync", "manifest.after_replace",
    "coord.dispatch", "coord.on_result", "coord.on_death", "coord.commit", "coord.finish",
)  # fmt: skip
"""Every failpoint of the coordinator; those of the worker are in `otter.step.worker.failpoints`."""

_SPEC = os.environ.get("OTTER_FAIL", "").split(":")
_NAME = _SPEC[0]
_ACTION = _SPEC[1] if len(_SPEC) > 1 else "kill"
_hits_left = int(_SPEC[2]) if len(_SPEC) > 2 else 1


def armed(name: str) -> bool:
    """Whether the next hit of this failpoint acts."""
    return name == _NAME and _hits_left == 1


def hit(name: str) -> None:
    """Act, if this failpoint was chosen and it is its turn."""
    if name != _NAME:
        return
    global _hits_left
    _hits_left -= 1
    if _hits_left != 0:
        return
    match _ACTION:
        case "kill" | "torn":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(99)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "enospc":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        case _:
            raise RuntimeError(f"failpoint {name}")
