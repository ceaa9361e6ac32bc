"""What is refused before a parser sees it."""

from __future__ import annotations

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from otter.pipeline import PipelineError, loads_pipeline
from otter.pipeline.limits import MAX_KEY_PARTS, MAX_NESTING, beyond_limits


def test_as_deep_and_as_long_as_the_limit_is_accepted() -> None:
    """64 levels and 64 parts are within the limit; one more is not."""
    assert None is beyond_limits(f"x = {'[' * MAX_NESTING}{']' * MAX_NESTING}")
    assert None is beyond_limits(f"{'.'.join('k' * MAX_KEY_PARTS)} = 1")
    assert None is beyond_limits(f"[[{'.'.join('k' * MAX_KEY_PARTS)}]]")


@pytest.mark.parametrize(
    ("text", "column"),
    [
        (f"x = {'[' * 65}{']' * 65}", 69),
        (f"x = {'{a=' * 65}1{'}' * 65}", 197),
        ("x = " + '["]", ' * 65 + "]" * 65, 389),
        ("x = [\n" + "[ # ]\n" * 64 + "]" * 65, 1),
        (f"{'k.' * 64}k = 1", 128),
        (f"x = {{ {'k . ' * 64}k = 1 }}", 261),
        (f"{'[' * 100_000}", 65),
        (f"[{'k.' * 20_000}k]", 129),
    ],
)
def test_deeper_or_longer_is_refused_with_its_place(text: str, column: int) -> None:
    """Brackets and dots count outside texts and comments only, over lines too."""
    breach = beyond_limits(text)
    assert breach is not None
    assert column == breach[0] - text.rfind("\n", 0, breach[0])
    with pytest.raises(PipelineError) as raised:
        loads_pipeline(text)
    assert ["limit"] == [problem.code for problem in raised.value.problems]


@pytest.mark.parametrize(
    "text",
    [
        'x = "' + "[" * 100 + '"',
        "x = '" + "." * 100 + "'",
        '# """ [' + "[" * 100,
        'x = """\n' + "[{" * 100 + '\n"""',
        "x = '''\n" + "a.b" * 100 + "\n'''",
        "x = [" + "1.5, " * 100 + "]",
        'x = "\\"' + "[" * 100 + '"',
    ],
)
def test_what_stands_in_texts_and_comments_does_not_count(text: str) -> None:
    """A long regular expression or a list of numbers is no deep nesting and no long key."""
    assert None is beyond_limits(text)
    tomli.loads(text)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("[]{}\"'#\\\n.=a ")))
def test_any_text_ends_in_a_pipeline_or_in_its_error(text: str) -> None:
    """Whatever a file holds, only `PipelineError` comes out."""
    with pytest.raises(PipelineError) as raised:
        loads_pipeline(text)
    assert raised.value.problems
    assert str(raised.value)


def test_texts_that_are_never_closed_take_linear_time() -> None:
    """A file made to be scanned again from each of its quotes is scanned once."""
    hostile = '\\"""\n' * 200_000
    assert None is beyond_limits(hostile)
    with pytest.raises(PipelineError):
        loads_pipeline(hostile)
