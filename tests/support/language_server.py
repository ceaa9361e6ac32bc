"""A language server as an editor talks to it: over pipes, in JSON-RPC."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class LanguageServer:
    """A server that was started for one folder.

    Args:
        command: starts it.
        folder: the workspace.
    """

    def __init__(self, command: list[str | Path], folder: Path) -> None:
        self._folder = folder
        self._requests = 0
        self._process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def __enter__(self) -> Self:
        root = self._folder.as_uri()
        capabilities: dict[str, Any] = {"textDocument": {"publishDiagnostics": {}, "completion": {}, "hover": {}}}
        folders = [{"uri": root, "name": "test"}]
        self.ask(
            "initialize",
            {"processId": None, "rootUri": root, "workspaceFolders": folders, "capabilities": capabilities},
        )
        self._tell("initialized", {})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def open(self, name: str, text: str) -> list[str]:
        """Show the server a document; the messages of what it finds wrong with it."""
        path = self._folder / name
        path.write_text(text, "utf-8")
        document = {"uri": path.as_uri(), "languageId": "toml", "version": 1, "text": text}
        self._tell("textDocument/didOpen", {"textDocument": document})
        while True:
            message = self._read()
            if message.get("method") == "textDocument/publishDiagnostics":
                return [found["message"] for found in message["params"]["diagnostics"]]
            self._answer(message)

    def hover(self, name: str, line: int) -> str:
        """What is explained of the key at the beginning of a line, which counts from 0."""
        result = self.ask("textDocument/hover", self._position(name, line))
        return str(result["contents"]["value"])

    def complete(self, name: str, line: int) -> list[str]:
        """What may be written at the beginning of a line."""
        result = self.ask("textDocument/completion", self._position(name, line))
        items = result["items"] if isinstance(result, dict) else result
        return [item["label"] for item in items or ()]

    def ask(self, method: str, params: Any) -> Any:
        """Send a request; its result."""
        self._requests += 1
        self._send({"id": self._requests, "method": method, "params": params})
        while True:
            message = self._read()
            if message.get("id") == self._requests and "method" not in message:
                assert "error" not in message, message
                return message["result"]
            self._answer(message)

    def _position(self, name: str, line: int) -> dict[str, Any]:
        uri = (self._folder / name).as_uri()
        return {"textDocument": {"uri": uri}, "position": {"line": line, "character": 0}}

    def _answer(self, message: dict[str, Any]) -> None:
        """What the server asks its editor has no answer here."""
        if "method" in message and "id" in message:
            self._send({"id": message["id"], "result": None})

    def _tell(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        stream = self._process.stdout
        assert stream is not None
        size = 0
        while (line := stream.readline()) != b"\r\n":
            assert line, "the language server has ended"
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                size = int(value)
        message: dict[str, Any] = json.loads(stream.read(size))
        return message
