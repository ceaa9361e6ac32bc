"""Which store keeps the manifest of a release, by the scheme of the release's URI.

A release in a directory has its manifest there. For another scheme an installed package may bring a store: an entry
point of the group `otter.manifest_stores`, named as the scheme, whose value is a `StoreFactory`. Where nobody brings
one the manifest stays in the work path; whoever starts the run is told so, or refused, see `otter.core.releases`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from otter.config.model import Config, scheme_of
from otter.step.coordinator.durable import sync_way_to
from otter.step.coordinator.manifest_store import LocalManifestStore, StepEntry
from otter.step.coordinator.ports import ManifestStore
from otter.util.errors import ConfigError, failure_text
from otter.util.fs import check_dir

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "otter.manifest_stores"

Rebuild = Callable[[], dict[str, StepEntry]]
"""Gives the entries of the steps whose journals are at hand, for a manifest that is damaged."""
StoreFactory = Callable[[str, Rebuild], ManifestStore]
"""Makes the store for the release with a URI."""


def has_store(uri: str) -> bool:
    """Whether the manifest of a release can be kept in the release."""
    scheme = scheme_of(uri)
    return scheme == "file" or _installed(scheme) is not None


def store_for(config: Config, rebuild: Rebuild) -> ManifestStore:
    """The store for the manifest of a run: in the release where that can be, otherwise in the work path.

    Raises:
        FSError: the directory of the release cannot be made, or cannot be written to.
        ConfigError: the store that an installed package brings cannot be made.
    """
    directory = config.release_directory
    if directory is None:
        assert config.release_uri is not None, "what is in no directory has a URI"
        entry = _installed(scheme_of(config.release_uri))
        if entry is not None:
            return _made(entry, config.release_uri, rebuild)
        directory = config.work_path
    root = check_dir(directory.absolute())
    sync_way_to(root, 1)
    return LocalManifestStore(root, rebuild)


def _made(entry: EntryPoint, uri: str, rebuild: Rebuild) -> ManifestStore:
    try:
        factory: StoreFactory = entry.load()
        return factory(uri, rebuild)
    except Exception as error:
        raise ConfigError(f"the store for manifests at {uri} ({entry.value}): {failure_text(error)}") from error


def _installed(scheme: str) -> EntryPoint | None:
    from importlib.metadata import entry_points  # it looks at every installed package, and most releases need none

    return next(iter(entry_points(group=GROUP, name=scheme)), None)
