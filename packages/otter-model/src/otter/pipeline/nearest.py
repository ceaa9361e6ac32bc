"""The known word that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

MAX_CANDIDATES = 2000
"""Comparing two names takes ten microseconds, and a step may have a hundred thousand names."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like a word; none when no word is like it."""
    candidates = known if isinstance(known, Collection) else list(known)
    if len(candidates) > MAX_CANDIDATES:
        candidates = _plausible(word, candidates)
    folded: dict[str, str] = {}
    for candidate in candidates:
        folded.setdefault(candidate.casefold(), candidate)
    word = word.casefold()
    for found in difflib.get_close_matches(word, folded, 3, 0.6):
        # Short words of other meaning are often alike, but seldom at their beginning.
        if found[:1] == word[:1] or difflib.SequenceMatcher(a=word, b=found).ratio() >= 0.75:
            return folded[found]
    return None


def _plausible(word: str, known: Collection[str]) -> list[str]:
    """Of very many words those of about the same length that share a beginning or an end."""
    size, head, tail = len(word), word[:6], word[-6:]
    found: list[str] = []
    for candidate in known:
        if abs(len(candidate) - size) <= 2 and (candidate[:6] == head or candidate[-6:] == tail):
            found.append(candidate)
            if len(found) == MAX_CANDIDATES:
                break
    return found


def suggestion(word: str, known: Iterable[str], otherwise: str | None = None) -> str | None:
    """`did you mean 'copy'?` for a word that is like a known one; else the text for when none is."""
    near = nearest(word, known)
    return f"did you mean {near!r}?" if near is not None else otherwise
