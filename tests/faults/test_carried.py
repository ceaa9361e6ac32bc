"""Row 21 of the matrix, from the other side: what cannot be carried to a worker is refused in words, by its path."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from otter.config.model import Config
from otter.scratchpad.model import Scratchpad
from otter.step.coordinator import Coordinator
from otter.step.coordinator.coordinator import RunOptions
from otter.step.model import Step
from otter.task import Spec
from otter.task.task_registry import TaskRegistry
from otter.util.errors import ConfigError, SpecError
from tests.support.runs import Scene

LARGE = "x" * (13 << 20)
HALF = "x" * (5 << 20)

REFUSED = [
    (float("nan"), "nan is not a number that JSON has"), (float("-inf"), "-inf is not a number that JSON has"),
    (2**64, "has more than 64 bits"), (b"x", "a bytes cannot be written as JSON"), ({1}, "a set cannot"),
    ({1: 2}, "the key 1 is not text"), ("\ud800", "lone surrogate"), (object(), "a object cannot be written"),
]  # fmt: skip


def run(work: Path, store: dict[str, Any], values: dict[str, Any]) -> None:
    """Run a step that a program made, without a file."""
    config = Config(step="s", steps=["s"], work_path=work)
    registry = TaskRegistry(config, Scratchpad(values))
    step = Step("s", [Spec(name="hello_world one", store=store, note=None)])
    asyncio.run(Coordinator(step, registry, config, options=RunOptions()).run())


@pytest.mark.parametrize(("value", "why"), REFUSED, ids=[why for _, why in REFUSED])
def test_row_21_values_of_a_program_are_refused_with_their_path(tmp_path: Path, value: Any, why: str) -> None:
    """Specs and scratchpad that a program gives are refused as a whole, before anything runs; nothing becomes null."""
    with pytest.raises(SpecError, match=rf"hello_world one\.store\.a\[1\]: .*{why}"):
        run(tmp_path, {"a": [0, value]}, {})
    with pytest.raises(ConfigError, match=rf"scratchpad\.b\.c: .*{why}"):
        run(tmp_path, {}, {"b": {"c": value}})


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[scratchpad]\nok = 1\nbad = nan", "pipeline.toml:4:7: error: scratchpad.bad"),
        ("[scratchpad]\nbad = [1, { x = -inf }]", "pipeline.toml:3:17: error: scratchpad.bad[1].x"),
        ("[scratchpad]\nbad = 18446744073709551616", "pipeline.toml:3:7: error: scratchpad.bad"),
    ],
)
def test_row_21_values_of_the_file_are_refused_with_their_line(scene: Scene, text: str, where: str) -> None:
    """The scratchpad of the file holds what JSON can carry, or nothing runs, and file, line and column say why."""
    scene.write({"name": "mark one"})
    file = scene.path / "pipeline.toml"
    first, rest = file.read_text().split("\n", 1)
    file.write_text(f"{first}\n{text}\n{rest}")

    ended = scene.run()

    assert 22 == ended.code
    assert where in ended.output


def test_row_21_bytes_of_the_shell_are_no_text(scene: Scene) -> None:
    """Arguments and variables that are no UTF-8 are refused, each by its name, without a traceback."""
    scene.write({"name": "mark one"})

    by_flag = scene.run("--set", "x=\udcff")
    by_variable = scene.run(env={"OTTER_RELEASE_URI": "r\udcff"})

    assert (22, 22) == (by_flag.code, by_variable.code)
    assert "--set 'x': 'x=\\udcff' is no UTF-8 text" in by_flag.output
    assert "OTTER_RELEASE_URI: release_uri: 'r\\udcff' is no UTF-8 text" in by_variable.output
    assert "Traceback" not in by_flag.output + by_variable.output


def test_row_21_a_spec_that_no_frame_has_room_for_is_refused_at_load(scene: Scene) -> None:
    """The task is named, with its line, its size and the limit; nothing runs."""
    scene.write({"name": "mark one"}, {"name": "mark two", "store": {"a": LARGE}})

    ended = scene.run()

    assert 22 == ended.code
    assert "steps.step[1]: this task has 13.0 MiB; a worker takes 12.0 MiB at most" in ended.output
    assert 0 == scene.attempts("mark one")


def test_row_21_placeholders_that_make_a_spec_too_large_fail_its_task(scene: Scene) -> None:
    """What is too large only with its values in it fails that task, and no other."""
    scene.write(
        {"name": "mark one", "store": {"a": "${half}${half}${half}"}}, {"name": "mark two"}, scratchpad={"half": HALF}
    )

    ended = scene.run("--keep-going")

    assert {"mark one": "failure", "mark two": "success"} == ended.results()
    assert "its spec has 15.0 MiB; a worker takes 12.0 MiB at most" == ended.reason("mark one")


def test_row_21_large_specs_share_no_frame_that_they_do_not_fit_into(scene: Scene) -> None:
    """Many specs that are large with their values in them all reach their worker."""
    tasks = [{"name": f"mark {number}", "note": "${half}"} for number in range(12)]
    scene.write(*tasks, scratchpad={"half": HALF}, pool_size=1)

    ended = scene.run("--lenient")

    assert {"success"} == set(ended.results().values()), ended.output


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("spec", "cannot add what it generated: mark given: its spec has 17.0 MiB; a worker takes 12.0 MiB at most"),
        ("value", "stored 17.0 MiB in the scratchpad, where tasks have 6.0 MiB together"),
    ],
)
def test_row_21_what_a_task_makes_too_large_fails_that_task(scene: Scene, where: str, reason: str) -> None:
    """A generated spec, or a stored value, that workers could not be sent fails its author; the run goes on."""
    scene.write({"name": "give one", "what": "17 MiB", "where": where}, {"name": "mark two", "requires": []})

    ended = scene.run("--keep-going")

    assert {"give one": "failure", "mark two": "success"} == ended.results()
    assert reason in ended.reason("give one")
