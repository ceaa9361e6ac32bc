"""`copy_many`: lists, globs and list files; names that clash; how many at once."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from otter.task.model import TaskContext
from otter.tasks.copy_many import CopyMany, CopyManySpec
from tests.support.http_server import Answer, Site
from tests.worker.tasks.conftest import Run


def copy_many(context: TaskContext, **fields: Any) -> CopyMany:
    return CopyMany(CopyManySpec(**{"name": "copy_many things", "destination": "input/things"} | fields), context)


def there(tmp_path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (tmp_path / "work/input/things").iterdir()}


def test_a_list_is_copied(context: TaskContext, site: Site, run: Run, tmp_path: Path) -> None:
    """Each file keeps its name, decoded and without the query; the artifacts are in the order of the list."""
    (tmp_path / "b.txt").write_bytes(b"b")
    sources = [site.put("/d/c%20c.txt", b"c") + "?v=1/2", str(tmp_path / "b.txt"), site.put("/a.txt", b"a")]
    task = copy_many(context, sources=sources)
    assert run(task) is None
    assert {"a.txt": b"a", "b.txt": b"b", "c c.txt": b"c"} == there(tmp_path)
    assert sources == [artifact.source for artifact in task.artifacts]
    assert f"{tmp_path}/work/input/things/c c.txt" == task.artifacts[0].destination


def test_a_glob_is_copied(context: TaskContext, run: Run, tmp_path: Path) -> None:
    """Below its prefix, with two stars through directories."""
    for name in ("a.csv", "sub/b.csv", "sub/c.txt"):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_text(name)
    assert run(copy_many(context, sources=f"{tmp_path}/data/**/*.csv")) is None
    assert {"a.csv": b"a.csv", "b.csv": b"sub/b.csv"} == there(tmp_path)


def test_one_location_needs_no_list(context: TaskContext, site: Site, run: Run, tmp_path: Path) -> None:
    """A question mark in a URL is no wildcard."""
    assert run(copy_many(context, sources=site.put("/a.txt", b"a") + "?b=c")) is None
    assert {"a.txt": b"a"} == there(tmp_path)


def test_a_list_file_is_read_from_the_release(context: TaskContext, run: Run, tmp_path: Path) -> None:
    """One location in each line, blank lines left out."""
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    (tmp_path / "work").mkdir()
    (tmp_path / "work/list.txt").write_text(f"{tmp_path}/a\n\n  {tmp_path}/b\r\n")
    assert run(copy_many(context, source_list_file="list.txt")) is None
    assert {"a": b"a", "b": b"b"} == there(tmp_path)


def test_a_list_file_does_not_open_internal_servers(context: TaskContext, site: Site, run: Run, tmp_path: Path) -> None:
    """Whoever wrote it is not the author of the pipeline; the author can allow it."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work/list.txt").write_text(site.put("/a", b"a"))
    assert "127.0.0.1 is a private address" in (run(copy_many(context, source_list_file="list.txt")) or "")
    assert [] == site.requests
    assert run(copy_many(context, source_list_file="list.txt", settings={"allow_private": True})) is None
    assert {"a": b"a"} == there(tmp_path)


def test_equal_names_are_refused(context: TaskContext, site: Site, run: Run, tmp_path: Path) -> None:
    """Before anything is copied, each with both of its sources; the same source twice is copied once."""
    sources = [f"{site.url}/{directory}/{name}" for name in ("x", "y") for directory in ("a", "b")]
    reason = run(copy_many(context, sources=[*sources, "/z"])) or ""
    assert reason.startswith("TaskRunError: sources of the same name would overwrite each other: ")
    assert f"x ({site.url}/a/x and {site.url}/b/x), y ({site.url}/a/y and {site.url}/b/y)" in reason
    assert [] == site.requests
    assert run(copy_many(context, sources=[site.put("/a", b"a")] * 2)) is None
    assert 1 == len(site.requests)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "TaskRunError: either sources or source_list_file must be given, and not both"),
        ({"sources": [], "source_list_file": "x"}, "TaskRunError: either sources or source_list_file must be given"),
        ({"sources": "/nothing/*.txt"}, "TaskRunError: nothing matches /nothing/*.txt"),
        ({"sources": ["a/b"]}, "TaskRunError: source 'a/b' is relative"),
        ({"sources": ["https://host"]}, "TaskRunError: source https://host does not end in the name of a file"),
        ({"sources": ["https://host/%2e%2e"]}, "TaskRunError: source https://host/%2e%2e does not end in the name"),
        ({"sources": ["https://host/..%2fx"]}, "TaskRunError: source https://host/..%2fx does not end in the name"),
        ({"sources": ["/a/"]}, "TaskRunError: source /a/ does not end in the name of a file"),
        ({"sources": ["/nothing"]}, "NotFoundError: /nothing: there is no such file"),
        ({"sources": ["/x"], "max_concurrency": 0}, "TaskRunError: max_concurrency must be at least 1, got 0"),
        ({"sources": ["/etc/hostname"], "destination": "../x"}, "StorageError: '../x/hostname' leaves "),
    ],
)
def test_it_says_why_it_failed(fields: dict[str, Any], reason: str, context: TaskContext, run: Run) -> None:
    """With the source that failed."""
    failure = run(copy_many(context, **fields))
    assert failure is not None
    assert failure.startswith(reason)


def test_the_first_failure_stops_the_others(context: TaskContext, site: Site, run: Run) -> None:
    """What has not begun does not begin."""
    sources = [f"{site.url}/{number}" for number in range(100)]
    assert "404 Not Found" in (run(copy_many(context, sources=sources, max_concurrency=3)) or "")
    assert len(site.requests) <= 3


def test_no_more_than_asked_for_run_at_once(context: TaskContext, site: Site, run: Run) -> None:
    """And no fewer, as long as there are enough."""
    lock, together = threading.Lock(), threading.Barrier(4)
    active = most = 0

    def answer(handler: BaseHTTPRequestHandler) -> None:
        nonlocal active, most
        with lock:
            active += 1
            most = max(most, active)
        together.wait(30)
        with lock:
            active -= 1
        Answer(b"x")(handler)

    site.answers |= {f"/{number}": answer for number in range(12)}
    task = copy_many(context, sources=[f"{site.url}/{number}" for number in range(12)], max_concurrency=4)
    assert run(task) is None
    assert 4 == most


def test_an_asked_for_stop_ends_it(context: TaskContext, run: Run, tmp_path: Path) -> None:
    """Between two files."""
    assert context.abort is not None
    context.abort.set()
    assert "TaskAbortedError: stopped after 0 files, as asked" == run(copy_many(context, sources=["/etc/hostname"]))


def test_every_copy_is_validated(context: TaskContext, run: Run, tmp_path: Path) -> None:
    """A file that went away, or has another size, is named."""
    import asyncio

    (tmp_path / "a").write_text("data")
    task = copy_many(context, sources=[str(tmp_path / "a"), "/etc/hostname"])
    asyncio.run(task.run())
    copied = tmp_path / "work/input/things/a"
    copied.write_text("dat")
    asyncio.run(task.validate())
    assert f"TaskValidationError: {copied} has 3 bytes and should have 4" == task.manifest.failure_reason
