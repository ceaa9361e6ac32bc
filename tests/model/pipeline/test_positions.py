"""Positions: every path of a document is found where it stands."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import tomli
from hypothesis import example, given, settings
from hypothesis import strategies as st

from otter.pipeline.positions import Positions
from tests.model.pipeline.toml_texts import TABLES, Writer, paths


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


@settings(max_examples=300, deadline=None)
@given(TABLES, st.integers(0, 2**32))
def test_finds_exactly_the_paths_that_the_parser_has(table: dict[str, Any], seed: int) -> None:
    """Whatever the style of a document, its paths are those of the parsed value, and each value is the text there."""
    text = Writer(Random(seed)).document(table)
    value = tomli.loads(text)
    assert table == value

    positions = Positions(text)
    assert set(paths(value)) == set(positions)
    for path in paths(value):
        place = positions.find(path)
        assert place is not None
        if isinstance(path[-1], str):
            assert {path[-1]: 0} == tomli.loads(f"{text[place.key.start : place.key.end]} = 0")
        if place.value is not None:
            assert {"x": _at(value, path)} == tomli.loads(f"x = {text[place.value.start : place.value.end]}")


@settings(max_examples=200, deadline=None)
@given(st.text())
@example("[")
@example("a.")
@example("a = [")
@example("[[a]")
@example("x = {a = ")
@example('"""')
def test_ends_on_any_text(text: str) -> None:
    """A text that no parser accepts gives some positions, and no error."""
    positions = Positions(text)
    for path in positions:
        positions.nearest(path)


DOCUMENT = """\
title = 'x'
a.b.c = 1
"a".d = { e = [1, { f = "# no comment" }], "g h" = \"\"\"
[not.a.table]
\"\"\" }

[[steps.fetch]]   # one
name = "first"
requires = [
    "x",  # why
    "y"
]
[[steps.fetch.do]]
name = "inner"
[[steps.fetch.do]]
name = "inner too"
[steps.fetch.policy]
uses.ebi = 2
[[steps.fetch]]
name = "second"
[[steps.fetch.do]]
when = 1979-05-27 07:32:00
"""


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("title",), "title", "'x'"),
        (("a", "b", "c"), "c", "1"),
        (("a", "b"), "b", None),
        (("a", "d", "e", 1, "f"), "f", '"# no comment"'),
        (("a", "d", "e", 0), "1", "1"),
        (("steps",), "steps", None),
        (("steps", "fetch"), "fetch", None),
        (("steps", "fetch", 0), "fetch", None),
        (("steps", "fetch", 0, "requires", 1), '"y"', '"y"'),
        (("steps", "fetch", 0, "do", 1, "name"), "name", '"inner too"'),
        (("steps", "fetch", 0, "policy", "uses", "ebi"), "ebi", "2"),
        (("steps", "fetch", 1, "name"), "name", '"second"'),
        (("steps", "fetch", 1, "do", 0, "when"), "when", "1979-05-27 07:32:00"),
    ],
)
def test_finds_key_and_value(path: tuple[str | int, ...], key: str, value: str | None) -> None:
    """Dotted and quoted keys, inline tables, arrays over lines and nested arrays of tables are all found."""
    place = Positions(DOCUMENT).find(path)
    assert place is not None
    assert key == DOCUMENT[place.key.start : place.key.end]
    assert value == (None if place.value is None else DOCUMENT[place.value.start : place.value.end])


def test_what_is_missing_is_shown_at_the_nearest_table_around_it() -> None:
    """A path that the text does not have leads to its longest beginning that the text has."""
    positions = Positions(DOCUMENT)
    assert None is positions.find(("steps", "fetch", 0, "destination"))
    path, place = positions.nearest(("steps", "fetch", 1, "do", 0, "name"))
    assert ("steps", "fetch", 1, "do", 0) == path
    assert place is not None
    assert 21 == DOCUMENT.count("\n", 0, place.key.start) + 1
    assert ((), None) == positions.nearest(("nothing",))


def test_an_empty_document_has_no_place() -> None:
    """Nothing is found in nothing, without an error."""
    assert [] == list(Positions(""))
    assert None is Positions("").find(("a",))
