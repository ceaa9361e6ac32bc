"""The worker: executes tasks that a coordinator hands to it."""

from otter.step.worker.worker import WORKER_POLLING_INTERVAL, Worker, worker_process

__all__ = ["WORKER_POLLING_INTERVAL", "Worker", "worker_process"]
