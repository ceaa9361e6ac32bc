"""Placeholders: what is replaced, what is text, and that nothing is read twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otter.scratchpad import Scratchpad, placeholders
from otter.util.errors import ConfigError, ScratchpadError

PAD = Scratchpad({"v": "35", "n": 3, "x": "X", "list": ["a", "b"], "a.b-c d": "odd", "dollar": "$5 ${v}"})


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("chembl_${v}/x", "chembl_35/x"),
        ("${x}${x}", "XX"),
        ("${a.b-c d}", "odd"),
        ("n is ${n}", "n is 3"),
        ("${n}", 3),
        ("${list}", ["a", "b"]),
        ("$$", "$"),
        ("$${v}", "${v}"),
        ("$$${v}", "$35"),
        ("^a$ $5 $v ${ ${} $ {v}", "^a$ $5 $v ${ ${} $ {v}"),
        ("${dollar}", "$5 ${v}"),
        ("is ${dollar}", "is $5 ${v}"),
        ("", ""),
        (5, 5),
        (None, None),
        (Path("a/${v}"), Path("a/35")),
        (["${v}", {"k ${n}": ["${n}"]}], ["35", {"k 3": [3]}]),
        ({"${n}": 1}, {"3": 1}),
        (("${v}",), ("35",)),
    ],
)
def test_replaces_once(template: Any, expected: Any) -> None:
    """`${name}` is the value, with its type where it stands alone; `$$` is a dollar, a lone `$` is text."""
    assert expected == PAD.replace(template)


def test_undefined_names_are_reported_together() -> None:
    """The error has each name once; it is a configuration error."""
    with pytest.raises(ScratchpadError) as raised:
        PAD.replace({"a": "${w} ${v}", "b": ["${z}", "${w}"]})
    assert "nothing defines ${w}, ${z}" == str(raised.value)
    assert ("w", "z") == raised.value.missing
    assert isinstance(raised.value, ConfigError)


def test_undefined_names_may_be_left_as_they_stand() -> None:
    """A text that keeps one is still a template, and so are its doubled dollars."""
    template = ["${v} ${w} $$", "${v} $$"]
    assert ["35 ${w} $$", "35 $"] == PAD.replace(template, ignore_missing=True)


def test_a_table_is_replaced_under_the_name_of_old() -> None:
    """Generators of task packages make their specs with `replace_dict`."""
    assert {"name": "copy 35", "n": [3]} == PAD.replace_dict({"name": "copy ${v}", "n": ["${n}"]})
    assert {"name": "copy ${w}"} == PAD.replace_dict({"name": "copy ${w}"}, ignore_missing=True)
    with pytest.raises(ScratchpadError):
        PAD.replace_dict({"name": "copy ${w}"})


def test_filling_a_template_gives_a_template() -> None:
    """Other names and `$$` stay; dollars of what is filled in are doubled, so that nobody reads them again."""
    local = Scratchpad({"each": "a $${v} ${v}", "n": 3, "all": ["$x"]})
    template = {"name": "copy ${each} ${v}", "n": "${n}", "regex": "$$${each}", "all": "${all}", "k${n}": 1}
    filled = local.fill(template)
    assert "copy a $$$${v} $${v} ${v}" == filled["name"]
    assert {
        "name": "copy a $${v} ${v} 35",
        "n": 3,
        "regex": "$a $${v} ${v}",
        "all": ["$x"],
        "k3": 1,
    } == PAD.replace(filled)
    assert Path("$${v}/x") == local.fill(Path("$${v}/x"))


@given(st.text("${}vw$ "), st.text("${}vw$ "))
def test_a_value_is_never_read_again(text: str, value: str) -> None:
    """However a value looks, filling it in and replacing gives the value itself where the placeholder stood."""
    filled = Scratchpad({"each": value}).fill(["${each}", "a${each}b"])
    assert [value, f"a{value}b"] == Scratchpad({"v": "V", "w": "W"}).replace(filled)
    assert [value] == Scratchpad({"each": value}).replace(["${each}"])
    assert text == Scratchpad({}).replace(text.replace("$", "$$"))


@given(st.text("${}vw "), st.dictionaries(st.sampled_from(["v", "w"]), st.text("${}vw ")))
def test_filling_first_changes_nothing(text: str, values: dict[str, str]) -> None:
    """A generator that fills in its own names leaves what replacing all at once would give."""
    rest = {"v": "1", "w": "2", "vw": "3"}
    everything = Scratchpad({**rest, **values})
    try:
        expected = everything.replace(text)
    except ScratchpadError:
        return
    assert str(expected) == str(Scratchpad(rest).replace(Scratchpad(values).fill(text)))


def test_names_are_listed_in_order() -> None:
    """As often as they stand there; an escaped one is none."""
    assert ["a", "b", "a"] == placeholders("${a} ${b}$${c}${a} ${}")


def test_storing_replaces_and_merging_does_not() -> None:
    """`store` wins over what was there; `merge` never overwrites, whether of a scratchpad or of values."""
    pad = Scratchpad()
    pad.store("a", 1)
    pad.store("a", 2)
    pad.merge(Scratchpad({"a": 3, "b": 4}))
    pad.merge({"b": 5, "c": 6})
    assert {"a": 2, "b": 4, "c": 6} == pad.sentinel_dict


def test_the_values_given_are_copied() -> None:
    """A scratchpad does not change the table that it was made from."""
    values: dict[str, Any] = {"a": 1}
    Scratchpad(values).store("b", 2)
    assert {"a": 1} == values
