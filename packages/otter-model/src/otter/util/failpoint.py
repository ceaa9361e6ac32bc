"""`Failpoint`: the named place of the program that a test chose to fail. Pure: acting is the caller's part."""

from __future__ import annotations

from typing import Self

import attrs

from otter.util.values import Value

VARIABLE = "OTTER_FAIL"
"""Environment variable with the choice: `name:action[:n[:once]]`."""


@attrs.define(eq=False, repr=False)
class Failpoint(Value):
    """One place that fails.

    Attributes:
        name: of the place; empty when none was chosen.
        action: what happens there.
        left: hits until it acts; 1 means the next one.
        once: a file that keeps other processes from acting as well; the one that makes it acts. None for every process.
    """

    name: str = ""
    action: str = "kill"
    left: int = 1
    once: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """The choice in a text; an empty one chooses nothing.

        Raises:
            ValueError: the number of the hit is none.
        """
        name, action, number, once = (text.split(":", 3) + [""] * 4)[:4]
        return cls(name, action or "kill", int(number or 1), once or None)

    def due(self, name: str) -> bool:
        """Count a hit of a place; whether it is the one that acts."""
        if name != self.name:
            return False
        self.left -= 1
        return self.left == 0
