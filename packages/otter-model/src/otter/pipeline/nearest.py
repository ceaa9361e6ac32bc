"""The known word that was probably meant."""

from __future__ import annotations

import bisect
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like a word; none when no word is like it."""
    import difflib

    folded: dict[str, str] = {}
    for candidate in known:
        folded.setdefault(candidate.casefold(), candidate)
    word = word.casefold()
    close = difflib.get_close_matches(word, folded, 8, 0.6)
    if not close:
        return None
    # Words of other meaning share many letters, too: of these only a slip of the fingers counts.
    distance, found = min((_distance(word, found), found) for found in close)
    alike = difflib.SequenceMatcher(a=word, b=found).ratio() >= 0.75
    return folded[found] if alike or distance <= max(1, max(len(word), len(found)) // 3) else None


def _distance(a: str, b: str) -> int:
    """Letters to add, leave out, change, or swap with their neighbour, to get from one word to the other."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        before, last, row = row, before, [i]
        for j, other in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and other == a[i - 2]:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]


class Neighbours:
    """Of very many words those that begin or end like a given one: comparing it with each would take a second.

    Args:
        words: the words, which do not change.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._forward = sorted(words)
        self._backward = sorted(word[::-1] for word in self._forward)

    def of(self, word: str, count: int = 40) -> list[str]:
        """The words that stand near a word in the order of their beginnings, and in that of their ends."""
        found = self._around(self._forward, word, count)
        return [*found, *(other[::-1] for other in self._around(self._backward, word[::-1], count))]

    @staticmethod
    def _around(words: list[str], word: str, count: int) -> list[str]:
        at = bisect.bisect_left(words, word)
        return words[max(at - count // 2, 0) : at + count // 2]


def suggestion(word: str, known: Iterable[str], otherwise: str | None = None) -> str | None:
    """`did you mean 'copy'?` for a word that is like a known one; else the text for when none is."""
    near = nearest(word, known)
    return f"did you mean {near!r}?" if near is not None else otherwise
