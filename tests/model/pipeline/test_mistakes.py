"""Each kind of mistake in a pipeline file, with the exact message."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from otter.pipeline import PipelineError, Problem, loads_pipeline, render_one
from otter.util.errors import SpecError
from tests.model.pipeline.task_types import CLASSES, TASK_TYPES


def _read_collection() -> dict[str, tuple[str, str]]:
    """`mistakes.txt`: of each mistake a name, the file, and what is said about it, without the summary line."""
    collection = Path(__file__).with_name("mistakes.txt").read_text(encoding="utf-8")
    mistakes = {}
    for block in collection.removeprefix("=== ").split("\n\n=== "):
        name, _, rest = block.partition("\n")
        text, _, message = rest.partition("\n---\n")
        mistakes[name] = text + "\n", message.rstrip("\n")
    return mistakes


MISTAKES = _read_collection() | {
    # What an editor would change or hide stands here.
    "control character": (
        '[[steps.fetch]]\nname = "copy \x07one"\n',
        """\
pipeline.toml:2:14: error: illegal character '\\x07'
    2 | name = "copy \\x07one"
      |              ^^^^""",
    ),
    "duplicate by Unicode form": (
        '[[steps.fetch]]\nname = "note caf\u00e9"\n\n[[steps.fetch]]\nname = "note cafe\u0301"\n',
        """\
pipeline.toml:5:8: error: steps.fetch[1].name: the name 'note cafe\\u0301' differs from 'note caf\\xe9' only in its \
Unicode form
    5 | name = "note cafe\u0301"
      |        ^^^^^^^^^^^
  note: pipeline.toml:2:8: the first one is here""",
    ),
    "integer of thousands of digits": (
        f"[[steps.fetch]]\nname = 'copy one'\nretries_allowed = {'9' * 5000}\n",
        f"""\
pipeline.toml:3:19: error: the integer has 5000 digits; values have 64 bits
    3 | retries_allowed = {"9" * 82}…
      |                   {"^" * 82}""",
    ),
    "deep nesting": (
        f"x = {'[' * 70}{']' * 70}\n",
        f"""\
pipeline.toml:1:69: error: arrays and tables nest deeper than 64
    1 | …{"[" * 39}{"]" * 61}…
      |                                   ^""",
    ),
    "key of many parts": (
        f"{'x.' * 70}y = 1\n",
        f"""\
pipeline.toml:1:128: error: a key has more than 64 parts
    1 | ….{"x." * 47}y = 1
      |                                                                                    ^""",
    ),
}


def own_checks(specs: list[dict[str, Any]]) -> list[Iterable[tuple[str, str]]]:
    """What the types' own code says, as a worker would ask it."""
    answers: list[Iterable[tuple[str, str]]] = []
    for spec in specs:
        try:
            CLASSES[spec["name"].split()[0]][1](**spec)
            answers.append(())
        except SpecError as error:
            answers.append(error.problems)
    return answers


def problems_of(text: str) -> list[Problem]:
    """Everything that is found in a file named `pipeline.toml`."""
    try:
        pipeline = loads_pipeline(text, "pipeline.toml")
    except PipelineError as error:
        return list(error.problems)
    found = list(pipeline.warnings)
    for step in pipeline.steps:
        found += pipeline.check(step, TASK_TYPES, spec_problems=own_checks)
    return found


@pytest.mark.parametrize("mistake", MISTAKES)
def test_says_what_is_wrong_where_and_what_would_be_right(mistake: str) -> None:
    """The message has file, line and column, the path, the source line with a caret, and a suggestion."""
    text, expected = MISTAKES[mistake]
    assert expected == "\n".join(map(render_one, problems_of(text)))


def test_the_collection_covers_a_hundred_mistakes() -> None:
    """A hundred files with a mistake each, and hardly two with the same message."""
    messages = {problem.message for text, _ in MISTAKES.values() for problem in problems_of(text)}
    assert len(MISTAKES) >= 100
    assert len(messages) >= 90


def test_all_mistakes_of_a_file_are_found_at_once() -> None:
    """One step with many mistakes: each is there, in the order of the lines."""
    text = """\
[[steps.fetch]]
name = "copy one"
sorce = "a"
destination = "b"
retries_allowed = "many"
requires = ["copy tow", "copy one"]

[[steps.fetch]]
name = "cpoy two"

[[steps.fetch]]
name = "copy one"
source = "${nothing}"
destination = "b"

[[steps.fetch]]
name = "note a"
requires = ["note b"]

[[steps.fetch]]
name = "note b"
requires = ["note a"]
"""
    found = [(problem.line, problem.column, problem.code) for problem in problems_of(text)]
    assert [
        (2, 8, "missing-field"),
        (3, 1, "unknown-field"),
        (5, 19, "wrong-type"),
        (6, 13, "unknown-requirement"),
        (6, 25, "self-requirement"),
        (9, 9, "unknown-type"),
        (12, 8, "duplicate-name"),
        (13, 11, "undefined-placeholder"),
        (18, 13, "cycle"),
    ] == found


def test_a_mistake_in_one_of_many_templates_points_at_its_line() -> None:
    """The third template of the second generator of the second step: the line is that of its field."""
    text = """\
[[steps.one]]
name = "note x"

[[steps.two]]
name = "explode a"
foreach = ["1"]
do = [{ name = "note a ${each}" }]

[[steps.two]]
name = "explode b"
foreach = ["1"]

[[steps.two.do]]
name = "note b ${each}"

[[steps.two.do]]
name = "note c ${each}"

[[steps.two.do]]
name = "copy d ${each}"
source = "s"
destination = 5
"""
    (problem,) = problems_of(text)
    assert ("steps.two[1].do[2].destination", 22, 15) == (problem.path, problem.line, problem.column)
