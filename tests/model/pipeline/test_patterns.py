"""Names of which only a part is known."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from otter.pipeline.patterns import Pattern

_PIECES = st.lists(st.text("ab ", max_size=3), min_size=1, max_size=4).map(tuple)
_FILLINGS = st.lists(st.text("ab ", max_size=3), min_size=3, max_size=3)


def _filled(pattern: Pattern, values: list[str]) -> str:
    return pattern.pieces[0] + "".join(value + piece for value, piece in zip(values, pattern.pieces[1:], strict=False))


@given(_PIECES.map(Pattern), st.text("ab ", max_size=8))
def test_a_text_fits_a_pattern_when_some_filling_gives_it(pattern: Pattern, text: str) -> None:
    """A gap stands for any text, an empty one too; the answer is that of a regular expression."""
    expected = re.fullmatch(".*".join(map(re.escape, pattern.pieces)), text) is not None
    assert expected == pattern.may_equal(Pattern((text,)))
    assert expected == Pattern((text,)).may_equal(pattern)


@given(_PIECES.map(Pattern), _PIECES.map(Pattern), _FILLINGS, _FILLINGS)
def test_patterns_with_a_common_text_are_never_kept_apart(
    one: Pattern, two: Pattern, values: list[str], others: list[str]
) -> None:
    """Where fillings of both give the same text, the answer is yes, whichever is asked."""
    if _filled(one, values) == _filled(two, others):
        assert one.may_equal(two)
        assert two.may_equal(one)
    assert one.may_equal(two) == two.may_equal(one)


def test_patterns_that_begin_or_end_otherwise_are_kept_apart() -> None:
    """What is known of both is compared."""
    assert not Pattern.of("copy ${a}").may_equal(Pattern.of("note ${a}"))
    assert not Pattern.of("copy ${a} one").may_equal(Pattern.of("copy ${a} two"))
    assert Pattern.of("copy ${a} one").may_equal(Pattern.of("copy x${b}"))


def test_known_placeholders_and_dollars_are_no_gaps() -> None:
    """A doubled dollar is one, and a name that is known is left for whoever fills it in."""
    assert Pattern(("a $ b ${v}", "")) == Pattern.of("a $$ b ${v}${later}", {"v"})
