"""From what a task says to where it is, and the roots that a location may not leave.

1. A URL or an absolute path is used as it is.
2. A relative location belongs to `release_uri` if there is one and the caller does not force it to
   be local, otherwise to `work_path`.
3. Forced to be local, a location under `release_uri` is mapped to the same place under `work_path`.

What is given relative to a root or under it must stay there: `..` is resolved here, by components,
and symbolic links when the location is opened. Prefixes are compared by component: `/work2` is not
under `/work`.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from otter.storage.model import Location
from otter.util.errors import StorageError

if TYPE_CHECKING:
    from otter.config.model import Config

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_PASSWORD = re.compile(r"(?<=//)([^/?#@:]*):[^/?#@]*@")
_HTTP = frozenset({"http", "https"})
"""Schemes whose paths are percent-encoded, and may be followed by a query."""


def resolve(location: str | Path, config: Config | None = None, force_local: bool = False) -> Location:
    """Where a location is.

    Args:
        location: a URL, an absolute path, or a path relative to the release.
        config: gives `work_path` and `release_uri`.
        force_local: see the rules of this module.

    Raises:
        ValueError: the location is relative, and there is no config.
        StorageError: the location would leave its root or is no location at all, or a URL was
            forced to be local without a config that says where that is.
    """
    text = _without_nul(str(location))
    work, release = _roots(config)
    if not is_absolute(text):
        if work is None:
            raise ValueError(f"{text!r} is a relative location: a config must say to what")
        root = work if force_local or release is None else release
        return _join(root, _contained(text, root, _normalised(text.split("/"))))
    given = _local_path(text)
    if force_local and work is None and scheme_of(given) != "file":
        raise StorageError(f"{given}: only a config can tell where this is locally")
    inside = [(root, parts) for root in (release, work) if root and (parts := below(given, root)) is not None]
    if not inside:
        return Location(given, scheme_of(given))
    root, parts = max(inside, key=lambda pair: len(pair[0]))  # one root may lie within the other
    _contained(text, root, parts)
    if force_local and work is not None and root == release:
        return _join(work, parts)
    if scheme_of(root) == "file":
        return _join(root, parts)
    return Location(given, scheme_of(root), root, parts)


def relative_to_root(absolute: str, config: Config) -> str:
    """A resolved location as a path relative to `work_path` or to `release_uri`.

    Raises:
        StorageError: it is in neither.
    """
    work, release = _roots(config)
    for root in (work, release):
        parts = below(absolute, root) if root else None
        if parts is not None and ".." not in parts:
            return "/".join(parts)
    raise StorageError(f"{absolute} is neither in the work path {work} nor in the release {release}")


def is_absolute(location: str) -> bool:
    """Whether a location is a URL or an absolute path."""
    return location.startswith("/") or _SCHEME.match(location) is not None


def shown(location: str) -> str:
    """A location as messages and manifests show it: a URL without its password."""
    return _PASSWORD.sub(r"\1:***@", location) if "@" in location else location


def scheme_of(absolute: str) -> str:
    """The scheme of an absolute location in lower case; `file` for a path."""
    match = _SCHEME.match(absolute)
    return match[1].lower() if match else "file"


def below(absolute: str, root: str) -> tuple[str, ...] | None:
    """The normalised, decoded path components of a location below a root; none if it is not.

    A location that is spelt as being below the root is taken at its word, so that one which then
    leaves it through `..` is caught: its components begin with `..`.
    """
    scheme = scheme_of(root)
    if scheme != scheme_of(absolute):
        return None
    base, parts = _components(root, scheme), _components(absolute, scheme)
    if parts[: len(base)] != base:
        parts = list(_normalised(parts))
        if parts[: len(base)] != base:
            return None
    return _normalised(parts[len(base) :])


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise StorageError(f"{text!r} is not a location: it contains a NUL character")
    return text


def _roots(config: Config | None) -> tuple[str | None, str | None]:
    """`work_path` and `release_uri`, absolute."""
    if config is None:
        return None, None
    release = _local_path(config.release_uri) if config.release_uri else None
    if release is not None and scheme_of(release) == "file":
        release = _absolute(release)
    return _absolute(str(config.work_path)), release


def _absolute(path: str) -> str:
    return _normal(path) if path.startswith("/") else os.path.abspath(path)


_normal = functools.lru_cache(maxsize=64)(os.path.normpath)
"""The few paths that are roots are asked for again and again."""


def _local_path(location: str) -> str:
    """A `file:` URL as the path that it names; anything else as it is."""
    match = _SCHEME.match(location)
    if match is None or match[1].lower() != "file":
        return location
    from urllib.parse import unquote

    host, slash, path = location[match.end() :].partition("/")
    if host not in ("", "localhost") or not slash:
        raise StorageError(f"{location}: a file URL is file:/// and an absolute path")
    return _without_nul(unquote(f"/{path}"))


def _components(absolute: str, scheme: str) -> list[str]:
    """Host and decoded path components of an absolute location."""
    rest = _SCHEME.sub("", absolute, count=1)
    if scheme in _HTTP:
        from urllib.parse import unquote

        host, slash, path = re.split("[?#]", rest, maxsplit=1)[0].partition("/")
        rest = host.lower() + slash + _without_nul(unquote(path))  # "%2f" may hide a separator, "%2e" a dot
    return [part for part in rest.split("/") if part not in ("", ".")]


def _normalised(parts: Iterable[str]) -> tuple[str, ...]:
    """Components without `.`, with `..` resolved; a `..` that leads out of them stays in front."""
    done: list[str] = []
    for part in parts:
        if part == ".." and done and done[-1] != "..":
            done.pop()
        elif part not in ("", "."):
            done.append(part)
    return tuple(done)


def _contained(text: str, root: str, parts: tuple[str, ...]) -> tuple[str, ...]:
    if ".." in parts:
        raise StorageError(f"{text!r} leaves {root}")
    return parts


def _join(root: str, parts: tuple[str, ...]) -> Location:
    scheme = scheme_of(root)
    names: Iterable[str] = parts
    if scheme in _HTTP:
        from urllib.parse import quote

        # A relative location is a path: "?", "#" and "%" in it are letters of a name.
        names = (quote(part, safe="!$&'()*+,;=:@~") for part in parts)
    return Location("/".join((root.rstrip("/"), *names)) if parts else root, scheme, root, parts)
