"""The protocol's number, and the rule by which two sides agree on one.

Adding an optional field or a kind of message raises the minor number. Renaming, removing, or a change of meaning raises
the major number. Two sides of one major speak the lower of their newest minors.
"""

from __future__ import annotations

import re

from otter.wire.errors import PeerError, VersionError

OLDEST = "1.0"
NEWEST = "1.0"

_VERSION = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})")


def parse_version(text: object) -> tuple[int, int]:
    """Major and minor of a version.

    Raises:
        PeerError: it is not of the form `major.minor`.
    """
    match = _VERSION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise PeerError(f"{text!r} is not a protocol version: expected major.minor")
    return int(match[1]), int(match[2])


def agree(theirs_oldest: object, theirs_newest: object, oldest: str = OLDEST, newest: str = NEWEST) -> str:
    """The version that both sides speak.

    Args:
        theirs_oldest: the oldest version that the peer speaks.
        theirs_newest: the newest one.
        oldest: the oldest version that this side speaks.
        newest: the newest one.

    Raises:
        VersionError: there is none; both ranges are named.
        PeerError: what the peer said is not a version.
    """
    low, high = parse_version(theirs_oldest), parse_version(theirs_newest)
    best = min(high, parse_version(newest))
    if best < low or best < parse_version(oldest):
        theirs = str(theirs_newest) if low == high else f"{theirs_oldest} to {theirs_newest}"
        raise VersionError(newest if oldest == newest else f"{oldest} to {newest}", theirs)
    return f"{best[0]}.{best[1]}"
