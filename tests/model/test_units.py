"""Durations and sizes as people write them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otter.util.units import format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (5, 5.0), (0.5, 0.5), ("90s", 90.0), ("10m", 600.0), ("1h30m", 5400.0), ("1h 30m 5s", 5405.0), ("2d", 172800.0),
        ("250ms", 0.25), ("1.5 h", 5400.0), (" 7 ", 7.0), ("1e2", 100.0), (0, 0.0),
    ],
)  # fmt: skip
def test_durations(value: Any, seconds: float) -> None:
    """A number of seconds, or parts of a number and a unit."""
    assert seconds == parse_duration(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "10 parsecs",
        "m",
        "1h30",
        "-5s",
        -1,
        "nan",
        "inf",
        float("inf"),
        True,
        None,
        [],
        10**400,
        "9" * 400 + "s",
    ],
)
def test_other_things_are_no_durations(value: Any) -> None:
    """Negative, endless and unknown ones are refused in words."""
    with pytest.raises(ValueError, match="is not a duration: "):
        parse_duration(value)


def test_a_number_of_thousands_of_digits_is_not_written_out() -> None:
    """Python refuses to."""
    with pytest.raises(ValueError, match="a number of that size is not a duration: it must be finite"):
        parse_duration(10**5000)


@pytest.mark.parametrize(
    ("value", "size"),
    [(5, 5), ("512", 512), ("4GiB", 4 * 2**30), ("4 gb", 4 * 10**9), ("1.5KiB", 1536), ("7B", 7), ("2TB", 2 * 10**12)],
)
def test_sizes(value: Any, size: int) -> None:
    """A number of bytes, or a number and a unit of 1000 or 1024."""
    assert size == parse_size(value)


@pytest.mark.parametrize("value", ["", "4 boxes", "-1", -1, True, 1.5, None, "9" * 400 + "GB", "1 GiB 2"])
def test_other_things_are_no_sizes(value: Any) -> None:
    """Negative, broken and unknown ones are refused in words."""
    with pytest.raises(ValueError, match="is not a size: "):
        parse_size(value)


@given(st.floats(0, 1e9))
def test_what_is_shown_of_a_duration_can_be_read(seconds: float) -> None:
    """The text is about the duration."""
    assert abs(parse_duration(format_duration(seconds)) - seconds) <= max(
        0.06, seconds * 0.01, 31 if seconds > 3600 else 0.51
    )


def test_texts_for_people() -> None:
    """Short for short ones, without units that say nothing."""
    assert ["0.42s", "12.3s", "4m05s", "2h03m"] == [format_duration(s) for s in (0.42, 12.3, 245, 7380)]
    assert ["512 B", "1.4 MiB", "3.0 TiB"] == [format_size(s) for s in (512, 1_468_006, 3 * 2**40)]
