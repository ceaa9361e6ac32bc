"""`Policy`: what the engine does around the attempts of a task. The task itself never sees it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Literal

import attrs

from otter.util.convert import MisfitError, Problem, converter_for
from otter.util.errors import SpecError
from otter.util.units import parse_duration
from otter.util.values import Value

MAX_RETRIES = 1000


def _duration(value: Any) -> float:
    try:
        return parse_duration(value)
    except (ValueError, AttributeError, TypeError) as error:
        raise MisfitError([("", str(error))]) from error


def _retries(value: Any) -> int:
    number: int = converter_for(int)(value)
    if not 0 <= number <= MAX_RETRIES:
        raise MisfitError([("", f"expected 0 to {MAX_RETRIES} retries, got {number}")])
    return number


def _uses(value: Any) -> dict[str, int]:
    if isinstance(value, str):
        return {value: 1}
    amounts: dict[str, int] = converter_for(dict[str, int])(value)
    for pool, amount in amounts.items():
        if amount < 1:
            raise MisfitError([(pool, f"expected an amount of at least 1, got {amount}")])
    return amounts


_READERS = {
    "retries": _retries,
    "backoff": converter_for(Literal["fixed", "exponential"]),
    "retry_delay": _duration,
    "timeout": _duration,
    "priority": converter_for(int),
    "uses": _uses,
    "idempotent": converter_for(bool),
}


@attrs.frozen(eq=False, repr=False)
class Policy(Value):
    """Engine policy of a task.

    Attributes:
        retries: attempts after the first that a failure may have.
        backoff: `fixed` waits `retry_delay` before each retry, `exponential` doubles it each time; both with jitter.
        retry_delay: seconds before the first retry.
        timeout: seconds that `run` and `validate` of one attempt may take together; none means no limit.
        priority: ready tasks of a higher priority start first.
        uses: named pools and the amount that the task holds of each while it runs.
        idempotent: whether an attempt may be made again at all, after a failure or a crash.
    """

    retries: int = 0
    backoff: Literal["fixed", "exponential"] = "exponential"
    retry_delay: float = 1.0
    timeout: float | None = None
    priority: int = 0
    uses: Mapping[str, int] = attrs.field(factory=dict)
    idempotent: bool = True

    @classmethod
    def from_table(cls, table: Mapping[str, Any], base: Policy | None = None) -> Policy:
        """A policy from its TOML table; what the table leaves out comes from `base`.

        Raises:
            SpecError: with every unknown key and every value that does not fit, in `.problems`.
        """
        values: dict[str, Any] = {}
        problems: list[Problem] = []
        for key, value in table.items():
            reader = _READERS.get(key)
            if reader is None:
                near = difflib.get_close_matches(key, _READERS, 1)
                known = f"did you mean {near[0]!r}?" if near else f"a policy has {', '.join(_READERS)}"
                problems.append((key, f"unknown policy key {key!r}; {known}"))
                continue
            try:
                values[key] = reader(value)
            except MisfitError as error:
                problems += [(f"{key}.{path}" if path else key, text) for path, text in error.problems]
        if problems:
            raise SpecError("; ".join(f"{path}: {text}" for path, text in problems), problems=tuple(problems))
        return attrs.evolve(base or cls(), **values)
