"""Row 39 of the matrix: the work directory becomes read-only, goes away, or is something else, while a run goes on."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.runs import Scene

TASKS = (
    {"name": "mark first", "destination": "first"}, {"name": "wait here", "requires": ["mark first"]},
    {"name": "mark later", "requires": ["wait here"]},
)  # fmt: skip

PR_CAPBSET_DROP = 24
OVERRIDES = (1, 2)
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, by which root may write where nobody may."""


def obey_permissions() -> None:
    """Let permissions hold for root, too, from the next program on."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in OVERRIDES:
            if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
                raise OSError(ctypes.get_errno(), "cannot give up a capability")


def remove(scene: Scene) -> None:
    """Remove it."""
    shutil.rmtree(scene.work)


def replace(scene: Scene) -> None:
    """Put a file in its place."""
    shutil.rmtree(scene.work)
    scene.work.write_text("a file")


def exchange(scene: Scene) -> None:
    """Put another directory in its place, which looks the same."""
    away(scene)
    shutil.copytree(scene.path / "elsewhere", scene.work, ignore=shutil.ignore_patterns("arrivals"))


def away(scene: Scene) -> None:
    """Move it."""
    scene.work.rename(scene.path / "elsewhere")


@pytest.mark.parametrize("change", [remove, replace, exchange, away])
def test_row_39_a_work_directory_that_goes_away_ends_the_run(scene: Scene, change: Callable[[Scene], None]) -> None:
    """The run ends by itself, although its task would go on for ever, and names what is missing; no traceback."""
    scene.write(*TASKS)
    running = scene.start()
    scene.gate.wait_for(1)

    change(scene)
    ended = running.wait()

    assert ended.code == 1
    journal = scene.state / "journal"
    assert f"storage error: {journal}: it was removed, moved or replaced while the run went on" in ended.output
    assert "Traceback" not in ended.output


def test_row_39_what_was_committed_can_be_resumed_where_it_is_now(scene: Scene) -> None:
    """After a move and back nothing is lost: what was committed does not run again."""
    scene.write(*TASKS)
    running = scene.start()
    scene.gate.wait_for(1)
    running.wait_for_journal_record("mark first")
    away(scene)
    running.wait()
    (scene.path / "elsewhere").rename(scene.work)
    scene.gate.open()

    ended = scene.run("--resume")

    assert ended.code == 0, ended.output
    assert [1, 2, 1] == [scene.attempts(str(task["name"])) for task in TASKS]


def test_row_39_a_work_directory_that_becomes_read_only(scene: Scene) -> None:
    """The run ends, says what could not be written, and tells no success; made writable again, it resumes."""
    scene.write(*TASKS)
    running = scene.start(before=obey_permissions)
    scene.gate.wait_for(1)
    folders = [scene.work, *(path for path in scene.work.rglob("*") if path.is_dir())]
    before = {path: path.stat().st_mode for path in folders}
    gate = scene.work / "gate"
    _chmod([path for path in folders if path != gate], 0o555)
    scene.gate.open()

    ended = running.wait()
    for path, mode in before.items():
        path.chmod(mode)

    assert ended.code == 1, ended.output
    assert f"{scene.work}/manifest.json: Permission denied" in ended.output
    assert f"manifest: {scene.work}/manifest.json (not written)" in ended.output
    first = scene.attempts("mark first")
    resumed = scene.run("--resume")
    assert resumed.code == 0, resumed.output
    assert (1, 1) == (first, scene.attempts("mark first"))
    assert set(resumed.results().values()) == {"success"}


def _chmod(folders: list[Path], mode: int) -> None:
    for path in folders:
        path.chmod(mode)


@pytest.mark.parametrize("flags", [(), ("--resume",)])
def test_row_39_a_work_directory_that_cannot_be_used_is_refused(scene: Scene, flags: tuple[str, ...]) -> None:
    """A run does not begin where it cannot write, and says where that is."""
    scene.write(*TASKS)
    scene.work.mkdir()
    scene.work.chmod(0o555)

    ended = scene.start(*flags, before=obey_permissions).wait()
    scene.work.chmod(0o755)

    assert 22 == ended.code
    assert f"otter: error: directory {scene.work} cannot be written to: Permission denied\n" == ended.output
