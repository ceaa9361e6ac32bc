"""Pipelines built in code, written as TOML."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Any

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from otter.pipeline import dumps_pipeline, loads_pipeline
from otter.task import Spec
from tests.model.pipeline.task_types import TASK_TYPES, CopySpec, ExplodeSpec
from tests.model.pipeline.toml_texts import TABLES


def test_writes_what_people_would_write() -> None:
    """Settings first, then tables, then one header for each task, nested ones below theirs."""
    text = dumps_pipeline(
        {
            "fetch": [
                CopySpec(name="copy one", source="a", destination="b", settings={"x": 1}),
                ExplodeSpec(
                    name="explode all",
                    foreach=["homo", "mus"],
                    requires=["copy one"],
                    do=[Spec(name="note ${each}", pattern=r"\d+", quoted='say "x"')],
                ),
            ],
            "tidy": [{"name": "note last", "nothing": None, "where": Path("a/b")}],
        },
        settings={"work_path": Path("./work"), "pool_size": 4},
        scratchpad={"version": "35"},
        pools={"ebi": 2},
    )
    expected = """\
work_path = "work"
pool_size = 4

[scratchpad]
version = "35"

[pools]
ebi = 2

[[steps.fetch]]
name = "copy one"
requires = []
scratchpad_ignore_missing = false
source = "a"
destination = "b"
retries_allowed = 3
mode = "move"
strict = true
settings = { x = 1 }
columns = []
headers = ""

[[steps.fetch]]
name = "explode all"
requires = ["copy one"]
scratchpad_ignore_missing = true
foreach = ["homo", "mus"]
each_placeholder = "each"

[[steps.fetch.do]]
name = "note ${each}"
requires = []
scratchpad_ignore_missing = false
pattern = '\\d+'
quoted = 'say "x"'

[[steps.tidy]]
name = "note last"
where = "a/b"
"""
    assert expected == text
    pipeline = loads_pipeline(text)
    assert [] == pipeline.check("fetch", TASK_TYPES)
    assert ["copy one", "explode all"] == [spec.name for spec in pipeline.specs("fetch")]


@settings(max_examples=200, deadline=None)
@given(TABLES, st.lists(TABLES, min_size=1, max_size=3))
def test_what_is_written_reads_back_the_same(scratchpad: dict[str, Any], specs: list[dict[str, Any]]) -> None:
    """Any table that TOML can say survives, with any key."""
    text = dumps_pipeline({"a step": specs}, scratchpad=scratchpad)
    expected: dict[str, Any] = {"steps": {"a step": specs}}
    if scratchpad:
        expected["scratchpad"] = scratchpad
    assert expected == tomli.loads(text)


def test_long_arrays_stand_on_several_lines() -> None:
    """A line has a hundred characters at most where an array can be broken."""
    values = [f"value {number}" for number in range(20)]
    text = dumps_pipeline({"s": [{"name": "note a", "values": values}]})
    assert 'values = [\n    "value 0",\n    "value 1",\n' in text
    assert values == tomli.loads(text)["steps"]["s"][0]["values"]


class _Colour(enum.Enum):
    RED = "red"


def test_values_of_python_become_those_of_toml() -> None:
    """Paths and enumerations are text, tuples and sets arrays; empty fields are left out, at any depth."""
    spec = {
        "name": "note a",
        "path": Path("x"),
        "colour": _Colour.RED,
        "pair": (1, 2),
        "letters": {"b", "a"},
        "deep": {"nothing": None, "x": 1},
    }
    assert {
        "name": "note a",
        "path": "x",
        "colour": "red",
        "pair": [1, 2],
        "letters": ["a", "b"],
        "deep": {"x": 1},
    } == tomli.loads(dumps_pipeline({"s": [spec]}))["steps"]["s"][0]


@pytest.mark.parametrize(
    ("value", "path"),
    [({"a": [1, None]}, "steps.s[0].field.a[1]"), (object, "steps.s[0].field"), ("\ud800", "steps.s[0].field")],
)
def test_what_toml_cannot_say_is_refused_with_its_path(value: Any, path: str) -> None:
    """No value in an array, a class, half a character: the path says where."""
    with pytest.raises(ValueError, match=path.replace("[", "\\[")):
        dumps_pipeline({"s": [{"name": "note a", "field": value}]})


def test_a_step_without_tasks_cannot_be_written() -> None:
    """Such a step would not be in the file at all."""
    with pytest.raises(ValueError, match=r"steps\.s: a step has at least one task"):
        dumps_pipeline({"s": []})
