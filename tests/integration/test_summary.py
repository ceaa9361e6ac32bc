"""The end of a run in words: what failed, by cause, and what could not run because of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.support.runs import Ended, Scene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A directory with a pipeline, whose processes end with the test."""
    with Scene(tmp_path) as made:
        yield made


def mark(name: str, *requires: str) -> dict[str, Any]:
    """A task that succeeds, if it runs."""
    return {"name": f"mark {name}", "requires": list(requires)}


def throw(name: str, how: str) -> dict[str, Any]:
    """A task that fails."""
    return {"name": f"throw {name}", "how": how}


def events(ended: Ended, kind: str) -> list[dict[str, Any]]:
    """The events of one kind that a run wrote as JSON."""
    rows = [orjson.loads(line) for line in ended.output.splitlines() if line.startswith("{")]
    return [row for row in rows if row["event"] == kind]


SEVERAL = (
    throw("a", "empty"), throw("b", "empty"), throw("c", "KeyboardInterrupt"), {"name": "die d", "how": "exit:3"},
    mark("1", "throw a"), mark("2", "mark 1"), mark("3", "throw b", "throw c"), mark("4"),
)  # fmt: skip


def test_failures_are_grouped_by_cause_with_what_they_block(scene: Scene) -> None:
    """Each cause is a line: how many tasks failed for it, how many never began because of it, and which failed."""
    scene.write(*SEVERAL)

    ended = scene.run("--keep-going")

    lines = ended.output.splitlines()
    first = lines.index("failed, by cause:")
    assert ended.code == 1
    assert lines[first + 1].startswith("  2 failed, 3 blocked: ValueError (throw.py:")
    assert lines[first + 1].endswith(": throw a, throw b")
    assert [
        "  1 failed, 1 blocked: KeyboardInterrupt",
        "  1 failed, 0 blocked: exited with 3 before it answered: die d",
    ] == sorted((line.partition(" (")[0] for line in lines[first + 2 : first + 4]), key=len)
    assert lines[first + 4].startswith("manifest: ")


def test_programs_get_the_causes_as_one_event(scene: Scene) -> None:
    """With JSON lines the causes are one object, with the same numbers, before the summary."""
    scene.write(*SEVERAL)

    ended = scene.run("--keep-going", "--log-format", "json", "--quiet")

    (told,) = events(ended, "causes")
    rows = {row["title"]: row for row in told["causes"]}
    assert 3 == told["total"]
    assert ("exception", 2, 3, ["throw a", "throw b"]) == tuple(
        rows["ValueError"][key] for key in ("kind", "failed", "blocked", "tasks")
    )
    assert ("exception", 1, 1) == tuple(rows["KeyboardInterrupt"][key] for key in ("kind", "failed", "blocked"))
    assert "death" == rows["exited with 3 before it answered"]["kind"]
    assert "summary" == orjson.loads(ended.output.splitlines()[-1])["event"]


def test_one_failure_is_one_cause(scene: Scene) -> None:
    """A step that its first failure stops names the cause, and counts what needed it."""
    scene.write(throw("a", "empty"), mark("1", "throw a"), mark("2", "mark 1"))

    ended = scene.run()

    lines = [line for line in ended.output.splitlines() if " failed, " in line and line.startswith("  ")]
    assert len(lines) == 1
    assert lines[0].startswith("  1 failed, 2 blocked: ValueError (throw.py:")


def test_who_waits_for_a_generator_is_blocked_by_what_it_generated(scene: Scene) -> None:
    """A task that requires a generator is counted with the failure of a generated task."""
    scene.write({"name": "breed many", "count": 3, "child": "throw"}, mark("after", "breed many"))

    ended = scene.run("--keep-going", "--lenient")

    (line,) = [line for line in ended.output.splitlines() if line.startswith("  3 failed, ")]
    assert line.startswith("  3 failed, 1 blocked: ")
    assert line.endswith("throw many 0, throw many 1, throw many 2")


def test_many_failures_for_many_causes_are_few_lines(scene: Scene) -> None:
    """Names beyond the first of a cause, and causes beyond the first, are counted."""
    kinds = (
        "SystemExit", "KeyboardInterrupt", "GeneratorExit", "BaseException", "BaseExceptionGroup", "exit in loop",
        "StopIteration", "StopAsyncIteration", "unprintable", "cyclic", "surrogate", "recursion",
    )  # fmt: skip
    scene.write(
        *(throw(f"{n} {how}", how) for n, how in enumerate(kinds)), *(throw(f"x{n}", "empty") for n in range(9))
    )

    ended = scene.run("--keep-going", "--quiet")

    lines = ended.output.splitlines()
    told = lines[lines.index("failed, by cause:") + 1 : -1]
    assert len(told) == 11
    assert told[0].startswith("  9 failed, 0 blocked: ValueError (")
    assert told[0].endswith(" and 6 more")
    assert told[-1].startswith("  3 failed for 3 other causes")
