"""OpenLineage events, rebuilt with the classes that the OpenLineage project generates from its specification."""

# mypy: disable-error-code="import-not-found, import-untyped"
# The readers are installed for these tests only, in an environment of their own.

from __future__ import annotations

import importlib
import pkgutil
import re
import typing
from pathlib import Path
from typing import Any

import attr
import orjson
import pytest
from openlineage.client import event_v2, facet_v2, generated
from openlineage.client.naming import dataset as naming
from openlineage.client.serde import Serde

from otter.report import read_release
from otter.report.exports import lineage_events
from otter.report.exports.openlineage import dataset_name
from otter.report.locations import Location
from tests.coordinator.report.hostile import hostile_manifest
from tests.coordinator.report.manifests import manifest, write

REVISION = re.compile(r"/\d+-\d+-\d+/")


def facet_classes() -> dict[str, Any]:
    """The classes of all facets, by the address of their schema without its revision."""
    modules = [
        importlib.import_module(f"{generated.__name__}.{found.name}")
        for found in pkgutil.iter_modules(generated.__path__)
    ]
    values: list[Any] = [value for module in modules for value in vars(module).values() if isinstance(value, type)]
    classes = [value for value in values if issubclass(value, facet_v2.BaseFacet)]
    # The only way from a class to its schema without making an object.
    return {REVISION.sub("/", cls._get_schema()): cls for cls in classes}


FACETS = facet_classes()


def rebuilt(cls: Any, value: Any) -> Any:
    """An object of a class of the client: it refuses fields that are missing, unknown or malformed."""
    if not attr.has(cls):
        return value
    hints = typing.get_type_hints(cls)
    arguments = {}
    for name, item in value.items():
        if name in ("_schemaURL", "schemaURL"):
            continue
        if name in ("facets", "inputFacets", "outputFacets"):
            arguments[name] = {key: rebuilt(FACETS[REVISION.sub("/", f["_schemaURL"])], f) for key, f in item.items()}
        else:
            arguments[name.removeprefix("_") if name == "_producer" else name] = _field(hints.get(name), item)
    return cls(**arguments)


def _field(hint: Any, item: Any) -> Any:
    options = [option for option in typing.get_args(hint) if option is not type(None)] or [hint]
    if isinstance(item, list):
        (inner,) = typing.get_args(next(option for option in options if typing.get_origin(option) is list)) or (None,)
        return [rebuilt(inner, entry) for entry in item]
    kind = next((option for option in options if isinstance(option, type)), None)
    if isinstance(kind, type) and issubclass(kind, event_v2.RunState):
        return kind(item)
    return rebuilt(kind, item) if isinstance(item, dict) else item


def without_revisions(value: Any) -> Any:
    """A value in which the addresses of schemas have no revision, and nothing is empty."""
    if isinstance(value, dict):
        return {k: without_revisions(v) for k, v in value.items() if v not in ({}, [], None)}
    if isinstance(value, list):
        return [without_revisions(item) for item in value]
    return REVISION.sub("/", value) if isinstance(value, str) and "openlineage.io" in value else value


@pytest.mark.parametrize("hostile", [False, True])
def test_the_client_writes_the_same_events(tmp_path: Path, hostile: bool) -> None:
    """Each event is accepted field by field, and the client's own JSON of it is equal to ours."""
    root = hostile_manifest() if hostile else manifest(300)
    release = read_release(write(root, tmp_path / "manifest.json"))
    events = lineage_events(release, release.steps)
    assert events
    for event in events:
        theirs = orjson.loads(Serde.to_json(rebuilt(event_v2.RunEvent, event)))
        assert without_revisions(theirs) == without_revisions(orjson.loads(orjson.dumps(event)))


@pytest.mark.parametrize("event", ["eventTime", "run", "job"])
def test_this_reader_can_refuse(tmp_path: Path, event: str) -> None:
    """An event without a field that the specification requires is refused: acceptance means something."""
    release = read_release(write(manifest(10), tmp_path / "manifest.json"))
    broken = {name: value for name, value in lineage_events(release, release.steps)[0].items() if name != event}
    with pytest.raises(TypeError):
        rebuilt(event_v2.RunEvent, broken)


@pytest.mark.parametrize(
    ("text", "theirs"),
    [
        ("s3://bucket/a/b.parquet", naming.S3("bucket", "a/b.parquet")),
        ("gs://bucket/a/b.parquet", naming.GCS("bucket", "a/b.parquet")),
    ],
)
def test_data_sets_are_named_by_the_rules(text: str, theirs: Any) -> None:
    """Namespaces and names of objects in stores are those of the client."""
    assert (theirs.get_namespace(), theirs.get_name()) == dataset_name(Location(text))


def test_local_files_are_named_by_the_rules() -> None:
    """So are those of local files."""
    assert ("file", "/srv/a.tsv") == dataset_name(Location("a.tsv", Path("/srv/a.tsv")))
