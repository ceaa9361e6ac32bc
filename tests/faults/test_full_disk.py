"""Row 38 of the matrix with real processes: no file may grow beyond a size, as on a disk that is full."""

from __future__ import annotations

import resource
from collections.abc import Callable

from tests.support import diary
from tests.support.runs import Scene


def room_for(size: int) -> Callable[[], None]:
    """Let no file become larger than so many bytes, from the next program on."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_row_38_a_run_that_finds_no_room_leaves_what_a_former_one_recorded(scene: Scene) -> None:
    """It is refused before the new journal takes the place of the old one: that can be resumed."""
    scene.write({"name": "mark one"}, {"name": "throw once", "how": "empty", "times": 1, "requires": ["mark one"]})
    assert 1 == scene.run().code

    refused = scene.run(before=room_for(200))
    resumed = scene.run("--resume")

    assert 1 == refused.code
    assert f"otter: error: {scene.state / 'journal.new'}: File too large" in refused.output
    assert 0 == resumed.code, resumed.output
    assert 1 == len(diary.pids(scene.work, "mark one"))


def test_row_38_a_large_result_that_finds_no_room_takes_none(scene: Scene) -> None:
    """What was written of it is removed while the run goes on: others need the room."""
    scene.write({"name": "give large", "what": "2 MiB", "where": "value"}, {"name": "wait here"})
    running = scene.start("-p", "2", "--keep-going", before=room_for(512 * 1024))
    scene.gate.wait_for(1)
    running.wait_for_journal_record("give large")

    left = list((scene.state / "spill").iterdir())
    scene.gate.open()
    ended = running.wait()

    assert [] == left
    assert {"give large": "failure", "wait here": "success"} == ended.results()
    assert "result cannot be sent: OSError: [Errno 27] File too large" in ended.reason("give large")
