"""A web server on loopback for tests: what it answers, and how badly, is up to the test."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs

Respond = Callable[[BaseHTTPRequestHandler], None]


@attrs.frozen
class Answer:
    """What the server says.

    Attributes:
        body: sent for a GET.
        head_status: another status for HEAD; none for the same.
        announced: the Content-Length that is told, if it is not the true one; the connection ends
            after the body.
        length: whether the length is told at all; if not, the end of the connection ends the body.
        hold: the rest of the body is sent when this is set.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=dict)
    head_status: int | None = None
    announced: int | None = None
    length: bool = True
    hold: threading.Event | None = None

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer a request."""
        is_head = handler.command == "HEAD"
        handler.send_response(self.head_status if is_head and self.head_status else self.status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        if self.length:
            announced = len(self.body) if self.announced is None else self.announced
            handler.send_header("Content-Length", str(announced))
        if self.announced is not None or not self.length:
            handler.send_header("Connection", "close")
            handler.close_connection = True
        handler.end_headers()
        if is_head:
            return
        if self.hold is None:
            handler.wfile.write(self.body)
            return
        handler.wfile.write(self.body[: len(self.body) // 2])
        handler.wfile.flush()
        self.hold.wait(30)
        handler.wfile.write(self.body[len(self.body) // 2 :])


@attrs.define
class Site:
    """A running server.

    Attributes:
        url: of its root, without a slash at the end.
        answers: by path, without the query; whatever else is asked for is not found.
        requests: method, path with query, and headers of each request, in order.
    """

    url: str
    answers: dict[str, Respond] = attrs.field(factory=dict)
    requests: list[tuple[str, str, dict[str, str]]] = attrs.field(factory=list)

    def put(self, path: str, body: bytes, **facts: Any) -> str:
        """Answer a path with a body; its URL."""
        self.answers[path] = Answer(body, **facts)
        return f"{self.url}{path}"


@contextmanager
def serving() -> Iterator[Site]:
    """A server for the time of the block."""
    site = Site("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.requests.append((self.command, self.path, dict(self.headers)))
            respond = site.answers.get(self.path.partition("?")[0], Answer(b"no", status=404))
            try:
                respond(self)
            except ConnectionError:
                self.close_connection = True  # the client went away

        do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

        def log_message(self, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *args: Any) -> None:
            if not isinstance(sys.exc_info()[1], ConnectionError):
                super().handle_error(*args)

    server = Server(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
