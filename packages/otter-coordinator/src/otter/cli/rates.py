"""How fast things go, from what a display saw of them now and then."""

from __future__ import annotations

from collections import deque

WINDOW = 10.0
"""Seconds over which a rate is measured."""
LEAST = 0.5
"""Seconds that must have been seen before there is a rate."""


class Rates:
    """Rates by name."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[tuple[float, int]]] = {}

    def note(self, name: str, now: float, count: int) -> None:
        """So much was done at a moment."""
        seen = self._seen.setdefault(name, deque())
        seen.append((now, count))
        while now - seen[0][0] > WINDOW:
            seen.popleft()

    def get(self, name: str) -> float:
        """Per second; 0 if nothing is known, or nothing was done."""
        seen = self._seen.get(name)
        if not seen:
            return 0.0
        span = seen[-1][0] - seen[0][0]
        return max(0.0, (seen[-1][1] - seen[0][1]) / span) if span >= LEAST else 0.0
