"""The garbage collector, off while much is built that holds no cycles."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_collector(*, keep: bool = False) -> Iterator[None]:
    """Keep the collector from walking a growing tree again and again, which would take half of the time.

    Args:
        keep: what was made stays: the collector does not look at it until somebody calls `gc.unfreeze`.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if keep:
            gc.freeze()
        if enabled:
            gc.enable()
