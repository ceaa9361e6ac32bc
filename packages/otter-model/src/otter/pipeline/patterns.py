"""Texts of which a part is known only at run time: names that a generator has yet to give."""

from __future__ import annotations

import re
from collections.abc import Container

import attrs

from otter.util.values import Value

_PLACEHOLDER = re.compile(r"\$(?:(\$)|\{([^{}$\s][^{}$]*)\})")


@attrs.frozen(eq=False, repr=False)
class Pattern(Value):
    """A text with gaps.

    Attributes:
        pieces: the known pieces, one more than there are gaps; a text without a gap is one piece.
    """

    pieces: tuple[str, ...]

    @classmethod
    def of(cls, text: str, known: Container[str] = ()) -> Pattern:
        """The pattern of a text whose remaining placeholders are gaps, whatever is put there."""
        pieces, at, piece = [], 0, ""
        for match in _PLACEHOLDER.finditer(text):
            piece += text[at : match.start()]
            at = match.end()
            if match[1]:
                piece += "$"
            elif match[2] in known:
                piece += match[0]
            else:
                pieces.append(piece)
                piece = ""
        return cls((*pieces, piece + text[at:]))

    def may_equal(self, other: Pattern) -> bool:
        """Whether some filling of the gaps makes both the same text.

        Exact where one of them has no gap. Where both have one, only their beginnings and ends are compared, so that
        the answer may be yes where no filling exists; it is never no where one does.
        """
        if len(other.pieces) == 1:
            return self._fits(other.pieces[0])
        if len(self.pieces) == 1:
            return other._fits(self.pieces[0])
        mine, others = self.pieces, other.pieces
        return (mine[0].startswith(others[0]) or others[0].startswith(mine[0])) and (
            mine[-1].endswith(others[-1]) or others[-1].endswith(mine[-1])
        )

    def _fits(self, text: str) -> bool:
        if len(self.pieces) == 1:
            return text == self.pieces[0]
        first, *middle, last = self.pieces
        if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
            return False
        at, end = len(first), len(text) - len(last)
        for piece in middle:
            found = text.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True
