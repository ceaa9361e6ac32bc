"""The coordinator with workers of another make, written from the text of the protocol alone."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import foreign_worker
from tests.support.runs import Ended, Scene

COUNT = foreign_worker.PAGE + 7


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A place whose workers are foreign."""
    with Scene(tmp_path) as scene:
        yield scene


def run(scene: Scene, manner: str, *tasks: dict[str, object]) -> Ended:
    """Run tasks with workers of a manner."""
    program = scene.path / "python"
    program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, str(foreign_worker.__file__)])} "$@"\n')
    program.chmod(0o755)
    scene.write(*tasks, workers={"python": str(program)}, pool_size=2)
    return scene.run(env={"MANNER": manner})


@pytest.mark.parametrize("manner", ["", "drops", "future wide", "single tells", "file", "forges", "0.9-1.7", "1.0-3.0"])
def test_a_worker_from_the_text_alone_runs_a_step(scene: Scene, manner: str) -> None:
    """Byte by byte, with unknown members, one message a frame, through files, with forged ones: the outcome is one."""
    ended = run(
        scene, manner, {"name": "note first", "text": "plain"}, {"name": "store it"},
        {"name": "make many", "count": COUNT, "requires": ["note first"]},
        {"name": "note last", "text": "${late}", "requires": ["make many"]},
    )  # fmt: skip

    assert 0 == ended.code, ended.output
    assert {"success"} == set(ended.results().values())
    assert COUNT + 4 == len(ended.tasks)
    first, last = ended.tasks["note first"], ended.tasks["note last"]
    assert ("plain", 5, "fine") == (first["artifacts"][0]["source"], first["artifacts"][0]["rows"], first["weather"])
    assert "$${x}" == last["artifacts"][0]["source"] == ended.tasks["note 3"]["artifacts"][0]["source"]


def test_what_it_cannot_run_is_found_before(scene: Scene) -> None:
    """The fields that it publishes are those that a pipeline may use."""
    ended = run(scene, "", {"name": "note a"}, {"name": "nota b"})

    assert 22 == ended.code
    assert "the field 'text' is missing: note cannot do without" in ended.output
    assert "did you mean 'note'?" in ended.output


def test_what_only_it_can_judge_is_asked(scene: Scene) -> None:
    """Its sentence stands at the line of the pipeline file."""
    ended = run(scene, "", {"name": "note a", "text": "bad"})

    assert 22 == ended.code
    assert "steps.step[0].text: not nice" in ended.output


def test_an_answer_that_makes_no_sense_is_its_end(scene: Scene) -> None:
    """The run ends with words, after a second worker gave one as well."""
    ended = run(scene, "rows", {"name": "note a", "text": "x"})

    assert 22 == ended.code
    assert (
        "the specs of the step cannot be checked: the worker that constructed them broke the protocol" in ended.output
    )
    assert "Traceback" not in ended.output


@pytest.mark.parametrize("manner", ["2.0-2.0", "2.0-2.3", "1.3-1.9", "0.1-0.9"])
def test_another_protocol_is_refused_in_words(scene: Scene, manner: str) -> None:
    """One line names both sides' versions, and the run ends as one that cannot begin."""
    oldest, newest = manner.split("-")
    versions = oldest if oldest == newest else f"{oldest} to {newest}"
    ended = run(scene, manner, {"name": "note a", "text": "x"})

    assert 22 == ended.code
    assert f"the peer speaks protocol {versions}, this side speaks 1.0: install matching versions" in ended.output


@pytest.mark.parametrize(
    ("manner", "reason"),
    [
        ("unknown", "broke the protocol: unknown kind of message 'ReportWeather'"),
        ("checksum", "broke the protocol: a frame of 2 bytes does not match its checksum"),
        ("length", "broke the protocol: a frame announces 2147483648 bytes"),
        ("fraction", "broke the protocol: a ReportResult does not fit its definition"),
        ("missing", "broke the protocol: a ReportResult does not fit its definition"),
        ("torn", "exited with 3 before it answered"),
    ],
)
def test_a_breach_costs_the_worker_and_is_named(scene: Scene, manner: str, reason: str) -> None:
    """Its task is tried once more, elsewhere; the run ends, and says what was wrong with the worker."""
    ended = run(scene, manner, {"name": "note a", "text": "x"}, {"name": "note b", "text": "y", "requires": ["note a"]})

    assert 1 == ended.code
    assert f"crashed: {reason}" in ended.reason("note a")
    assert "pending" == ended.results()["note b"]
    assert "killed by SIG" not in ended.output


def test_an_abort_comes_on_the_control_socket(scene: Scene) -> None:
    """A worker that is inside a task hears it, and its answer counts."""
    meet = scene.path / "meet"
    os.mkfifo(meet)
    ended = run(scene, "", {"name": "wait a", "meet": str(meet)}, {"name": "fail b", "meet": str(meet)})

    assert 1 == ended.code
    assert {"wait a": "aborted", "fail b": "failure"} == ended.results()
    assert ("as asked", "as told") == (ended.reason("wait a"), ended.reason("fail b"))


@pytest.mark.parametrize(
    "generated", [5, {}, {"name": 5}, {"name": "note a", "requires": 5}, {"name": "note a", "requires": "abc"}]
)
def test_what_is_no_spec_fails_the_task_that_generated_it(scene: Scene, generated: object) -> None:
    """Whatever form it has: nothing of the coordinator breaks."""
    ended = run(scene, "", {"name": "make one", "count": 0, "more": [generated]})

    assert 1 == ended.code
    assert "cannot add what it generated: a spec needs a name" in ended.reason("make one")
