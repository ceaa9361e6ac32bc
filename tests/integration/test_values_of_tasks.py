"""Values that tasks store while a run goes on are data: what becomes of a URL with such a value in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.http_server import Site, serving
from tests.support.runs import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A directory whose processes end with the test."""
    with Scene(tmp_path) as made:
        yield made


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server at a loopback address."""
    with serving() as made:
        yield made


def test_a_url_of_a_task_leads_into_no_private_network(scene: Scene, site: Site) -> None:
    """The author's own may, and where he allows it that of a task may, too."""
    site.put("/x", b"data")
    host = site.url.removeprefix("http://")
    copy = {"requires": ["mark where"], "source": "http://${stored}/x"}
    scene.write(
        {"name": "mark where", "store": {"stored": host}},
        {"name": "copy theirs", "destination": "theirs", **copy},
        {"name": "copy allowed", "destination": "allowed", **copy, "settings": {"allow_private": True}},
        {"name": "copy own", "destination": "own", "source": "http://${written}/x"},
        {
            "name": "copy_many theirs",
            "destination": "many",
            "requires": ["mark where"],
            "sources": ["http://${stored}/x"],
        },
        scratchpad={"written": host},
    )

    ended = scene.run("--keep-going")

    assert ended.results() == {
        "mark where": "success", "copy theirs": "failure", "copy allowed": "success", "copy own": "success",
        "copy_many theirs": "failure",
    }  # fmt: skip
    for name in ("copy theirs", "copy_many theirs"):
        assert "loopback" in ended.reason(name) or "private" in ended.reason(name)


def test_it_is_so_in_a_resumed_run(scene: Scene, site: Site) -> None:
    """A value that a task of an earlier run stored is no more the author's than before."""
    site.put("/x", b"data")
    where = {"name": "mark where", "store": {"stored": site.url}}
    scene.write(where)
    assert scene.run().code == 0
    scene.write(where, {"name": "copy it", "requires": ["mark where"], "source": "${stored}/x", "destination": "x"})

    ended = scene.run("--resume")

    assert ended.results() == {"mark where": "success", "copy it": "failure"}
    assert scene.attempts("mark where") == 1
