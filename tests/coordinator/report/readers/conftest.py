"""Programs of others: a browser, and what it takes to let it open a page and keep what it saw."""

# mypy: disable-error-code="import-not-found, import-untyped"
# The readers are installed for these tests only, in an environment of their own.

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import orjson
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from otter.report import read_release, render_report
from tests.coordinator.report.manifests import write

TELL_VIOLATIONS = """
document.addEventListener('securitypolicyviolation', (event) => console.error('violation', event.violatedDirective));
"""
"""Violations of the policy reach a page as events; this listens before the page's own script runs."""

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def artefacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots and measurements are kept: the directory in `OTTER_TEST_ARTEFACTS`, or one of pytest's."""
    named = os.environ.get("OTTER_TEST_ARTEFACTS")
    directory = Path(named) if named else tmp_path_factory.mktemp("artefacts")
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, as the system has it; a missing one fails the tests."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.fail("these tests need Chromium: apt-get install chromium, or name one in CHROMIUM", pytrace=False)
    flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


@attrs.frozen
class Opened:
    """A report in a browser.

    Attributes:
        size: bytes of the file.
        complaints: what the browser said on its console, and errors that nobody caught.
        requests: addresses that it asked for.
    """

    page: Page
    size: int
    complaints: list[str]
    requests: list[str]

    @property
    def draw_time(self) -> float:
        """Milliseconds from the beginning of the script until the first view was drawn."""
        duration: float = self.page.evaluate("performance.getEntriesByName('otter:draw')[0].duration")
        return duration

    def view(self, name: str) -> float:
        """Go to a view; the milliseconds until it was drawn."""
        self.page.get_by_role("tab", name=name).click()
        return self.until_drawn()

    def until_drawn(self) -> float:
        """Wait until the browser has drawn what changed; the milliseconds that it took."""
        script = """async () => {
          const begin = performance.now();
          await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
          return performance.now() - begin;
        }"""
        milliseconds: float = self.page.evaluate(script)
        return milliseconds

    def colours(self, selector: str) -> int:
        """How many different colours a canvas shows."""
        script = """(selector) => {
          const canvas = document.querySelector(selector);
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          return new Set(new Uint32Array(data.buffer)).size;
        }"""
        number: int = self.page.evaluate(script, selector)
        return number


Open = Callable[..., Opened]


@pytest.fixture
def open_report(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens the report on a manifest."""
    contexts = []

    def open_it(root: dict[str, Any], *, theme: str = "light", fragment: str = "") -> Opened:
        release = read_release(write(root, tmp_path / "manifest.json"))
        path = tmp_path / "report.html"
        path.write_bytes(render_report(release, release.steps))
        context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=theme)
        contexts.append(context)
        page = context.new_page()
        opened = Opened(page, path.stat().st_size, [], [])
        page.on("console", lambda message: opened.complaints.append(message.text))
        page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        page.on("request", lambda request: opened.requests.append(request.url))
        page.on("dialog", lambda dialog: opened.complaints.append(dialog.message))
        page.add_init_script(TELL_VIOLATIONS)
        page.goto(f"{path.as_uri()}{fragment}")
        page.wait_for_selector("#app[data-ready]", state="attached")
        return opened

    yield open_it
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def record(artefacts: Path) -> Iterator[Callable[..., None]]:
    """Keeps measurements in `report-measurements.json` among the artefacts."""
    rows: list[dict[str, Any]] = []
    yield lambda **row: rows.append(row)
    data = orjson.dumps(rows, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    (artefacts / "report-measurements.json").write_bytes(data)


@pytest.fixture
def browser_without_scripts(browser: Browser) -> Iterator[Page]:
    """A page in which no script may run."""
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()
