"""`Background`: threads for what waits for a disk, so that the loop does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

THREADS = 2
"""One may sync the journal while another writes the manifest."""


class Background:
    """Runs functions beside the loop. Where the system gives no more threads, they are run at once instead."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(THREADS, "otter-disk")

    def run(self, function: Callable[[], None]) -> asyncio.Future[None]:
        """Begin a function; the future has its exception, if it raises one."""
        try:
            return self._loop.run_in_executor(self._threads, function)
        except RuntimeError:
            future: asyncio.Future[None] = self._loop.create_future()
            try:
                function()
            except Exception as error:  # noqa: BLE001 - as a thread would hand it over
                future.set_exception(error)
            else:
                future.set_result(None)
            return future

    def close(self) -> None:
        """Wait for what was begun."""
        self._threads.shutdown()
