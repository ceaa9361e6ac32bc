"""`Outgoing`: what workers are to be told, kept until it may be said.

A turn's messages go out at its end, when its commits are in the hands of the operating system, and as many as fit
travel in one frame.
"""

from __future__ import annotations

from typing import Any

import orjson

from otter.step.coordinator.carried import FRAME_BUDGET
from otter.step.coordinator.events import WorkerId
from otter.step.coordinator.ledger import Ledger
from otter.step.coordinator.ports import Workers
from otter.wire import messages as m


class Outgoing:
    """Messages to workers.

    Args:
        ledger: knows how large the specs are that travel.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._messages: dict[WorkerId, list[Any]] = {}

    def post(self, worker: WorkerId, message: Any) -> None:
        """Keep a message for the next sending."""
        messages = self._messages.get(worker)
        if messages is None:
            self._messages[worker] = [message]
        else:
            messages.append(message)

    def forget(self, worker: WorkerId) -> None:
        """A worker is gone, and hears nothing any more."""
        self._messages.pop(worker, None)

    def send_all(self, workers: Workers) -> tuple[WorkerId, ...]:
        """Send everything, to each worker in the order of posting.

        Returns:
            The workers that something was sent to.
        """
        told = tuple(self._messages)
        for worker in told:
            self.send(worker, workers)
        return told

    def send(self, worker: WorkerId, workers: Workers) -> None:
        """Send what is kept for one worker."""
        messages = self._messages.pop(worker, None)
        if not messages:
            return
        start, size, batons = 0, 0, 0
        for place, message in enumerate(messages):
            weight = self._weight(message)
            if size and size + weight > FRAME_BUDGET:
                workers.send(worker, messages[start:place], batons)
                start, size, batons = place, 0, 0
            size += weight
            batons += type(message) is m.RunTask
        workers.send(worker, messages[start:], batons)

    def _weight(self, message: Any) -> int:
        """Bytes of a message, as far as they may be many."""
        kind = type(message)
        if kind is m.RunTask:
            held = self._ledger.dispatched.get(message.task)
            return len(held.payload) if held is not None else 0
        if kind is m.StoreValues:
            return len(orjson.dumps(message.values))
        # A large question, and what a worker must know first, has a frame of its own.
        return FRAME_BUDGET if kind in (m.CheckSpecs, m.Welcome) else 0
