"""Settings apply where they should; imports stay light; loops, forks and interpreters end cleanly."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from otter.storage.storage_context import get_storage_context, storage_context
from otter.storage.synchronous.handle import StorageHandle
from otter.util.errors import StorageError
from tests.support.http_server import Site


def test_contexts_nest() -> None:
    """The inner one adds to the outer one, and ends with its block."""
    assert {} == dict(get_storage_context())
    with storage_context(max_size=1, fsync=True):
        with storage_context(max_size=2):
            assert {"max_size": 2, "fsync": True} == dict(get_storage_context())
        assert {"max_size": 1, "fsync": True} == dict(get_storage_context())
    assert {} == dict(get_storage_context())


def test_a_context_belongs_to_its_coroutine() -> None:
    """Tasks that run side by side do not see each other's."""

    async def look(size: int) -> object:
        async with storage_context(max_size=size):
            await asyncio.sleep(0)
            return get_storage_context()["max_size"]

    async def main() -> list[object]:
        return list(await asyncio.gather(look(1), look(2)))

    assert [1, 2] == asyncio.run(main())


def test_a_setting_that_nobody_knows_is_refused() -> None:
    """The message lists those that there are."""
    with pytest.raises(StorageError, match=r"unknown storage setting 'time_out'; known: .*max_size"):
        storage_context(time_out=1)


def test_blocking_calls_come_from_many_threads(site: Site) -> None:
    """They share one loop and do not wait for each other."""
    hold = threading.Event()
    slow, quick = site.put("/slow", b"ab", hold=hold), site.put("/quick", b"q")
    results: list[bytes] = []
    thread = threading.Thread(target=lambda: results.append(StorageHandle(slow).read()[0]))
    thread.start()
    results.append(StorageHandle(quick).read()[0])
    hold.set()
    thread.join()
    assert [b"q", b"ab"] == results


def run(code: str, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", code, *args]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_imports_bring_no_http_client(tmp_path: Path) -> None:
    """Not even after local files were used; nor does a worker pay for TLS before a task needs it."""
    done = run(
        "import pkgutil, sys, importlib, otter.tasks, otter.validators.file, otter.storage.util\n"
        "for info in pkgutil.iter_modules(otter.tasks.__path__):\n"
        "    importlib.import_module(f'otter.tasks.{info.name}')\n"
        "from otter.storage.synchronous.handle import StorageHandle\n"
        "StorageHandle(sys.argv[1]).write(b'')\n"
        "print(*[name for name in ('pycurl', 'ssl', 'asyncio') if name in sys.modules])",
        str(tmp_path / "x"),
    )
    assert ("\n", "", 0) == (done.stdout, done.stderr, done.returncode)


def test_nothing_complains_at_the_end(site: Site, tmp_path: Path) -> None:
    """Sessions end with their loops, and the loop of blocking calls with the interpreter."""
    done = run(
        "import asyncio, sys\n"
        "from otter.storage.synchronous.handle import StorageHandle\n"
        "from otter.storage.asynchronous.handle import AsyncStorageHandle\n"
        "async def main():\n"
        "    await AsyncStorageHandle(sys.argv[1]).read()\n"
        "    StorageHandle(sys.argv[1]).read()\n"
        "    await AsyncStorageHandle(sys.argv[1]).copy_to(StorageHandle(sys.argv[2]))\n"
        "asyncio.run(main())\n"
        "asyncio.run(main())\n"
        "kept = StorageHandle(sys.argv[1]).open()\n"
        "StorageHandle(sys.argv[1].replace('127.0.0.1', 'localhost')).read()\n",
        site.put("/x", b"data"),
        str(tmp_path / "x"),
    )
    assert ("", "", 0) == (done.stdout, done.stderr, done.returncode)


def test_a_fork_starts_anew(site: Site) -> None:
    """The child has no thread that would answer, and makes its own."""
    done = run(
        "import os, sys, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "from otter.storage.synchronous.handle import StorageHandle\n"
        "StorageHandle(sys.argv[1]).read()\n"
        "child = os.fork()\n"
        "print(StorageHandle(sys.argv[1]).read()[0], flush=True)\n"
        "if child: sys.exit(os.waitpid(child, 0)[1])\n"
        "os._exit(0)\n",
        site.put("/x", b"data"),
    )
    assert ("b'data'\nb'data'\n", 0) == (done.stdout, done.returncode)
