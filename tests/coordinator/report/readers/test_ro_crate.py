"""Crates, read by rocrate and judged by roc-validator, the validator of the RO-Crate community."""

# mypy: disable-error-code="import-not-found, import-untyped"
# The readers are installed for these tests only, in an environment of their own.

from __future__ import annotations

import importlib.resources
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from requests.structures import CaseInsensitiveDict
from requests_cache import CachedRequest, CachedResponse, CachedSession
from rocrate.rocrate import ROCrate
from rocrate_validator import models, services

from otter.cli import main
from otter.report import read_release
from otter.report.exports import CrateOptions, write_crate
from tests.coordinator.report.hostile import hostile_manifest
from tests.coordinator.report.manifests import manifest, write

pytestmark = pytest.mark.filterwarnings("ignore")  # what these libraries are warned of is their own affair

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
PROCESS = ["process-run-crate"]
ALL = [*PROCESS, "workflow-run-crate", "provenance-run-crate"]

PIPELINE = """\
work_path = "./work"

[[steps.demo]]
name = "find_latest table"
source = "input/*.tsv"
scratchpad_key = "newest"

[[steps.demo]]
name = "copy table"
requires = ["find_latest table"]
source = "file://${newest}"
destination = "output/table.tsv"

[[steps.demo]]
name = "copy nothing"
requires = ["copy table"]
source = "file:///nowhere"
destination = "output/nothing.tsv"
"""


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The validator's store of pages, with the context of RO-Crate 1.1 in it: nothing is fetched.

    The context is the one that rocrate ships, which is that of a later version; two names of Bioschemas, which moved
    since, are as version 1.1 has them.
    """
    path = tmp_path_factory.mktemp("cache") / "pages"
    shipped = importlib.resources.files("rocrate").joinpath("data", "ro-crate.jsonld").read_bytes()
    terms = orjson.loads(shipped)["@context"]
    for name in ("ComputationalWorkflow", "FormalParameter"):
        terms[name] = f"https://bioschemas.org/{name}"
    response = CachedResponse(
        status_code=200,
        url=CONTEXT,
        headers=CaseInsensitiveDict({"Content-Type": "application/ld+json"}),
        content=orjson.dumps({"@context": terms}),
        request=CachedRequest(method="GET", url=CONTEXT),
    )
    with CachedSession(cache_name=str(path), backend="sqlite", expire_after=-1) as session:
        key = session.cache.create_key(requests.Request("GET", CONTEXT).prepare())
        session.cache.save_response(response, cache_key=key)
    return path


def mistakes(crate: Path, profile: str, cache: Path) -> list[str]:
    """What the validator finds against the requirements of a profile."""
    settings = services.ValidationSettings(
        rocrate_uri=str(crate),
        profile_identifier=profile,
        requirement_severity=models.Severity.REQUIRED,
        offline=True,
        cache_path=str(cache),
        skip_availability_check=True,
    )
    result = services.validate(settings)
    assert result.passed() == (not result.get_issues())
    return [f"{issue.check.identifier}: {issue.message} {issue.violatingEntity}" for issue in result.get_issues()]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a real run, with files that it read and wrote, and a task that failed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work" / "input").mkdir(parents=True)
    (tmp_path / "work" / "input" / "a b.tsv").write_text("id\n1\n")
    (tmp_path / "pipeline.toml").write_text(PIPELINE)
    # In a process of its own: the browser's tests leave an event loop running in this one.
    otter = Path(sys.executable).with_name("otter")
    assert 1 == subprocess.run([otter, "run", "pipeline.toml", "--quiet"], check=False).returncode
    return tmp_path


def test_a_real_run_conforms_to_all_profiles(run: Path, cache: Path) -> None:
    """With its pipeline, the crate beside the manifest is a Process, a Workflow and a Provenance Run Crate."""
    assert 0 == main(["export", "work", "--format", "ro-crate", "--pipeline", "pipeline.toml"])
    assert {profile: [] for profile in ALL} == {profile: mistakes(run / "work", profile, cache) for profile in ALL}


def test_rocrate_reads_what_ran(run: Path) -> None:
    """The community's library finds the workflow, the actions with their results, and the files."""
    assert 0 == main(["export", "work", "--format", "ro-crate", "--pipeline", "pipeline.toml"])
    crate = ROCrate(run / "work")
    assert "pipeline.toml" == crate.mainEntity.id
    actions = {entity["name"]: entity for entity in crate.get_entities() if "instrument" in entity}
    assert ["output/table.tsv"] == [item.id for item in _several(actions["copy table"]["result"])]
    assert "http://schema.org/FailedActionStatus" == actions["copy nothing"]["actionStatus"]
    assert crate.dereference("output/table.tsv")["sha256"]


@pytest.mark.parametrize("hostile", [False, True])
def test_without_a_pipeline_it_is_a_process_run_crate(tmp_path: Path, cache: Path, hostile: bool) -> None:
    """What the manifest alone tells is enough for the first profile, whatever its texts are."""
    root = hostile_manifest() if hostile else manifest(60)
    release = read_release(write(root, tmp_path / "manifest.json"))
    write_crate(release, release.steps, tmp_path, CrateOptions())
    assert {"process-run-crate": []} == {profile: mistakes(tmp_path, profile, cache) for profile in PROCESS}


def test_this_reader_can_refuse(tmp_path: Path, cache: Path) -> None:
    """A crate whose actions have lost their instruments is refused: acceptance means something."""
    release = read_release(write(manifest(10), tmp_path / "manifest.json"))
    path = write_crate(release, release.steps, tmp_path, CrateOptions())
    path.write_bytes(path.read_bytes().replace(b'"instrument"', b'"agent"'))
    assert mistakes(tmp_path, "process-run-crate", cache)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
