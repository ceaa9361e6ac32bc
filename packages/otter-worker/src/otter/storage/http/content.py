"""What an answer holds: its length, its coding, and the revision that its headers tell."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from urllib.parse import unquote

from otter.storage.location import shown
from otter.storage.model import Block, StatResult
from otter.util.errors import DownloadError
from otter.util.units import format_size

_GZIP_NAMES = (".gz", ".tgz", ".svgz", ".bgz")
_GZIP_WBITS = 16 + zlib.MAX_WBITS
_OUTPUT_SIZE = 1 << 20
_FREE_INFLATION = 64 << 20
_MAX_INFLATION = 200
"""Deflate reaches 1,030 to 1 on zeros; text, tables and JSON stay below 50."""

_MAX_DIGITS = 18


def coding_of(headers: Mapping[str, str], url: str) -> str | None:
    """The content coding to be removed; none if the bytes are to be taken as they come.

    The client asks for no coding. A server that codes all the same is either one that declares the
    coding of a file that is compressed anyway (`x.tsv.gz`), whose bytes are what was asked for; or
    one that does not listen, and then the coding is removed, so that the file is what its name
    says.

    Raises:
        DownloadError: a coding that is not understood.
    """
    coding = headers.get("content-encoding", "").strip().lower()
    if coding in ("", "identity"):
        return None
    if coding not in ("gzip", "x-gzip"):
        raise DownloadError(f"{shown(url)}: the answer has the content coding {coding!r}, though none was asked for")
    path = unquote(url.partition("?")[0]).lower()
    return None if path.endswith(_GZIP_NAMES) else "gzip"


def length_of(headers: Mapping[str, str]) -> int | None:
    """The bytes that an answer announces; none if it does not, or with what is no number of bytes."""
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS else None


def stat_of(headers: Mapping[str, str], url: str) -> StatResult:
    """What the headers of an answer tell; the size is none if the content is coded."""
    length = length_of(headers)
    return StatResult(
        is_dir=False,
        is_reg=True,
        size=length if length is not None and coding_of(headers, url) is None else None,
        revision=headers.get("etag") or headers.get("last-modified"),
        mtime=_seconds(headers.get("last-modified")),
    )


async def inflated(next_block: Callable[[], Awaitable[Block | None]], url: str) -> AsyncIterator[Block]:
    """What a call gives, until it gives none, without the coding `gzip`; at most a megabyte at a time.

    Raises:
        DownloadError: the content is not in that coding, ends too early, or inflates beyond
            measure.
    """
    decoder = zlib.decompressobj(wbits=_GZIP_WBITS)
    taken = given = 0
    try:
        while (block := await next_block()) is not None:
            taken += len(block)
            rest, more = block, bool(block)
            while more:
                if decoder.eof:  # several members one after the other are one content
                    decoder = zlib.decompressobj(wbits=_GZIP_WBITS)
                output = decoder.decompress(rest, _OUTPUT_SIZE)
                rest = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
                more = bool(rest) or (len(output) == _OUTPUT_SIZE and not decoder.eof)
                given += len(output)
                if given > max(_FREE_INFLATION, _MAX_INFLATION * taken):
                    raise DownloadError(f"{shown(url)}: {format_size(taken)} inflate to over {format_size(given)}")
                if output:
                    yield output
    except zlib.error as error:
        raise DownloadError(f"{shown(url)}: the content does not have the coding that it should: {error}") from error
    if taken and not decoder.eof:
        raise DownloadError(f"{shown(url)}: the content ends in the middle of its coding")


def _seconds(date: str | None) -> float | None:
    if not date:
        return None
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
