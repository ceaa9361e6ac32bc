"""The worker: executes tasks that a coordinator hands to it.

What is public here is loaded when it is first asked for: a worker's process ties itself to its coordinator before it
loads anything that takes time.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otter.step.worker.worker import WORKER_POLLING_INTERVAL, Worker, worker_process

__all__ = ["WORKER_POLLING_INTERVAL", "Worker", "worker_process"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from otter.step.worker import worker

    return getattr(worker, name)
