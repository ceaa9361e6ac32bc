"""What is about to come is looked for a moment, and not for longer."""

from __future__ import annotations

from itertools import count

from otter.util.briefly import Briefly


def test_what_is_there_is_seen_at_the_first_look() -> None:
    """One look is enough, and nothing is waited for."""
    looks = iter([True])
    assert Briefly().look(lambda: next(looks))


def test_what_comes_meanwhile_is_seen() -> None:
    """It is looked for again."""
    looks = iter([False, True])
    assert Briefly().look(lambda: next(looks))


def test_what_does_not_come_is_given_up() -> None:
    """Each time anew, so that whoever waits falls asleep."""
    briefly, looks = Briefly(), count()

    def look() -> bool:
        next(looks)
        return False

    assert [briefly.look(look), briefly.look(look)] == [False, False]
    assert next(looks) >= 2
