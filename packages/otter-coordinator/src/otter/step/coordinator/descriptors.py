"""The limit of descriptors: every worker costs some, and systems begin with a low limit that may be raised."""

from __future__ import annotations

import contextlib
import resource

EACH, REST = 9, 64
"""Descriptors of a worker, and of everything else."""


def make_room_for(workers: int) -> None:
    """Raise the soft limit of descriptors for a number of workers, as far as the hard limit allows it.

    Where that is not far enough fewer workers will start, which is no error.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = EACH * workers + REST
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
