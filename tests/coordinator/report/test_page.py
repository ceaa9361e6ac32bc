"""The page as a file: what it holds, and what no text can do to it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otter.report import read_release, render_report
from otter.report.bundle import script, style
from otter.report.details import CHUNK_TASKS, pack_details
from otter.report.page import escape_json
from tests.coordinator.report.hostile import hostile_manifest
from tests.coordinator.report.manifests import manifest, write


class Parsed(HTMLParser):
    """What a parser of HTML sees: elements with their attributes and texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[int, str] = {}
        self._inside = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.elements.append((tag, dict(attrs)))
        self._inside = True

    def handle_endtag(self, tag: str) -> None:
        """What follows is no text of the element."""
        self._inside = False

    def handle_data(self, data: str) -> None:
        """Text of the element that began last."""
        if self._inside:
            place = len(self.elements) - 1
            self.texts[place] = self.texts.get(place, "") + data

    def text(self, tag: str, **attributes: str) -> str:
        """The text of the first element with a tag and attributes."""
        for place, (name, found) in enumerate(self.elements):
            if name == tag and attributes.items() <= found.items():
                return self.texts.get(place, "")
        raise AssertionError(f"no <{tag}> with {attributes}")


def page_of(tmp_path: Path, root: Any, **options: int) -> Parsed:
    """The page about a manifest."""
    release = read_release(write(root, tmp_path / "manifest.json"))
    return Parsed(render_report(release, release.steps, **options).decode())


def report_of(page: Parsed) -> Any:
    """The data in a page."""
    return orjson.loads(page.text("script", id="report"))


def test_the_columns_say_what_the_manifest_says(tmp_path: Path) -> None:
    """Names, results, edges, attempts and reasons reach the page."""
    root = manifest(120)
    entries = root["steps"]["otter_species"]["tasks"]
    (step,) = report_of(page_of(tmp_path, root))["steps"]
    tasks = step["tasks"]
    assert [entry["name"] for entry in entries] == tasks["name"]
    assert "".join(entry["result"][0] for entry in entries) == tasks["result"]
    assert [(entry["failure_reason"] or "") for entry in entries] == [
        step["texts"][place] if place >= 0 else "" for place in tasks["reason"]
    ]
    assert sum(len(entry.get("attempts", ())) for entry in entries) == len(step["attempts"]["task"])
    assert sum(1 for entry in entries if "blocked_by" in entry) == sum(1 for place in tasks["blocker"] if place >= 0)
    assert sum(1 for entry in entries if entry["result"] == "failure") == sum(len(c["tasks"]) for c in step["causes"])


def test_the_details_of_every_task_are_packed(tmp_path: Path) -> None:
    """Logs and artifacts are in chunks, each for so many tasks in order."""
    root = manifest(CHUNK_TASKS * 2)
    entries = root["steps"]["otter_species"]["tasks"]
    page = page_of(tmp_path, root)
    rows = []
    for number in range(report_of(page)["steps"][0]["chunks"]):
        packed = page.text("script", id=f"details-0-{number}")
        rows += orjson.loads(gzip.decompress(base64.b64decode(packed)))
    assert [entry["log"] for entry in entries] == [row["log"] for row in rows]
    assert [entry["artifacts"] for entry in entries] == [row.get("artifacts", []) for row in rows]


def test_only_what_went_wrong_keeps_its_log_beyond_the_budget(tmp_path: Path) -> None:
    """With too many logs, those of failed and repeated tasks stay; how many others are left out is said."""
    release = read_release(write(manifest(300), tmp_path / "manifest.json"))
    tasks = release.steps[0].tasks
    wrong = [place for place, task in enumerate(tasks) if task.result.value != "success" or len(task.attempts) > 1]
    budget = sum(len(orjson.dumps({"log": tasks[place].log, "traceback": tasks[place].traceback})) for place in wrong)
    details = pack_details(tasks, budget)
    rows = [row for chunk in details.chunks for row in orjson.loads(gzip.decompress(base64.b64decode(chunk)))]
    assert wrong == [place for place, row in enumerate(rows) if "log" in row]
    assert sum(bool(tasks[place].log) for place in range(len(tasks)) if place not in wrong) == details.left_out


def test_a_manifest_without_steps_has_a_page(tmp_path: Path) -> None:
    """Even where there is nothing to show."""
    assert [] == report_of(page_of(tmp_path, {"steps": {}}))["steps"]


def test_the_policy_allows_this_script_and_this_style_and_nothing_else(tmp_path: Path) -> None:
    """Everything is denied but one script and one style sheet, by their digests."""
    page = page_of(tmp_path, manifest(5))
    (policy,) = [
        found["content"]
        for tag, found in page.elements
        if tag == "meta" and found.get("http-equiv") == "Content-Security-Policy"
    ]
    allowed = dict(part.strip().partition(" ")[::2] for part in str(policy).split(";"))
    running = [page.texts[at] for at, (tag, found) in enumerate(page.elements) if tag == "script" and not found]
    styles = [page.texts[at] for at, (tag, _) in enumerate(page.elements) if tag == "style"]
    assert {
        "default-src": "'none'",
        "script-src": " ".join(map(digest, running)),
        "style-src": " ".join(map(digest, styles)),
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    } == allowed
    assert ([script()], [style()]) == (running, styles)


def digest(text: str) -> str:
    """The digest of a text as a content security policy has it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_page_refers_to_nothing(tmp_path: Path) -> None:
    """No element loads anything, and the style sheet has no address either."""
    page = page_of(tmp_path, manifest(5))
    loading = {"src", "href", "data", "action", "srcset", "poster", "background"}
    assert [] == [found for _, found in page.elements if loading & found.keys()]
    assert "url(" not in style()
    assert "@import" not in style()


def test_hostile_texts_make_no_element(tmp_path: Path) -> None:
    """The elements of a page are the same whatever the manifest says, and what it says is read back equal."""
    root = hostile_manifest()
    page = page_of(tmp_path, root)
    kinds = ["html", "head", "meta", "meta", "meta", "meta", "meta", "title", "style", "body", "div", "noscript"]
    assert kinds == [tag for tag, _ in page.elements][: len(kinds)]
    rest = [tag for tag, _ in page.elements][len(kinds) :]
    assert ["p"] * 2 + ["script"] * (len(rest) - 2) == rest
    assert len(rest) - 2 == sum(step["chunks"] for step in report_of(page)["steps"]) + 2
    assert [task["name"] for task in next(iter(root["steps"].values()))["tasks"]] == report_of(page)["steps"][0][
        "tasks"
    ]["name"]
    assert next(iter(root["steps"])) in html.unescape(page.text("title"))


@given(
    st.recursive(
        st.text() | st.integers(-(2**53), 2**53), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_escaped_json_reads_back_equal(value: Any) -> None:
    """It has no character that ends a script element or a line of a script."""
    text = escape_json(value)
    assert value == orjson.loads(text)
    assert not set("<>&\u2028\u2029") & set(text)


def test_the_script_ends_where_its_element_ends() -> None:
    """Nothing in script or style could end its own element."""
    assert not re.search(r"</script|<!--", script(), re.IGNORECASE)
    assert not re.search(r"</style|<!--", style(), re.IGNORECASE)
    assert "\r" not in script() + style()


@pytest.mark.parametrize(
    "forbidden", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("]
)
def test_the_script_makes_text_nodes_only(forbidden: str) -> None:
    """No way of parsing a text as markup or as code is used."""
    assert forbidden not in script()
