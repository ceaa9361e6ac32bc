"""`copy`, `download` and `hello_world`."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import attrs
import pytest

from otter.config.model import Config
from otter.manifest.model import Artifact, Result
from otter.task.model import TaskContext
from otter.tasks.copy import Copy, CopySpec
from otter.tasks.download import Download, DownloadSpec
from otter.tasks.hello_world import HelloWorld, HelloWorldSpec
from tests.support.http_server import Site
from tests.worker.tasks.conftest import Run


def copy(context: TaskContext, **fields: Any) -> Copy:
    return Copy(CopySpec(**{"name": "copy it", "destination": "input/x.txt"} | fields), context)


def test_hello_world_greets(context: TaskContext, run: Run) -> None:
    """It leaves an artifact, so that there is something to see in a manifest."""
    task = HelloWorld(HelloWorldSpec(name="hello_world test", who="otter"), context)
    assert run(task) is None
    assert [Artifact(source="hello_world", destination="otter")] == task.artifacts


def test_copy_brings_a_file_over_http(context: TaskContext, site: Site, run: Run, tmp_path: Path) -> None:
    """One request is made; the artifact names where from and where to."""
    url = site.put("/x", b"data")
    task = copy(context, source=url)
    assert run(task) is None
    assert b"data" == (tmp_path / "work/input/x.txt").read_bytes()
    assert [Artifact(source=url, destination=str(tmp_path / "work/input/x.txt"))] == task.artifacts
    assert ["GET"] == [method for method, _, _ in site.requests]


def test_copy_brings_a_local_file(context: TaskContext, run: Run, tmp_path: Path) -> None:
    """A copy of its own, not another name of the source."""
    (tmp_path / "x").write_text("data")
    assert run(copy(context, source=str(tmp_path / "x"))) is None
    copied = tmp_path / "work/input/x.txt"
    copied.write_text("changed")
    assert "data" == (tmp_path / "x").read_text()


def test_copy_puts_the_file_into_a_local_release(run: Run, tmp_path: Path) -> None:
    """That is where relative destinations belong."""
    (tmp_path / "x").write_text("data")
    config = Config(step="test", work_path=tmp_path / "work", release_uri=str(tmp_path / "release"))
    assert run(copy(TaskContext(config=config), source=str(tmp_path / "x"))) is None
    assert "data" == (tmp_path / "release/input/x.txt").read_text()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"source": "a/b"}, "TaskRunError: source 'a/b' is relative"),
        ({"source": "/nothing"}, "NotFoundError: /nothing: there is no such file"),
        ({"source": "gs://bucket/x"}, "StorageError: no storage for gs:// locations; known: file, http, https"),
        ({"source": "/etc/hostname", "destination": "../../x"}, "StorageError: '../../x' leaves "),
        ({"source": "/etc/hostname", "settings": {"colour": 1}}, "StorageError: unknown storage setting 'colour'"),
    ],
)
def test_copy_says_why_it_failed(
    fields: dict[str, Any], reason: str, context: TaskContext, run: Run, tmp_path: Path
) -> None:
    """The reason has the type of the error and the location; nothing is left behind."""
    failure = run(copy(context, **fields))
    assert failure is not None
    assert failure.startswith(reason)
    assert [] == list(tmp_path.iterdir())


def test_copy_hides_passwords(context: TaskContext, site: Site, run: Run) -> None:
    """From the manifest, too."""
    task = copy(context, source=site.put("/x", b"").replace("//", "//me:secret@"))
    assert run(task) is None
    assert "secret" not in str(task.artifacts)


def test_copy_passes_settings_on(context: TaskContext, site: Site, run: Run) -> None:
    """As the storage takes them."""
    task = copy(context, source=site.put("/x", b"12345"), settings={"headers": {"X-Key": "k"}, "max_size": 4})
    assert "larger than the max_size of 4 B" in (run(task) or "")
    assert "k" == site.requests[0][2]["X-Key"]


@pytest.mark.parametrize(
    ("tamper", "reason"),
    [
        (lambda file: file.unlink(), "TaskValidationError: {file}: there is no such file"),
        (lambda file: file.write_bytes(b"xx"), "TaskValidationError: {file} has 2 bytes and should have 4"),
    ],
)
def test_copy_is_validated(tamper: Any, reason: str, context: TaskContext, site: Site, tmp_path: Path) -> None:
    """What is missing or has another size does not pass."""
    task = copy(context, source=site.put("/x", b"data"))
    asyncio.run(task.run())
    file = tmp_path / "work/input/x.txt"
    tamper(file)
    asyncio.run(task.validate())
    assert reason.format(file=file) == task.manifest.failure_reason


def test_copy_can_be_validated_alone(context: TaskContext, site: Site, tmp_path: Path) -> None:
    """By a task that has not run, the source is asked for its size."""
    (tmp_path / "work/input").mkdir(parents=True)
    (tmp_path / "work/input/x.txt").write_bytes(b"data")
    url = site.put("/x", b"other")
    task = copy(context, source=url)
    asyncio.run(task.validate())
    assert f"TaskValidationError: {url} has 5 bytes, and {tmp_path}/work/input/x.txt has 4" == (
        task.manifest.failure_reason
    )


def test_an_asked_for_stop_ends_a_copy(context: TaskContext, site: Site, run: Run, tmp_path: Path) -> None:
    """Between two blocks; it counts as aborted and leaves nothing behind."""
    assert context.abort is not None
    context.abort.set()
    (tmp_path / "x").write_bytes(b"data")
    for source in (site.put("/x", b"data"), str(tmp_path / "x")):
        task = copy(context, source=source)
        assert (run(task) or "").startswith("TaskAbortedError: ")
        assert Result.ABORTED == task.manifest.result
    assert not list(tmp_path.glob("work/**/*.txt"))


def test_download_brings_a_file_of_the_release(site: Site, run: Run, tmp_path: Path) -> None:
    """To the same path under the work path."""
    site.put("/25/input/a%20b.txt", b"data")
    config = Config(step="test", work_path=tmp_path, release_uri=f"{site.url}/25")
    task = Download(DownloadSpec(name="download it", source="input/a b.txt"), TaskContext(config=config))
    assert run(task) is None
    assert b"data" == (tmp_path / "input/a b.txt").read_bytes()
    assert [
        Artifact(source=f"{site.url}/25/input/a%20b.txt", destination=f"{tmp_path}/input/a b.txt")
    ] == task.artifacts


def test_download_leaves_a_local_release_alone(context: TaskContext, run: Run, tmp_path: Path) -> None:
    """The file is where it should be; that it is there is checked."""
    spec = DownloadSpec(name="download it", source="input/x")
    assert "TaskValidationError" in (run(Download(spec, context)) or "")
    (tmp_path / "work/input").mkdir(parents=True)
    (tmp_path / "work/input/x").touch()
    assert run(Download(spec, context)) is None


@pytest.mark.parametrize("source", ["/etc/hostname", "https://host/25/x"])
def test_download_refuses_absolute_sources(source: str, context: TaskContext, run: Run) -> None:
    """What is not in the release is copied into it first."""
    task = Download(DownloadSpec(name="download it", source=source), context)
    assert f"TaskRunError: source '{source}' is absolute: it must be relative to the release" == run(task)


def test_copies_run_side_by_side(context: TaskContext, site: Site, tmp_path: Path) -> None:
    """One that waits for its server does not keep the others."""
    hold = threading.Event()
    slow = copy(context, source=site.put("/slow", b"ab", hold=hold), destination="slow")
    quick = copy(attrs.evolve(context), source=site.put("/quick", b"q"), destination="quick")

    async def main() -> None:
        waiting = asyncio.create_task(slow.run())
        await quick.run()
        assert not waiting.done()
        hold.set()
        await waiting

    asyncio.run(main())
    assert ("ab", "q") == ((tmp_path / "work/slow").read_text(), (tmp_path / "work/quick").read_text())
