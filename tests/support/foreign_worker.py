"""A worker of another make: written from PROTOCOL.md, with nothing of otter in it.

`MANNER` in the environment has words that make it unusual, though still right, or wrong.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import select
import signal
import socket
import struct
import sys
import time
import zlib
from typing import Any

F_SETSIG = 10
PAGE = 500
MANNER = os.environ.get("MANNER", "").split()
TEXT = {"name": "text", "schema": {"type": "string"}, "required": True}
TYPES: list[dict[str, Any]] = [
    {"name": "note", "fields": [TEXT], "validates": True, "colour": "red"},
    {"name": "make", "open": True, "generates": True},
    {"name": "store", "open": True, "stores": True},
    {"name": "wait", "open": True},
    {"name": "fail", "open": True},
]

Message = dict[str, Any]


class Channel:
    """Frames over a socket."""

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)
        self._bytes = b""
        self._messages: list[Message] = []

    def send(self, *messages: Message) -> None:
        """Send messages, in the manner that was asked for."""
        dressed = [_dressed(message) for message in messages]
        for body in [[message] for message in dressed] if "single" in MANNER else [dressed]:
            self.send_bytes(frame(json.dumps(body, indent=1 if "wide" in MANNER else None).encode()))

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""
        step = 1 if "drops" in MANNER else len(data)
        for place in range(0, len(data), step):
            self._socket.sendall(data[place : place + step])

    def next(self) -> Message:
        """The next message; the process ends where there is none any more."""
        while not self._messages:
            data = self._socket.recv(65536)
            if not data:
                sys.exit(0)
            self._take(data)
        return self._messages.pop(0)

    def ready(self, wait: float = 0.0) -> bool:
        """Whether a message is here, or the end."""
        return bool(self._messages) or bool(select.select([self._socket], [], [], wait)[0])

    def _take(self, data: bytes) -> None:
        self._bytes += data
        while len(self._bytes) >= 8:
            length, checksum = struct.unpack("!II", self._bytes[:8])
            body = self._bytes[8 : 8 + length]
            if len(body) < length:
                return
            if zlib.crc32(body) != checksum:
                sys.exit(76)
            self._messages += json.loads(body)
            self._bytes = self._bytes[8 + length :]


def _dressed(message: Message) -> Message:
    """A message with members from the future, and its own in another order."""
    if "future" not in MANNER:
        return message
    return dict(reversed([*message.items(), ("mood", {"today": [None, "sunny"]})]))


def frame(body: bytes) -> bytes:
    """The frame of a body."""
    return struct.pack("!II", len(body), zlib.crc32(body)) + body


class Worker:
    """Runs one task after another."""

    def __init__(self, arguments: dict[str, str]) -> None:
        self.number = int(arguments["worker-id"])
        self.channel = Channel(int(arguments["channel"]))
        self.control = Channel(int(arguments["control"]))
        self.batons = int(arguments["batons"])
        self.beginnings = int(arguments["beginnings"]) if "beginnings" in arguments else -1
        self.waiting: list[Message] = []
        self.stopping = False
        self.spill_dir: str | None = None
        os.set_blocking(self.batons, False)

    def serve(self) -> None:
        """Say hello, and work until there is nothing to do."""
        oldest, newest = next((word for word in MANNER if "-" in word), "1.0-1.0").split("-")
        hello = {"kind": "SayHello", "oldest": oldest, "newest": newest, "worker": self.number, "pid": os.getpid()}
        self.channel.send({**hello, "python": "none", "task_types": TYPES})
        answer = self.channel.next()
        if answer["kind"] == "Refuse":
            sys.exit(0)
        self.spill_dir = answer.get("spill_dir")
        while self.waiting or not self.stopping:
            if self.waiting and not self.channel.ready() and self._may_begin():
                self._run(self.waiting.pop(0))
            else:
                self._handle(self.channel.next())

    def _may_begin(self) -> bool:
        try:
            return bool(os.read(self.batons, 1))
        except BlockingIOError:
            return False

    def _handle(self, message: Message) -> None:
        kind = message["kind"]
        if kind == "RunTask":
            self.waiting.append(message)
        elif kind == "RevokeTasks":
            self.waiting = [request for request in self.waiting if request["task"] not in message["tasks"]]
            self.channel.send({"kind": "ConfirmRevoke", "tasks": message["tasks"]})
        elif kind == "CheckSpecs":
            rows = [[place, "text", "not nice"] for place, spec in enumerate(message["specs"]) if spec["text"] == "bad"]
            if "rows" in MANNER:
                rows = [[99, "text", "out of place"]]
            self.channel.send({"kind": "ReportCheck", "request": message["request"], "problems": rows})
        elif kind == "Stop":
            self.stopping = True

    def _run(self, request: Message) -> None:
        which = {"task": request["task"], "attempt": request["attempt"]}
        spec = request["spec"]
        if self.beginnings < 0 or "tells" in MANNER:
            self.channel.send({"kind": "ReportStart", **which})
        else:
            os.write(self.beginnings, struct.pack("!QId", *which.values(), time.monotonic()))
        record: Message = {"name": spec["name"], "result": "success", "elapsed": 1}
        result: Message = {"kind": "ReportResult", **which, "record": record}
        type_ = spec["name"].split()[0]
        if type_ == "note":
            record |= {"artifacts": [{"source": spec["text"], "destination": ["a", "b"], "rows": 5}], "weather": "fine"}
        elif type_ == "store":
            result["values"] = {"late": "$${x}"}
        elif type_ == "make":
            specs = [{"name": f"note {n}", "text": "${late}", "requires": ["store it"]} for n in range(spec["count"])]
            specs += spec.get("more", [])
            pages = [specs[place : place + PAGE] for place in range(0, len(specs), PAGE)]
            self.channel.send(*({"kind": "AddSpecs", **which, "specs": page} for page in pages))
            result["pages"] = len(pages)
        elif type_ == "fail":
            with open(spec["meet"], "rb"):  # opens when the other side does
                record |= {"result": "failure", "failure_reason": "as told"}
        elif type_ == "wait":
            with open(spec["meet"], "wb"):
                pass
            self.control.next()
            record |= {"result": "aborted", "failure_reason": "as asked"}
        for word in MANNER:
            self._misbehave(word, result)
        self.channel.send(self._in_a_file(result) if "file" in MANNER else result)

    def _in_a_file(self, result: Message) -> Message:
        body = json.dumps([result]).encode()
        path = f"{self.spill_dir}/{self.number}-{result['task']}"
        with open(path, "xb") as file:
            file.write(body)
        digest = hashlib.sha256(body).hexdigest()
        return {"kind": "SpillMessage", "path": path, "size": len(body), "sha256": digest}

    def _misbehave(self, word: str, result: Message) -> None:
        if word == "forges":
            self.channel.send({**result, "task": 4242}, {**result, "attempt": 9}, result)
        elif word == "unknown":
            self.channel.send({"kind": "ReportWeather"})
        elif word == "checksum":
            self.channel.send_bytes(struct.pack("!II", 2, 1) + b"[]")
        elif word == "length":
            self.channel.send_bytes(struct.pack("!II", 1 << 31, 0))
        elif word == "fraction":
            result["task"] = float(result["task"])
        elif word == "missing":
            del result["record"]
        elif word == "torn":
            self.channel.send_bytes(frame(json.dumps([result]).encode())[:20])
            os._exit(3)


def main() -> None:
    """Prepare the process, and serve."""
    arguments = dict(word[2:].split("=", 1) for word in sys.argv[1:] if word.startswith("--") and "=" in word)
    for number in (signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    lifeline = int(arguments["lifeline"])
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(lifeline, F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC | os.O_NONBLOCK)
    if select.select([lifeline], [], [], 0)[0]:
        sys.exit(78)
    Worker(arguments).serve()


if __name__ == "__main__":
    main()
