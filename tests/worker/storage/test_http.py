"""HTTP through both handles, against a real server on loopback."""

from __future__ import annotations

import asyncio
import gzip
import os
import threading
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from otter.config.model import Config
from otter.storage.asynchronous.handle import AsyncStorageHandle
from otter.storage.storage_context import storage_context
from otter.storage.synchronous.handle import StorageHandle
from otter.util.errors import (
    DownloadError,
    NotFoundError,
    PreconditionFailedError,
    StorageError,
    UploadError,
)
from tests.support.http_server import Answer, Site

Call = Callable[..., Any]


def blocking(location: Any, method: str, *args: Any, **named: Any) -> Any:
    return getattr(StorageHandle(location), method)(*args, **named)


def with_coroutines(location: Any, method: str, *args: Any, **named: Any) -> Any:
    async def main() -> Any:
        return await getattr(AsyncStorageHandle(location), method)(*args, **named)

    return asyncio.run(main())


def blocking_inside_a_loop(location: Any, method: str, *args: Any, **named: Any) -> Any:
    async def main() -> Any:
        return blocking(location, method, *args, **named)

    return asyncio.run(main())


each = pytest.mark.parametrize("call", [blocking, with_coroutines, blocking_inside_a_loop])


@each
def test_reading_gives_data_and_revision(call: Call, site: Site) -> None:
    """The revision is the ETag, or the time of modification where there is none."""
    url = site.put("/a.txt", b"gr\xc3\xbc\xc3\x9fe", headers={"ETag": '"v1"'})
    assert (b"gr\xc3\xbc\xc3\x9fe", '"v1"') == call(url, "read")
    assert ("grüße", '"v1"') == call(url, "read_text")
    date = "Wed, 21 Oct 2015 07:28:00 GMT"
    url = site.put("/b.txt", b"", headers={"Last-Modified": date})
    assert (b"", date) == call(url, "read")


@each
def test_stat_asks_by_head(call: Call, site: Site) -> None:
    """Nothing of the body is fetched."""
    url = site.put("/x", b"12345", headers={"ETag": "e", "Last-Modified": "Thu, 01 Jan 1970 00:16:40 GMT"})
    found = call(url, "stat")
    assert (5, "e", 1000.0, True, False) == (
        found.size, found.revision, found.mtime, found.is_reg, found.is_dir
    )  # fmt: skip
    assert ["HEAD"] == [method for method, _, _ in site.requests]


@each
@pytest.mark.parametrize("refusal", [400, 403, 405, 501])
def test_stat_falls_back_to_get(call: Call, refusal: int, site: Site) -> None:
    """Some servers refuse HEAD, and would answer a GET."""
    url = site.put("/x", b"12345", head_status=refusal)
    assert 5 == call(url, "stat").size
    assert ["HEAD", "GET"] == [method for method, _, _ in site.requests]


@each
def test_a_size_that_is_not_told_is_unknown(call: Call, site: Site) -> None:
    """It is none, and never a guess."""
    assert call(site.put("/x", b"12345", length=False), "stat").size is None


@each
@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (404, NotFoundError, "the server answered 404 Not Found"),
        (410, NotFoundError, "the server answered 410 Gone"),
        (401, DownloadError, "401 Unauthorized: credentials are needed"),
        (403, DownloadError, "403 Forbidden: access is refused"),
        (412, PreconditionFailedError, "412 Precondition Failed"),
        (429, DownloadError, "429 Too Many Requests: the server asks for fewer requests"),
        (500, DownloadError, "the server answered 500 Internal Server Error"),
        (503, DownloadError, "the server answered 503 Service Unavailable"),
        (299, DownloadError, "the server answered 299"),
        (204, DownloadError, "the server answered 204 No Content"),
    ],
)
@pytest.mark.parametrize("method", ["read", "stat"])
def test_a_refusal_is_an_error_in_words(
    call: Call, method: str, status: int, kind: type[Exception], words: str, site: Site
) -> None:
    """With the URL and what it means; of the class that tells what to do."""
    url = site.put("/x", b"", status=status)
    with pytest.raises(kind, match=rf"{url}: .*{words}") as caught:
        call(url, method)
    assert kind is caught.type


@each
def test_a_copy_arrives_whole(call: Call, site: Site, tmp_path: Path) -> None:
    """Several megabytes, with and without an announced length."""
    data = os.urandom(5_000_000)
    for path, length in (("/told", True), ("/untold", False)):
        url = site.put(path, data, length=length)
        call(url, "copy_to", StorageHandle(tmp_path / "a/b"))
        assert data == (tmp_path / "a/b").read_bytes()
    assert ["b"] == os.listdir(tmp_path / "a")


@each
@pytest.mark.parametrize("size", [0, 10, 3_000_000])
def test_a_truncated_answer_leaves_no_trace(call: Call, size: int, site: Site, tmp_path: Path) -> None:
    """The error counts what came; the destination is as it was."""
    url = site.put("/x", b"x" * size, announced=5_000_000)
    (tmp_path / "copy").write_text("old")
    with pytest.raises(DownloadError, match=rf"the connection ended .*after {size} of 5000000 bytes"):
        call(url, "copy_to", StorageHandle(tmp_path / "copy"))
    assert "old" == (tmp_path / "copy").read_text()
    assert ["copy"] == os.listdir(tmp_path)


@each
def test_copying_what_is_missing_leaves_no_trace(call: Call, site: Site, tmp_path: Path) -> None:
    """Not even the directory it would have gone to."""
    with pytest.raises(NotFoundError):
        call(f"{site.url}/nothing", "copy_to", StorageHandle(tmp_path / "a/b"))
    assert [] == os.listdir(tmp_path)


def test_a_cancelled_download_leaves_no_trace(site: Site, tmp_path: Path) -> None:
    """In the middle of the body, when a part of it has been written."""
    hold = threading.Event()
    url = site.put("/x", b"x" * 4_000_000, hold=hold)

    async def main() -> None:
        source, copy = AsyncStorageHandle(url), AsyncStorageHandle(tmp_path / "a/x")
        task = asyncio.create_task(source.copy_to(copy))
        while not (tmp_path / "a").exists():  # noqa: ASYNC110 - made when the first block is written
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    try:
        asyncio.run(main())
    finally:
        hold.set()
    assert [] == os.listdir(tmp_path / "a")


def test_connections_are_kept(site: Site) -> None:
    """Within one event loop, and from one blocking call to the next."""
    peers: list[Any] = []

    def note(handler: BaseHTTPRequestHandler) -> None:
        peers.append(handler.client_address)
        Answer(b"x")(handler)

    site.answers["/x"] = note

    async def main() -> None:
        for _ in range(3):
            await AsyncStorageHandle(f"{site.url}/x").read()

    asyncio.run(main())
    assert 1 == len(set(peers))
    peers.clear()
    for _ in range(3):
        StorageHandle(f"{site.url}/x").read()
        StorageHandle(f"{site.url}/x").stat()
    assert 1 == len(set(peers))


def test_blocking_files_read_as_they_arrive(site: Site) -> None:
    """The first half can be read while the server has not sent the second."""
    hold = threading.Event()
    url = site.put("/x", b"a" * 1_000_000 + b"b" * 1_000_000, hold=hold)
    with StorageHandle(url).open("rb") as file:
        assert b"a" * 1000 == file.read1(1000)  # type: ignore[attr-defined]  # of a buffered reader
        hold.set()
        assert 2_000_000 - 1000 == len(file.read())
    with StorageHandle(site.put("/lines", "1ä\n2\n".encode())).open() as file:
        assert ["1ä\n", "2\n"] == list(file)


def test_asynchronous_files_read_as_they_arrive(site: Site) -> None:
    """Leaving the block early closes the connection."""
    hold = threading.Event()
    url = site.put("/x", b"a\n" * 1_000_000, hold=hold)

    async def main() -> None:
        async with AsyncStorageHandle(url).open() as file:
            assert "a\n" == await file.readline()

    asyncio.run(main())
    hold.set()


@each
def test_nothing_is_written_listed_or_deleted(call: Call, site: Site, tmp_path: Path) -> None:
    """Each of these says that HTTP cannot do it."""
    (tmp_path / "x").touch()
    with pytest.raises(UploadError, match=rf"{site.url}/x: HTTP locations can only be read"):
        call(f"{site.url}/x", "write", b"")
    with pytest.raises(UploadError, match="can only be read"):
        call(tmp_path / "x", "copy_to", StorageHandle(f"{site.url}/x"))
    with pytest.raises(StorageError, match=r"HTTP has no listings to match '\*' with"):
        call(f"{site.url}/x", "glob", "*")
    with pytest.raises(StorageError, match="can only be read, not deleted"):
        call(f"{site.url}/x", "delete")
    with pytest.raises(StorageError, match="cannot be changed in place"):
        StorageHandle(f"{site.url}/x").open("a")


def test_a_release_may_be_on_a_server(site: Site, tmp_path: Path) -> None:
    """Relative locations are read from it, with their names encoded."""
    site.put("/release/a%20b.txt", b"data")
    config = Config(step="test", work_path=tmp_path, release_uri=f"{site.url}/release")
    assert b"data" == StorageHandle("a b.txt", config).read()[0]


@each
def test_no_coding_is_asked_for(call: Call, site: Site) -> None:
    """Sizes are those of the files then."""
    call(site.put("/x", b""), "read")
    assert "identity" == site.requests[0][2]["Accept-Encoding"]


@each
def test_a_coding_that_nobody_asked_for_is_removed(call: Call, site: Site) -> None:
    """Several members as well; the size is not known before."""
    data = gzip.compress(b"first ") + gzip.compress(b"second " * 300_000)
    url = site.put("/x.txt", data, headers={"Content-Encoding": "gzip"})
    assert b"first " + b"second " * 300_000 == call(url, "read")[0]
    assert call(url, "stat").size is None


@each
def test_a_compressed_file_that_is_declared_as_coded_stays_compressed(call: Call, site: Site) -> None:
    """Its name says that it is compressed, and so it is."""
    data = gzip.compress(b"data")
    url = site.put("/x.txt.gz", data, headers={"Content-Encoding": "gzip"})
    assert data == call(url, "read")[0]
    assert len(data) == call(url, "stat").size


@each
@pytest.mark.parametrize(
    ("coding", "body", "words"),
    [
        ("br", b"", "content coding 'br', though none was asked for"),
        ("gzip", b"this is text", "the content does not have the coding that it should"),
        ("gzip", gzip.compress(b"data" * 100)[:-9], "ends in the middle of its coding"),
    ],
    # What gzip makes has the time in it, and the names of cases must not differ between processes.
    ids=["unasked", "uncoded", "cut"],
)
def test_a_broken_coding_is_an_error(call: Call, coding: str, body: bytes, words: str, site: Site) -> None:
    """Unknown, untrue, or cut off."""
    url = site.put("/x", body, headers={"Content-Encoding": coding})
    with pytest.raises(DownloadError, match=words):
        call(url, "read")


def test_a_bomb_is_defused(site: Site, tmp_path: Path) -> None:
    """What inflates beyond measure is given up, and nothing of it stays."""
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    url = site.put("/x", bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(DownloadError, match="KiB inflate to over"):
        StorageHandle(url).copy_to(StorageHandle(tmp_path / "x"))
    assert [] == os.listdir(tmp_path)


@each
def test_settings_limit_size_and_time(call: Call, site: Site) -> None:
    """An announced size is refused before the body, an unannounced one when it is exceeded."""
    with storage_context(max_size="1KiB"):
        for length in (True, False):
            url = site.put("/x", b"x" * 1025, length=length)
            with pytest.raises(DownloadError, match=r"larger than the max_size of 1.0 KiB"):
                call(url, "read")
        assert 1024 == len(call(site.put("/x", b"x" * 1024), "read")[0])
    hold = threading.Event()
    with (
        storage_context(read_timeout="50ms"),
        pytest.raises(DownloadError, match="the server sent nothing for too long"),
    ):
        call(site.put("/x", b"xx", hold=hold), "read")
    hold.set()


@each
def test_headers_can_be_set(call: Call, site: Site) -> None:
    """For the requests within the block, and no others."""
    url = site.put("/x", b"")
    with storage_context(headers={"Authorization": "Bearer t"}):
        call(url, "read")
    call(url, "read")
    assert ["Bearer t", None] == [headers.get("Authorization") for *_, headers in site.requests]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"headers": {"X": "a\r\nY: b"}}, "'headers': the header 'X' contains a line break"),
        ({"headers": "X: y"}, "'headers': expected a table of texts"),
        ({"read_timeout": "soon"}, "'read_timeout': 'soon' is not a duration"),
        ({"max_size": "much"}, "'max_size': 'much' is not a size"),
        ({"allow_private": "no"}, "'allow_private': expected true or false"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, Any], words: str, site: Site) -> None:
    """Before any request is made."""
    with storage_context(**settings), pytest.raises(StorageError, match=words):
        StorageHandle(f"{site.url}/x").read()
    assert [] == site.requests


@each
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1/x", "the server cannot be reached"),
        ("http:///x", "names no server"),
        ("http://host:port/x", "http://host:port/x: "),
        ("http://nowhere.invalid/x", "the name of the server is unknown|cannot be reached"),
    ],
)
def test_no_server_is_an_error_in_words(call: Call, url: str, words: str) -> None:
    """Of the storage branch, with the URL."""
    with pytest.raises(DownloadError, match=words):
        call(url, "read")


def test_what_does_not_speak_http_is_an_error_in_words(site: Site) -> None:
    """A server that answers something else, or closes without an answer."""

    def babble(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"220 mail.example ESMTP\r\n\r\n")
        handler.close_connection = True

    def hang_up(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True

    site.answers |= {"/mail": babble, "/silent": hang_up}
    with pytest.raises(DownloadError, match="does not speak HTTP properly"):
        StorageHandle(f"{site.url}/mail").read()
    with pytest.raises(DownloadError, match="closed the connection without an answer"):
        StorageHandle(f"{site.url}/silent").read()


def test_passwords_do_not_reach_messages(site: Site) -> None:
    """The server gets them, and nobody else."""
    url = f"{site.url}/x".replace("//", "//me:secret@")
    with pytest.raises(NotFoundError, match=r"//me:\*\*\*@127") as caught:
        StorageHandle(url).read()
    assert "secret" not in str(caught.value)
    assert site.requests[0][2]["Authorization"].startswith("Basic ")


def test_a_slow_reader_makes_the_server_wait(site: Site) -> None:
    """Only so much is kept; all of it arrives in the end."""
    data = os.urandom(1_000_000) * 20
    url = site.put("/x", data)

    async def main() -> bytes:
        taken = b""
        async with AsyncStorageHandle(url).open("rb") as file:
            while part := await file.read(2_500_000):
                taken += part
                for _ in range(100):  # turns of the loop, in which more arrives than there is room for
                    await asyncio.sleep(0)
        return taken

    assert data == asyncio.run(main())


def test_what_comes_before_the_answer_is_not_the_answer(site: Site) -> None:
    """A server may announce it; and what follows the body is no header of it."""

    def hint(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\nETag: early\r\n\r\n")
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: ETag\r\n\r\n")
        handler.wfile.write(b"4\r\ndata\r\n0\r\nETag: late\r\n\r\n")

    site.answers["/x"] = hint
    assert (b"data", None) == StorageHandle(f"{site.url}/x").read()


def test_names_are_encoded_as_a_server_expects(site: Site) -> None:
    """A space or a letter beyond ASCII in the URL, and in a redirect."""
    site.put("/gr%C3%BC%C3%9Fe%20b", b"data")
    url = site.put("/a%20b", b"", status=302, headers={"Location": "/gr\u00c3\u00bc\u00c3\u009fe b"})
    assert b"data" == StorageHandle(f"{site.url}/grüße b").read()[0]
    assert b"data" == StorageHandle(url.replace("%20", " ")).read()[0]


@each
def test_silence_before_the_answer_is_noticed(call: Call, site: Site) -> None:
    """As soon as the request is sent, the time runs."""
    hold = threading.Event()

    def wait(handler: BaseHTTPRequestHandler) -> None:
        hold.wait(30)
        handler.close_connection = True

    site.answers["/x"] = wait
    with (
        storage_context(read_timeout="50ms"),
        pytest.raises(DownloadError, match="the server sent nothing for too long"),
    ):
        call(f"{site.url}/x", "read")
    hold.set()


def test_a_kept_connection_that_the_server_closed_is_no_error(site: Site) -> None:
    """The request is sent over a new one."""

    def once(handler: BaseHTTPRequestHandler) -> None:
        Answer(b"x")(handler)
        handler.close_connection = True

    site.answers["/x"] = once
    assert [b"x"] * 3 == [StorageHandle(f"{site.url}/x").read()[0] for _ in range(3)]


def test_a_length_is_a_number_or_the_answer_is_refused(site: Site) -> None:
    """One that is larger than any file says nothing."""

    def lie(length: str) -> str:
        def respond(handler: BaseHTTPRequestHandler) -> None:
            handler.wfile.write(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\ndata".encode())
            handler.close_connection = True

        site.answers["/x"] = respond
        return f"{site.url}/x"

    for length in ("²", "five"):
        with pytest.raises(DownloadError, match=site.url):
            StorageHandle(lie(length)).read()
    assert (b"data", None) == StorageHandle(lie("9" * 5000)).read()
