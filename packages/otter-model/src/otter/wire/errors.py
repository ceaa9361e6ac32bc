"""Errors of the wire. Blame is part of the type: ours (`UnrepresentableError`) or the peer's (`PeerError`)."""

from __future__ import annotations

from otter.util.errors import OtterError


class WireError(OtterError):
    """Base of every error of the wire; nothing else comes out of decoding."""


class UnrepresentableError(WireError):
    """A value that JSON cannot carry exactly was about to be sent. Its author changes the value.

    Attributes:
        path: where it is within what was sent, as in `$.artifacts[3].rows`.
        reason: what is wrong with it.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type[UnrepresentableError], tuple[str, str]]:
        return type(self), (self.path, self.reason)


class PeerError(WireError):
    """The peer broke the protocol: a damaged frame, an unknown message, a field that does not fit. It is dropped."""


class VersionError(PeerError):
    """The peer speaks another major version of the protocol.

    Attributes:
        ours: the range of versions that this side speaks.
        theirs: what the peer said.
    """

    def __init__(self, ours: str, theirs: str) -> None:
        super().__init__(
            f"the peer speaks protocol {theirs}, this side speaks {ours}: install matching versions of otter"
        )
        self.ours = ours
        self.theirs = theirs

    def __reduce__(self) -> tuple[type[VersionError], tuple[str, str]]:
        return type(self), (self.ours, self.theirs)
