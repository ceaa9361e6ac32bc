"""The report in a browser: it draws, filters and zooms, whatever its size, and no text of a manifest does anything."""

# mypy: disable-error-code="import-not-found, import-untyped"
# The readers are installed for these tests only, in an environment of their own.

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.coordinator.report.hostile import SCRIPTS, hostile_manifest
from tests.coordinator.report.manifests import HOST, manifest
from tests.coordinator.report.readers.conftest import Open, Opened

VIEWS = ("Overview", "Timeline", "Graph", "Tasks")


def rows(page: Page) -> list[str]:
    """The names in the visible rows of the table, from the top."""
    script = """() => [...document.querySelectorAll('.row:not([hidden])')]
        .sort((a, b) => a.ariaRowIndex - b.ariaRowIndex).map((row) => row.querySelector('.name').textContent)"""
    found: list[str] = page.evaluate(script)
    return found


def search(opened: Opened, words: str) -> None:
    """Type words into the filter, and wait until they are obeyed."""
    opened.page.get_by_role("searchbox").fill(words)
    opened.page.wait_for_function(
        "(words) => new URLSearchParams(location.hash.slice(1)).get('q') === (words || null)", arg=words
    )
    opened.until_drawn()


@pytest.mark.parametrize("count", [10, 1_000, 10_000, 100_000])
def test_draws_filters_and_zooms(count: int, open_report: Open, artefacts: Path, record: Callable[..., None]) -> None:
    """With ten tasks and with a hundred thousand: each view is drawn, the filter filters, the timeline zooms."""
    root = manifest(count, workers=8 if count > 1000 else 3, rows=4 if count > 1000 else 1)
    entries = root["steps"]["otter_species"]["tasks"]
    opened = open_report(root)
    page = opened.page
    times = {"first": opened.draw_time}
    for view in VIEWS:
        times[view] = opened.view(view)
        page.screenshot(path=artefacts / f"report-{count}-{view.lower()}.png")
    assert f"{len(entries):,}" in page.get_by_role("tab", name="Tasks").inner_text()

    search(opened, "type:copy")
    wanted = {entry["name"] for entry in entries if entry["name"].startswith("copy ")}
    assert set(rows(page)) <= wanted
    assert f"{len(wanted):,} of {len(entries):,}" == page.locator(".filter-count").inner_text()
    search(opened, "")

    opened.view("Timeline")
    assert opened.colours(".timeline-canvas") > 5
    whole = page.locator(".timeline .range").inner_text()
    page.mouse.move(700, 300)
    page.mouse.wheel(0, -400)
    expect(page.locator(".timeline .range")).not_to_have_text(whole)
    times["zoom"] = opened.until_drawn()
    page.screenshot(path=artefacts / f"report-{count}-zoomed.png")
    page.get_by_role("button", name="Fit").click()
    expect(page.locator(".timeline .range")).to_have_text(whole)

    opened.view("Graph")
    assert opened.colours(".graph-canvas") > 5
    assert [] == opened.complaints
    rounded = {name: round(milliseconds, 1) for name, milliseconds in times.items()}
    record(tasks=len(entries), bytes=opened.size, milliseconds=rounded)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_light_and_dark(theme: str, open_report: Open, artefacts: Path) -> None:
    """The page takes the system's scheme, and the reader may choose another."""
    opened = open_report(manifest(1000), theme=theme)
    html = opened.page.locator("html")
    expect(html).to_have_attribute("data-theme", theme)
    for view in VIEWS:
        opened.view(view)
        opened.page.screenshot(path=artefacts / f"report-{theme}-{view.lower()}.png")
    button = opened.page.get_by_role("button", name="Colours")
    button.click()
    expect(html).to_have_attribute("data-theme", "light")
    button.click()
    expect(html).to_have_attribute("data-theme", "dark")


def test_failures_are_grouped(open_report: Open) -> None:
    """A cause names its host or place, how many tasks it failed and how many it blocks, and leads to these tasks."""
    root = manifest(1000)
    entries = root["steps"]["otter_species"]["tasks"]
    by_host = {e["name"] for e in entries if e["result"] == "failure" and HOST in e["failure_reason"]}
    page = open_report(root).page
    cause = page.locator(".cause", has_text=HOST)
    expect(cause.locator(".blocks")).to_have_text(re.compile(r"blocks \d+ tasks"))
    expect(page.locator(".cause", has_text="KeyError")).to_contain_text("transform.py:131, in convert")
    cause.get_by_role("button", name=f"{len(by_host)} tasks").click()
    expect(page.get_by_role("tab", name="Tasks")).to_have_attribute("aria-selected", "true")
    assert by_host == set(rows(page))


def test_a_task_is_shown_with_attempts_artifacts_and_log(open_report: Open, artefacts: Path) -> None:
    """What is recorded of a task is there when it is chosen; its requirements lead on."""
    root = manifest(1000)
    entries = root["steps"]["otter_species"]["tasks"]
    entry = next(
        e for e in entries if len(e.get("attempts", ())) > 1 and e["result"] == "success" and e.get("requires")
    )
    opened = open_report(root)
    opened.view("Tasks")
    search(opened, f'name:"{entry["name"].lower()}"')
    opened.page.locator(".row").first.click()
    drawer = opened.page.get_by_role("complementary", name="Task")
    expect(drawer.get_by_role("heading", level=2)).to_have_text(entry["name"])
    expect(drawer.locator(".attempts > li")).to_have_count(len(entry["attempts"]))
    expect(drawer.locator(".log").last).to_contain_text(f"begin {entry['name']}")
    expect(drawer.locator(".artifact")).to_contain_text(entry["artifacts"][0]["files"][0]["sha256"])
    opened.page.screenshot(path=artefacts / "report-task.png")
    drawer.get_by_role("button", name=entry["requires"][0]).click()
    expect(drawer.get_by_role("heading", level=2)).to_have_text(entry["requires"][0])


def test_the_table_is_sorted_and_scrolled(open_report: Open) -> None:
    """A title sorts; ten thousand rows scroll although few of them exist."""
    root = manifest(10_000, workers=8, rows=4)
    entries = root["steps"]["otter_species"]["tasks"]
    opened = open_report(root)
    opened.view("Tasks")
    page = opened.page
    page.get_by_role("columnheader", name="Took").get_by_role("button").click()
    opened.until_drawn()
    slowest = sorted(entries, key=lambda entry: -(entry["elapsed"] or -1))
    assert [entry["name"] for entry in slowest[:10]] == rows(page)[:10]
    assert page.locator(".row").count() < 100
    page.locator(".table-viewport").evaluate("(box) => { box.scrollTop = box.scrollHeight; }")
    expect(page.locator(f".row[aria-rowindex='{len(entries) + 1}']")).to_be_visible()


def test_the_timeline_names_what_is_under_the_pointer_and_pans(open_report: Open) -> None:
    """A bar says what it is; dragging moves the stretch of time that is shown; a click chooses the task."""
    opened = open_report(manifest(10, failing=False, workers=1))
    opened.view("Timeline")
    page = opened.page
    box = page.locator(".timeline-canvas").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 26 + 5 + 10
    page.mouse.move(x, y)
    tip = page.get_by_role("tooltip")
    expect(tip).to_be_visible()
    name = tip.locator(".tip-name").inner_text()
    page.mouse.wheel(0, -200)
    shown = page.locator(".timeline .range").inner_text()
    page.mouse.move(x, y + 200)
    page.mouse.down()
    page.mouse.move(x - 120, y + 200, steps=4)
    page.mouse.up()
    expect(page.locator(".timeline .range")).not_to_have_text(shown)
    page.get_by_role("button", name="Fit").click()
    page.mouse.click(x, y)
    expect(page.get_by_role("complementary", name="Task").get_by_role("heading", level=2)).to_have_text(name)


def test_groups_of_the_graph_can_be_taken_apart(open_report: Open, artefacts: Path) -> None:
    """Tasks that play the same part are one node; each of them is one when the reader asks for it."""
    opened = open_report(manifest(200))
    opened.view("Graph")
    page = opened.page
    summary = page.locator(".graph .range")
    expect(summary).to_have_text("7 nodes, 6 edges")
    page.locator(".toolbar").get_by_role("button", name="Tasks").click()
    expect(summary).to_have_text(re.compile(r"^200 nodes"))
    opened.until_drawn()
    page.screenshot(path=artefacts / "report-graph-tasks.png")


def test_the_filter_says_what_it_does_not_understand(open_report: Open) -> None:
    """A word that means nothing is named with what would be right, and the other words are obeyed."""
    opened = open_report(manifest(100))
    opened.view("Tasks")
    search(opened, "took>soon type:check")
    expect(opened.page.locator(".help .problem")).to_contain_text("took>soon: a number with a unit of")
    assert all(name.startswith("check ") for name in rows(opened.page))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("result:failed", lambda e: e["result"] == "failure"),
        ("is:blocked", lambda e: "blocked_by" in e),
        ("is:retried -type:check", lambda e: len(e.get("attempts", ())) > 1 and not e["name"].startswith("check")),
        ("took>2s worker:1", lambda e: (e["elapsed"] or 0) > 2 and any(a["worker"] == 1 for a in e["attempts"])),
        ('by:"explode species" name:transform', lambda e: e["name"].startswith("transform")),
        ("attempts>=2", lambda e: len(e.get("attempts", ())) >= 2),
    ],
)
def test_what_the_filter_understands(words: str, expected: Callable[..., bool], open_report: Open) -> None:
    """Every kind of word leaves the tasks that the manifest says it should."""
    root = manifest(400)
    opened = open_report(root)
    opened.view("Tasks")
    search(opened, words)
    wanted = [entry["name"] for entry in root["steps"]["otter_species"]["tasks"] if expected(entry)]
    assert wanted
    assert f"{len(wanted)} of 398" == opened.page.locator(".filter-count").inner_text()
    assert set(rows(opened.page)) <= set(wanted)


def test_the_address_keeps_what_is_shown(open_report: Open) -> None:
    """View, filter and task stand in the address, and come back with it."""
    opened = open_report(manifest(50), fragment="#view=tasks&q=type%3Agather&task=gather+counts")
    page = opened.page
    expect(page.get_by_role("tab", name="Tasks")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("searchbox")).to_have_value("type:gather")
    heading = page.get_by_role("complementary", name="Task").get_by_role("heading", level=2)
    expect(heading).to_have_text("gather counts")
    page.keyboard.press("2")
    expect(page.get_by_role("tab", name="Timeline")).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(page.get_by_role("tab", name="Tasks")).to_have_attribute("aria-selected", "true")


def test_hostile_texts_stay_texts(open_report: Open, artefacts: Path) -> None:
    """Whatever is opened, no script of a name or a log runs, the policy is never hit, and nothing is asked for."""
    opened = open_report(hostile_manifest())
    page = opened.page
    for view in VIEWS:
        opened.view(view)
        page.mouse.move(700, 320)
        page.screenshot(path=artefacts / f"report-hostile-{view.lower()}.png")
    for _ in range(len(SCRIPTS)):
        page.locator(".table-viewport").press("ArrowDown")
        expect(page.locator(".drawer .log").last).to_contain_text("in a log")
    allowed = {"HTML", "HEAD", "META", "TITLE", "STYLE", "BODY", "SCRIPT"}
    made = page.evaluate("[...document.querySelectorAll('img, svg, iframe, object, a, form')].map((e) => e.tagName)")
    assert [] == made
    assert 0 == page.evaluate("document.querySelectorAll('#app script').length")
    assert page.evaluate("window.harmed") is None
    assert [] == opened.complaints
    assert 1 == len(opened.requests)
    assert allowed <= set(page.evaluate("[...document.querySelectorAll('*')].map((e) => e.tagName)"))


def test_direction_and_control_characters_are_seen(open_report: Open) -> None:
    """A name cannot turn the text around it."""
    root = manifest(10)
    root["steps"]["otter_species"]["tasks"][0]["name"] = "copy \u202egnp.exe\x07"
    opened = open_report(root)
    opened.view("Tasks")
    assert "copy \\u202egnp.exe\\u0007" in rows(opened.page)


def test_the_policy_holds(open_report: Open) -> None:
    """The browser obeys the policy: what is not the page's own script does not run, and texts cannot become markup."""
    opened = open_report(manifest(5))
    script = """() => {
      const element = document.createElement('script');
      try { element.text = 'window.harmed = 1'; document.body.append(element); } catch (error) { return error.name; }
      return 'ran';
    }"""
    assert "TypeError" == opened.page.evaluate(script)
    assert "TypeError" == opened.page.evaluate(
        "() => { try { document.body.innerHTML = '<b>'; } catch (e) { return e.name; } }"
    )
    assert opened.page.evaluate("window.harmed") is None


def test_without_scripts_the_verdict_is_there(browser_without_scripts: Page, open_report: Open, tmp_path: Path) -> None:
    """Where no script may run, the page says in a sentence how the step ended."""
    open_report(manifest(50))
    browser_without_scripts.goto((tmp_path / "report.html").as_uri())
    text = browser_without_scripts.locator("noscript").inner_text()
    assert re.match(r"otter_species: (failure|success) in", text)


@pytest.mark.parametrize("key", ["+", "-", "ArrowRight"])
def test_the_timeline_obeys_keys(key: str, open_report: Open) -> None:
    """Zooming and moving need no mouse."""
    opened = open_report(manifest(100))
    opened.view("Timeline")
    canvas = opened.page.locator(".timeline-canvas")
    canvas.press("+")
    shown = opened.page.locator(".timeline .range").inner_text()
    canvas.press(key)
    expect(opened.page.locator(".timeline .range")).not_to_have_text(shown)
