"""The word that was probably meant."""

from __future__ import annotations

import pytest

from otter.pipeline.nearest import Neighbours, nearest, suggestion


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("cpoy", ["copy", "crop"], "copy"),
        ("eib", ["ebi"], "ebi"),
        ("Source", ["source"], "source"),
        ("sourc", ["resource", "source"], "source"),
        ("version_chembl", ["chembl_version", "efo_version"], None),
        ("colour", ["columns", "source"], None),
        ("spark", ["pair"], None),
        ("x", [], None),
        ("", ["a"], None),
        ("copy homo genes", ["copy mus genes", "copy hom genes"], "copy hom genes"),
    ],
)
def test_names_what_is_near_and_nothing_else(word: str, known: list[str], expected: str | None) -> None:
    """A slip of the fingers is found, whatever its case; a word of other meaning is not suggested."""
    assert expected == nearest(word, known)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("copy flie 04321", "copy file 04321"),
        ("copy fil 04321", "copy file 04321"),
        ("cpoy file 99999", "copy file 99999"),
        ("something else", None),
    ],
)
def test_among_very_many_names_those_that_begin_or_end_alike_are_compared(word: str, expected: str | None) -> None:
    """A slip is found among a hundred thousand names, without comparing each."""
    neighbours = Neighbours(f"copy file {number:05}" for number in range(100_000))
    assert expected == nearest(word, neighbours.of(word))


def test_a_suggestion_falls_back_on_a_text() -> None:
    """What to say when nothing is near is up to the caller."""
    assert "did you mean 'copy'?" == suggestion("cpoy", {"copy": 1})
    assert "known: x" == suggestion("abc", ["x"], "known: x")
    assert None is suggestion("abc", ["x"])
