"""What a disk may hold after the machine stopped: what was synced is certain, and nothing else is.

`Recorder` notes what a program does to the files below a directory. `Recorder.states` gives, for a moment of the
recording, the contents that could be found after a failure of power at that moment, as SQLite and ALICE do it:

- Names: of what was made, renamed and removed in a directory since that directory was synced, any first part is there.
- Data: of what was written to a file, or cut off it, since the file was synced, any choice is there; the last of it may
  be there by half. What is missing before something that is there reads as zeros.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

MAX_FREE = 4
"""Operations on one file of which all choices are made; of more, only some."""


@attrs.frozen
class Write:
    """Bytes written to a file."""

    inode: int
    at: int
    data: bytes


@attrs.frozen
class Cut:
    """The size of a file was set."""

    inode: int
    size: int


@attrs.frozen
class Sync:
    """All data of a file is on the disk."""

    inode: int


@attrs.frozen
class Link:
    """A name was given to a file, or to a directory, which has no number."""

    folder: Path
    name: str
    inode: int | None


@attrs.frozen
class Unlink:
    """A name was removed."""

    folder: Path
    name: str


@attrs.frozen
class Rename:
    """A file got another name in the same directory."""

    folder: Path
    before: str
    after: str


@attrs.frozen
class SyncFolder:
    """All names in a directory are on the disk."""

    folder: Path


Operation = Write | Cut | Sync | Link | Unlink | Rename | SyncFolder
State = Mapping[Path, bytes]
"""Files and their contents."""


class Recorder:
    """Notes what is done to the files below a directory, which must be empty.

    Args:
        root: the directory.
        patch: to replace functions of `os` with.
    """

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.operations: list[Operation] = []
        self._root = root
        self._files: dict[int, int] = {}
        self._folders: dict[int, Path] = {}
        self._real: dict[str, Callable[..., Any]] = {}
        for name in (
            "open",
            "close",
            "write",
            "pwrite",
            "ftruncate",
            "fsync",
            "fdatasync",
            "replace",
            "unlink",
            "mkdir",
        ):
            self._real[name] = getattr(os, name)
            patch.setattr(os, name, getattr(self, f"_{name}"))

    def _inside(self, path: Any) -> Path | None:
        found = Path(os.fspath(path)) if isinstance(path, str | os.PathLike) else None
        return found if found is not None and found.is_relative_to(self._root) else None

    def _open(self, path: Any, flags: int, *rest: Any, **named: Any) -> int:
        inside = self._inside(path)
        is_new = inside is not None and not inside.exists()
        fd: int = self._real["open"](path, flags, *rest, **named)
        if inside is None:
            return fd
        if inside.is_dir():
            self._folders[fd] = inside
            return fd
        inode = self._files[fd] = os.fstat(fd).st_ino
        if is_new:
            self.operations.append(Link(inside.parent, inside.name, inode))
        elif flags & os.O_TRUNC:
            self.operations.append(Cut(inode, 0))
        return fd

    def _close(self, fd: int) -> None:
        self._files.pop(fd, None)
        self._folders.pop(fd, None)
        self._real["close"](fd)

    def _write(self, fd: int, data: Any) -> int:
        at = os.lseek(fd, 0, os.SEEK_CUR) if fd in self._files else 0
        done: int = self._real["write"](fd, data)
        if fd in self._files:
            self.operations.append(Write(self._files[fd], at, bytes(data)[:done]))
        return done

    def _pwrite(self, fd: int, data: bytes, at: int) -> int:
        done: int = self._real["pwrite"](fd, data, at)
        if fd in self._files:
            self.operations.append(Write(self._files[fd], at, data[:done]))
        return done

    def _ftruncate(self, fd: int, size: int) -> None:
        self._real["ftruncate"](fd, size)
        if fd in self._files:
            self.operations.append(Cut(self._files[fd], size))

    def _fsync(self, fd: int) -> None:
        self._real["fsync"](fd)
        if fd in self._folders:
            self.operations.append(SyncFolder(self._folders[fd]))
        elif fd in self._files:
            self.operations.append(Sync(self._files[fd]))

    def _fdatasync(self, fd: int) -> None:
        self._real["fdatasync"](fd)
        if fd in self._files:
            self.operations.append(Sync(self._files[fd]))

    def _replace(self, before: Any, after: Any) -> None:
        self._real["replace"](before, after)
        inside = self._inside(before)
        if inside is not None:
            target = Path(after)
            assert target.parent == inside.parent, "only names of one directory change together"
            self.operations.append(Rename(inside.parent, inside.name, target.name))

    def _unlink(self, path: Any, **named: Any) -> None:
        self._real["unlink"](path, **named)
        inside = self._inside(path)
        if inside is not None:
            self.operations.append(Unlink(inside.parent, inside.name))

    def _mkdir(self, path: Any, *rest: Any, **named: Any) -> None:
        self._real["mkdir"](path, *rest, **named)
        inside = self._inside(path)
        if inside is not None:
            self.operations.append(Link(inside.parent, inside.name, None))

    def states(self, count: int) -> Iterator[State]:
        """What may be on the disk if the machine stops after the first operations."""
        done = self.operations[:count]
        folders = {one.folder for one in done if isinstance(one, Link | Unlink | Rename)}
        files = {one.inode for one in done if isinstance(one, Link) and one.inode is not None}
        contents = {inode: list(dict.fromkeys(_contents(done, inode))) for inode in files}
        for names in itertools.product(*(_names(done, folder) for folder in sorted(folders))):
            tree = dict(zip(sorted(folders), names, strict=True))
            found = dict(_reachable(tree, self._root))
            inodes = sorted(set(found.values()))
            for chosen in itertools.product(*(contents[inode] for inode in inodes)):
                data = dict(zip(inodes, chosen, strict=True))
                yield {path: data[inode] for path, inode in found.items()}


def _names(done: list[Operation], folder: Path) -> list[dict[str, int | None]]:
    """The tables of names that a directory may have."""
    table: dict[str, int | None] = {}
    free: list[dict[str, int | None]] = [{}]
    for one in done:
        match one:
            case SyncFolder(where) if where == folder:
                free = [dict(table)]
                continue
            case Link(where, name, inode) if where == folder:
                table[name] = inode
            case Unlink(where, name) if where == folder:
                table.pop(name, None)
            case Rename(where, before, after) if where == folder:
                table[after] = table.pop(before)
            case _:
                continue
        free.append(dict(table))
    return free


def _reachable(tree: Mapping[Path, Mapping[str, int | None]], folder: Path) -> Iterator[tuple[Path, int]]:
    for name, inode in tree.get(folder, {}).items():
        if inode is not None:
            yield folder / name, inode
        else:
            yield from _reachable(tree, folder / name)


def _contents(done: list[Operation], inode: int) -> Iterator[bytes]:
    """The contents that a file may have."""
    mine = [one for one in done if isinstance(one, Write | Cut | Sync) and one.inode == inode]
    synced = max((place for place, one in enumerate(mine) if isinstance(one, Sync)), default=-1) + 1
    certain = bytearray()
    for one in mine[:synced]:
        _apply(certain, one)
    free = mine[synced:]
    for kept in _choices(len(free)):
        data = bytearray(certain)
        for place in kept[:-1]:
            _apply(data, free[place])
        if kept:
            half = bytearray(data)
            last = free[kept[-1]]
            _apply(data, last)
            if isinstance(last, Write):
                _apply(half, Write(inode, last.at, last.data[: len(last.data) // 2]))
                yield bytes(half)
        yield bytes(data)


def _choices(count: int) -> Iterator[tuple[int, ...]]:
    if count <= MAX_FREE:
        for size in range(count + 1):
            yield from itertools.combinations(range(count), size)
        return
    yield from (tuple(range(first)) for first in range(count + 1))
    yield from (tuple(place for place in range(count) if place != missing) for missing in range(count))


def _apply(data: bytearray, one: Operation) -> None:
    match one:
        case Write(_, at, text):
            data.extend(bytes(max(0, at - len(data))))
            data[at : at + len(text)] = text
        case Cut(_, size):
            del data[size:]
            data.extend(bytes(size - len(data)))
