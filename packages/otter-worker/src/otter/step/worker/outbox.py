"""What a worker has to say, gathered into as few frames as exactness allows."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Any

from otter.step.worker import failpoints
from otter.util.errors import failure_text
from otter.wire.codec import TO_COORDINATOR
from otter.wire.errors import UnrepresentableError
from otter.wire.messages import ReportResult, SpillMessage

SPILL_SIZE = 1024 * 1024
"""Bytes of a body above which it goes through a file."""

MAX_SPILL = 256 * 1024 * 1024
"""Bytes of a result at most; the coordinator takes no larger one."""

PAGE_LIMIT = 64
"""Messages that may wait: pages of a generator are sent while it runs."""


_forked = False
"""Some ancestor of this process forked it without replacing it; only then is its number worth asking for."""


def _note_fork() -> None:
    global _forked
    _forked = True


os.register_at_fork(after_in_child=_note_fork)


class Outbox:
    """Gathers messages and writes them as bodies to a queue.

    Args:
        target: any queue with `put`.
    """

    def __init__(self, target: Any) -> None:
        self._target = target
        self._messages: list[Any] = []
        self._pid = os.getpid()
        self._spilled = 0
        self.spill_dir: Path | None = None

    def add(self, message: Any) -> None:
        """A message to send with the next flush."""
        self._messages.append(message)
        if len(self._messages) >= PAGE_LIMIT:
            self.flush()

    def end_forked_child(self) -> None:
        """End this process if a task forked it and it came back into our loop: it must not act for the worker."""
        if _forked and os.getpid() != self._pid:
            os._exit(0)

    def flush(self) -> None:
        """Send everything that waits, in order."""
        self.end_forked_child()
        if not self._messages:
            return
        messages, self._messages = self._messages, []
        try:
            body = TO_COORDINATOR.encode(messages)
        except UnrepresentableError:
            for message in messages:
                self._put_one(message)
            return
        if len(body) <= SPILL_SIZE:
            self._put(body, messages)
        else:
            for message in messages:
                self._put_one(message)

    def _put_one(self, message: Any) -> None:
        """Send one message by itself: through a file if it is large, as a failure if it cannot be sent at all."""
        try:
            body = TO_COORDINATOR.encode([message])
            if len(body) > SPILL_SIZE:
                body = TO_COORDINATOR.encode([self._spill(body)])
        except (UnrepresentableError, OSError) as error:
            if not isinstance(message, ReportResult):
                raise
            record = {
                "name": str(message.record.get("name", "?")),
                "result": "failure",
                "failure_reason": f"result cannot be sent: {failure_text(error)}",
            }
            failed = ReportResult(message.task, message.attempt, record, failure=type(error).__name__)
            body = TO_COORDINATOR.encode([failed])
        self._put(body, [message])

    def _put(self, body: bytes, messages: list[Any]) -> None:
        if not failpoints.ARMED or not any(isinstance(message, ReportResult) for message in messages):
            self._target.put(body)
            return
        failpoints.hit("result.before_send")
        if failpoints.due("result.mid_send"):
            self._target.put_half(body)
            failpoints.act()
        self._target.put(body)
        failpoints.hit("result.after_send")

    def _spill(self, body: bytes) -> SpillMessage:
        if self.spill_dir is None or len(body) > MAX_SPILL:
            raise UnrepresentableError("$", f"a result of {len(body)} bytes is too large to send")
        self._spilled += 1
        path = self.spill_dir / f"{self._pid}-{self._spilled}.json"
        try:
            with open(path, "wb") as file:
                file.write(body)
        except OSError:
            with contextlib.suppress(OSError):
                path.unlink()  # where the disk is full, what others write needs the room
            raise
        return SpillMessage(str(path), len(body), hashlib.sha256(body).hexdigest())
