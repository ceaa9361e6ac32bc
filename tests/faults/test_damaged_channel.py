"""Row 44 of the matrix with real processes: bytes in a worker's descriptors that no worker writes."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.support.runs import Scene

MARK = {"name": "mark one"}


@pytest.mark.parametrize("into", ["channel", "beginnings"])
def test_row_44_a_worker_that_writes_garbage_is_replaced(scene: Scene, into: str) -> None:
    """The worker is ended at once, and its task is tried again in another one; what the other tasks did stands."""
    scene.write({"name": "garble once", "into": into, "policy": {"priority": 1}}, MARK)

    ended = scene.run("-p", "1")

    assert 0 == ended.code
    first, second = ended.tasks["garble once"]["attempts"]
    assert "broke the protocol" in first["reason"]
    assert "success" == second["result"]
    assert first["worker"] != second["worker"]
    assert "success" == ended.tasks["mark one"]["result"]


def test_row_44_a_task_that_writes_garbage_each_time_is_at_fault(scene: Scene) -> None:
    """After the second worker, the task has failed, and says why."""
    scene.write({"name": "garble always", "into": "beginnings", "once": False})

    ended = scene.run("-p", "1")

    assert 1 == ended.code
    assert "broke the protocol" in ended.reason("garble always")
    assert 2 == len(ended.tasks["garble always"]["attempts"])


def test_row_44_a_worker_that_floods_its_channel_is_ended_in_time(scene: Scene) -> None:
    """While it is ended, what it had sent by then is read, and not what it goes on to send: others wait meanwhile."""
    scene.write({"name": "garble always", "into": "channel", "flood": True, "policy": {"timeout": "500ms"}}, MARK)

    ended = scene.run("-p", "2", "--keep-going")

    assert ended.results() == {"garble always": "failure", "mark one": "success"}
    assert ended.reason("garble always") == "timed out after 0.5 s"
    (attempt,) = ended.tasks["garble always"]["attempts"]
    begun, over = (dt.datetime.fromisoformat(attempt[end]) for end in ("started_at", "finished_at"))
    assert over - begun < dt.timedelta(seconds=2)
