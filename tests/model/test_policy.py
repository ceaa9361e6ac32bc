"""Engine policy of a task, as the pipeline file spells it."""

from __future__ import annotations

from typing import Any

import pytest

from otter.task.policy import Policy
from otter.util.errors import SpecError


def test_what_a_table_leaves_out_comes_from_the_base() -> None:
    """Defaults are those of the class, of the file, and then of the task."""
    assert Policy(0, "exponential", 1.0, None, 0, {}, True) == Policy.from_table({})
    base = Policy.from_table({"retries": 2, "timeout": "10m", "uses": "ebi"})
    assert Policy(retries=2, timeout=600.0, uses={"ebi": 1}) == base
    policy = Policy.from_table(
        {"retries": "3", "backoff": "fixed", "retry_delay": "250ms", "priority": -2, "uses": {"ebi": 2, "disk": 1}},
        base,
    )
    expected = Policy(3, "fixed", 0.25, 600.0, -2, {"ebi": 2, "disk": 1}, idempotent=True)
    assert expected == policy
    assert not Policy.from_table({"idempotent": "no"}).idempotent


@pytest.mark.parametrize(
    ("table", "problems"),
    [
        ({"retires": 1}, [("retires", "unknown policy key 'retires'; did you mean 'retries'?")]),
        (
            {"xyz": 1},
            [
                (
                    "xyz",
                    (
                        "unknown policy key 'xyz'; a policy has "
                        "retries, backoff, retry_delay, timeout, priority, uses, idempotent"
                    ),
                )
            ],
        ),
        ({"retries": -1}, [("retries", "expected 0 to 1000 retries, got -1")]),
        ({"retries": True}, [("retries", "expected an integer, got the boolean true")]),
        ({"uses": {"ebi": 0}}, [("uses.ebi", "expected an amount of at least 1, got 0")]),
        ({"uses": {"ebi": "x"}}, [("uses.ebi", "expected an integer, got the text 'x'")]),
        ({"uses": 5}, [("uses", "expected a table, got the integer 5")]),
        ({"backoff": 1}, [("backoff", "expected one of 'fixed', 'exponential', got the integer 1")]),
        (
            {"timeout": [], "priority": 1.5},
            [
                ("timeout", "[] is not a duration: write seconds, or a text such as '90s', '10m' or '1h30m'"),
                ("priority", "expected an integer, got the number 1.5"),
            ],
        ),
    ],
)
def test_every_mistake_of_a_table_is_reported(table: dict[str, Any], problems: list[tuple[str, str]]) -> None:
    """Unknown keys with the nearest known one, and values that do not fit, each with its path."""
    with pytest.raises(SpecError) as raised:
        Policy.from_table(table)
    assert problems == list(raised.value.problems)
