"""What the two storage handles have in common: where they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from otter.storage.location import is_absolute, relative_to_root, resolve, shown

if TYPE_CHECKING:
    from otter.config.model import Config


class Handle:
    """A location, resolved.

    Args:
        location: a URL, an absolute path, or a path relative to the release;
            `otter.storage.location` has the rules.
        config: needed for relative locations.
        force_local: take the local side of a location that may be in the release or under the work
            path.

    Raises:
        ValueError: the location is relative, and there is no config.
        StorageError: the location would leave its root, or its scheme is unknown.
    """

    def __init__(self, location: str | Path, config: Config | None = None, force_local: bool = False) -> None:
        self.location = str(location)
        self.config = config
        self.force_local = force_local
        self.resolved = resolve(location, config, force_local)

    @property
    def absolute(self) -> str:
        """The absolute location: a path, or a URL."""
        return self.resolved.absolute

    @property
    def is_absolute(self) -> bool:
        """Whether the location was given as an absolute one."""
        return is_absolute(self.location)

    @property
    def relative(self) -> str:
        """The path relative to `work_path` or `release_uri`.

        Raises:
            ValueError: there is no config.
            StorageError: the location is in neither.
        """
        if self.config is None:
            raise ValueError(f"{self.absolute}: a config must say relative to what")
        return relative_to_root(self.absolute, self.config)

    @property
    def shown(self) -> str:
        """The absolute location as logs and manifests may show it: without a password."""
        return shown(self.absolute)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.shown!r})"
