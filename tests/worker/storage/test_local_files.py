"""Local files through both handles: reading, writing, copying, deleting, listing."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otter.storage import ABSENT
from otter.storage.asynchronous.handle import AsyncStorageHandle
from otter.storage.part_file import PartFile
from otter.storage.synchronous.handle import StorageHandle
from otter.util.errors import CopyError, NotFoundError, PreconditionFailedError, StorageError

Call = Callable[..., Any]


def blocking(location: Any, method: str, *args: Any, **named: Any) -> Any:
    return getattr(StorageHandle(location), method)(*args, **named)


def with_coroutines(location: Any, method: str, *args: Any, **named: Any) -> Any:
    async def main() -> Any:
        return await getattr(AsyncStorageHandle(location), method)(*args, **named)

    return asyncio.run(main())


both = pytest.mark.parametrize("call", [blocking, with_coroutines])


@both
def test_what_is_written_is_read(call: Call, tmp_path: Path) -> None:
    """Missing directories are made, and the revision is that of what was written."""
    file = tmp_path / "a/b/c.txt"
    revision = call(file, "write_text", "grüße")
    assert ("grüße", revision) == call(file, "read_text")
    assert ("grüße".encode(), revision) == call(file, "read")
    assert ["c.txt"] == os.listdir(file.parent)


@both
def test_another_encoding_can_be_asked_for(call: Call, tmp_path: Path) -> None:
    """For reading and for writing."""
    call(tmp_path / "x", "write_text", "ü", encoding="latin-1")
    assert b"\xfc" == (tmp_path / "x").read_bytes()
    assert "ü" == call(tmp_path / "x", "read_text", encoding="latin-1")[0]


@both
def test_stat_tells_size_kind_and_time(call: Call, tmp_path: Path) -> None:
    """Of files and of directories."""
    (tmp_path / "x").write_bytes(b"12345")
    os.utime(tmp_path / "x", (1000, 1000))
    found = call(tmp_path / "x", "stat")
    assert (5, 1000.0, True, False) == (found.size, found.mtime, found.is_reg, found.is_dir)
    assert call(tmp_path, "stat").is_dir


@both
@pytest.mark.parametrize("method", ["stat", "read", "read_text"])
def test_what_is_missing_is_not_found(call: Call, method: str, tmp_path: Path) -> None:
    """The error names the location."""
    with pytest.raises(NotFoundError, match=f"{tmp_path}/nothing: there is no such file"):
        call(tmp_path / "nothing", method)


@both
def test_errors_of_the_system_name_the_location_and_say_why(call: Call, tmp_path: Path) -> None:
    """A component that is a file, a name that is too long, a directory in the way."""
    (tmp_path / "file").touch()
    (tmp_path / "directory/x").mkdir(parents=True)
    with pytest.raises(StorageError, match=rf"{tmp_path}/file/x: .*(Not a directory|File exists)"):
        call(tmp_path / "file/x", "write", b"")
    with pytest.raises(StorageError, match="File name too long"):
        call(tmp_path / ("n" * 5000), "write", b"")
    with pytest.raises(StorageError, match=f"{tmp_path}/directory: Is a directory"):
        call(tmp_path / "directory", "write", b"")
    with pytest.raises(StorageError, match=f"{tmp_path}/directory is a directory"):
        call(tmp_path / "directory", "read")
    assert ["directory", "file"] == sorted(os.listdir(tmp_path))


@both
def test_a_pipe_is_not_read(call: Call, tmp_path: Path) -> None:
    """It would block for ever when nobody writes to it."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError, match="no regular file"):
        call(tmp_path / "pipe", "read")


@both
def test_a_write_replaces_the_file_and_not_its_contents(call: Call, tmp_path: Path) -> None:
    """Whoever has the old file open goes on reading it."""
    file = tmp_path / "x"
    file.write_text("old")
    with file.open() as reader:
        call(file, "write_text", "new")
        assert "old" == reader.read()
    assert "new" == file.read_text()


@both
def test_new_files_have_the_usual_permissions(call: Call, tmp_path: Path) -> None:
    """Those that the umask leaves, and not those of temporary files."""
    call(tmp_path / "x", "write", b"")
    (tmp_path / "y").touch()
    assert stat.filemode((tmp_path / "y").stat().st_mode) == stat.filemode((tmp_path / "x").stat().st_mode)


@both
def test_a_write_with_the_right_revision_succeeds(call: Call, tmp_path: Path) -> None:
    """Each write gives a new revision, however fast they follow and however equal the data."""
    file = tmp_path / "x"
    revisions = [call(file, "write", b"x", expected_revision=ABSENT)]
    for _ in range(50):
        revisions.append(call(file, "write", b"x", expected_revision=revisions[-1]))
    assert 51 == len(set(revisions))


@both
def test_a_write_with_a_wrong_revision_changes_nothing(call: Call, tmp_path: Path) -> None:
    """The error says what was expected and what is there."""
    file = tmp_path / "x"
    old = call(file, "write", b"old")
    new = call(file, "write", b"new")
    with pytest.raises(PreconditionFailedError, match=f"expected revision {old}, but revision {new}"):
        call(file, "write", b"mine", expected_revision=old)
    with pytest.raises(PreconditionFailedError, match=f"expected revision absent, but revision {new}"):
        call(file, "write", b"mine", expected_revision=ABSENT)
    assert b"new" == file.read_bytes()
    file.unlink()
    with pytest.raises(PreconditionFailedError, match="but nothing is there"):
        call(file, "write", b"mine", expected_revision=new)
    assert [] == os.listdir(tmp_path)


def test_no_update_is_lost_when_many_expect_a_revision(tmp_path: Path) -> None:
    """Read, add one, write what was expected, or read again: all additions are there in the end."""
    file = tmp_path / "counter"
    StorageHandle(file).write(b"0")

    async def add(handle: AsyncStorageHandle) -> None:
        while True:
            data, revision = await handle.read()
            try:
                await handle.write(b"%d" % (int(data) + 1), expected_revision=revision)
                return
            except PreconditionFailedError:
                await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*(add(AsyncStorageHandle(file)) for _ in range(40)))

    asyncio.run(main())
    assert b"40" == file.read_bytes()


@both
def test_a_copy_is_a_file_of_its_own(call: Call, tmp_path: Path) -> None:
    """Changing the copy leaves the source as it is."""
    (tmp_path / "source").write_bytes(os.urandom(3_000_000))
    copy = StorageHandle(tmp_path / "deep/copy")
    revision = call(tmp_path / "source", "copy_to", copy)
    assert (tmp_path / "source").read_bytes() == (tmp_path / "deep/copy").read_bytes()
    assert copy.stat().revision == revision
    with (tmp_path / "deep/copy").open("r+b") as file:
        file.write(b"changed")
    assert b"changed" != (tmp_path / "source").read_bytes()[:7]


@both
def test_a_file_can_be_copied_to_itself(call: Call, tmp_path: Path) -> None:
    """It is the same afterwards."""
    (tmp_path / "x").write_bytes(b"data")
    call(tmp_path / "x", "copy_to", StorageHandle(tmp_path / "x"))
    assert b"data" == (tmp_path / "x").read_bytes()


@both
def test_files_without_a_size_are_copied_whole(call: Call, tmp_path: Path) -> None:
    """Those of the kernel say that they are empty, and are not."""
    call("/proc/self/mounts", "copy_to", StorageHandle(tmp_path / "x"))
    assert Path("/proc/self/mounts").read_bytes() == (tmp_path / "x").read_bytes()


@both
def test_copying_what_is_missing_leaves_no_trace(call: Call, tmp_path: Path) -> None:
    """Not even the directory it would have gone to."""
    with pytest.raises(NotFoundError, match="nothing"):
        call(tmp_path / "nothing", "copy_to", StorageHandle(tmp_path / "a/b"))
    assert [] == os.listdir(tmp_path)


def test_a_copy_between_file_systems_falls_back_to_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel will not copy, the bytes go through the process."""

    def refuse(*_: Any) -> int:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "copy_file_range", refuse)
    (tmp_path / "x").write_bytes(b"x" * 2_500_000)
    StorageHandle(tmp_path / "x").copy_to(StorageHandle(tmp_path / "y"))
    assert b"x" * 2_500_000 == (tmp_path / "y").read_bytes()


@both
def test_a_full_disk_leaves_no_trace(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says why, and the destination is as it was."""

    def fail(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "x").write_bytes(b"data")
    (tmp_path / "y").write_bytes(b"old")
    monkeypatch.setattr(os, "copy_file_range", fail)
    monkeypatch.setattr(os, "writev", fail)
    with pytest.raises(CopyError, match=f"{tmp_path}/x to {tmp_path}/y: No space left on device"):
        call(tmp_path / "x", "copy_to", StorageHandle(tmp_path / "y"))
    with pytest.raises(StorageError, match=f"{tmp_path}/y: No space left on device"):
        call(tmp_path / "y", "write", b"new")
    assert b"old" == (tmp_path / "y").read_bytes()
    assert ["x", "y"] == sorted(os.listdir(tmp_path))


def test_a_cancelled_copy_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cancellation waits until the thread that copies has noticed."""
    began = asyncio.Event()
    loop: asyncio.AbstractEventLoop
    real = os.copy_file_range

    def slowly(source: int, destination: int, count: int) -> int:
        loop.call_soon_threadsafe(began.set)
        return real(source, destination, min(count, 4096))

    async def main() -> None:
        nonlocal loop
        loop = asyncio.get_running_loop()
        source, copy = AsyncStorageHandle(tmp_path / "x"), AsyncStorageHandle(tmp_path / "y")
        task = asyncio.create_task(source.copy_to(copy))
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with (tmp_path / "x").open("wb") as file:
        file.truncate(1 << 32)
    monkeypatch.setattr(os, "copy_file_range", slowly)
    asyncio.run(main())
    assert ["x"] == os.listdir(tmp_path)


def test_without_nameless_files_a_hidden_one_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lies beside the destination, is no match of any glob, and is gone afterwards."""
    monkeypatch.setattr("otter.storage.part_file._ANONYMOUS", 0)
    directory = os.open(tmp_path, os.O_RDONLY)
    part = PartFile(directory, "x", "x")
    part.write([b"data", b"", b"more"])
    assert 1 == len(os.listdir(tmp_path))
    assert [] == StorageHandle(tmp_path).glob("**/*")
    part.publish()
    assert ["x"] == os.listdir(tmp_path)
    assert b"datamore" == (tmp_path / "x").read_bytes()
    PartFile(directory, "y", "y").discard()
    assert ["x"] == os.listdir(tmp_path)
    os.close(directory)


@both
def test_a_file_is_deleted(call: Call, tmp_path: Path) -> None:
    """And deleting it again finds nothing to do."""
    (tmp_path / "x").touch()
    assert 1 == call(tmp_path / "x", "delete")
    assert 0 == call(tmp_path / "x", "delete")
    assert 0 == call(tmp_path / "no/such/directory/x", "delete")


@both
def test_a_directory_is_deleted_only_recursively(call: Call, tmp_path: Path) -> None:
    """Links in it are deleted, and what they point to is not."""
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").touch()
    tree = tmp_path / "tree"
    (tree / "a/b").mkdir(parents=True)
    (tree / "a/b/x").touch()
    (tree / "a/y").touch()
    (tree / "link").symlink_to(tmp_path / "precious")
    with pytest.raises(StorageError, match="only recursively"):
        call(tree, "delete")
    assert 3 == call(tree, "delete", is_recursive=True)
    assert ["precious"] == os.listdir(tmp_path)
    assert ["file"] == os.listdir(tmp_path / "precious")


def test_open_writes_when_it_is_closed(tmp_path: Path) -> None:
    """Before that, the old file is there."""
    file = tmp_path / "a/x"
    StorageHandle(file).write_text("old")
    with StorageHandle(file).open("w") as writer:
        writer.write("new\n")
        writer.flush()
        assert "old" == file.read_text()
    assert "new\n" == file.read_text()
    with StorageHandle(file).open("wb") as writer:
        writer.write(b"\0\1")
    with StorageHandle(file).open("rb") as reader:
        assert b"\0\1" == reader.read()


def test_what_is_written_may_be_gone_back_to(tmp_path: Path) -> None:
    """Archives ask where they are, and formats with an index at their beginning write it last."""
    (tmp_path / "in").write_text("content")
    with StorageHandle(tmp_path / "x.tar").open("wb") as file, tarfile.open(fileobj=file, mode="w") as archive:
        archive.add(tmp_path / "in", "in")
    with StorageHandle(tmp_path / "x.tar").open("rb") as file, tarfile.open(fileobj=file) as archive:
        assert ["in"] == archive.getnames()
    with StorageHandle(tmp_path / "y").open("wb") as file:
        file.write(b"????body and more")
        assert (17, 0) == (file.tell(), file.seek(0))
        file.write(b"head")
        file.truncate(8)
    assert b"headbody" == (tmp_path / "y").read_bytes()


def test_an_exception_in_the_block_discards_what_was_written(tmp_path: Path) -> None:
    """In both flavours, for text and for bytes."""
    for mode, data in (("w", "half"), ("wb", b"half")):

        def fail(mode: str = mode, data: Any = data) -> None:
            with StorageHandle(tmp_path / "x").open(mode) as file:
                file.write(data)
                raise KeyError

        async def fail_too(mode: str = mode, data: Any = data) -> None:
            async with AsyncStorageHandle(tmp_path / "x").open(mode) as file:
                await file.write(data)
                raise KeyError

        with pytest.raises(KeyError):
            fail()
        with pytest.raises(KeyError):
            asyncio.run(fail_too())
    assert [] == os.listdir(tmp_path)


def test_a_file_that_is_never_closed_is_complete_when_it_is_collected(tmp_path: Path) -> None:
    """Tasks exist that open a file, write, and let go of it."""
    StorageHandle(tmp_path / "x").open("w").write("all of it")
    gc.collect()
    assert "all of it" == (tmp_path / "x").read_text()


def test_a_failed_write_spoils_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing a file whose buffer could not be written does not make a part of it visible."""

    def fail(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    file = StorageHandle(tmp_path / "x").open("w")
    file.write("data")
    monkeypatch.setattr(os, "writev", fail)
    with pytest.raises(StorageError, match="No space left"):
        file.close()
    assert [] == os.listdir(tmp_path)


def test_appending_and_updating_change_the_file_in_place(tmp_path: Path) -> None:
    """An append makes a file that is missing; an update does not."""
    handle = StorageHandle(tmp_path / "a/x")
    for line in ("1\n", "2\n"):
        with handle.open("a") as file:
            file.write(line)
    assert "1\n2\n" == handle.read_text()[0]
    with handle.open("r+b") as file:
        file.write(b"3")
    assert "3\n2\n" == handle.read_text()[0]
    with pytest.raises(NotFoundError):
        StorageHandle(tmp_path / "y").open("r+")


def test_exclusive_mode_creates_and_never_replaces(tmp_path: Path) -> None:
    """Who comes second fails when the file is closed."""
    with StorageHandle(tmp_path / "x").open("x") as file:
        file.write("first")
    second = StorageHandle(tmp_path / "x").open("x")
    with pytest.raises(PreconditionFailedError):
        second.close()
    assert "first" == (tmp_path / "x").read_text()


@pytest.mark.parametrize("mode", ["q", "", "rw", "rbt", "w+"])
def test_other_modes_are_refused(mode: str, tmp_path: Path) -> None:
    """The message lists those that there are."""
    with pytest.raises(ValueError, match=r"mode .*: the modes are"):
        StorageHandle(tmp_path / "x").open(mode)


def test_asynchronous_files_read_and_write_in_pieces(tmp_path: Path) -> None:
    """Lines, sizes, and characters of several bytes that lie on the border of two blocks."""
    handle = AsyncStorageHandle(tmp_path / "x")
    text = "x" + "ä" * 1_000_000 + "\nlast"
    (tmp_path / "lines").write_bytes(b"1\r\n2\r3\n")

    async def main() -> None:
        async with handle.open("w") as file:
            assert len(text) == await file.write(text)
        async with handle.open() as file:
            assert [text[:-4], "last"] == [line async for line in file]
        async with handle.open() as file:
            assert "xää" == await file.read(3)
            assert text[3:] == await file.read()
            assert "" == await file.read()
        async with AsyncStorageHandle(tmp_path / "lines").open() as file:
            assert ["1\n", "2\n", "3\n"] == [line async for line in file]
        async with handle.open("rb") as file:
            assert b"x\xc3" == await file.read(2)
            with pytest.raises(OSError, match="not open for writing"):
                await file.write(b"")

    asyncio.run(main())


def test_the_device_can_be_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting `fsync` flushes the file before it is visible, and the directory afterwards."""
    from otter.storage.storage_context import storage_context

    flushed: list[tuple[bool, bool]] = []
    real = os.fsync

    def note(fd: int) -> None:
        flushed.append((stat.S_ISDIR(os.fstat(fd).st_mode), (tmp_path / "x").exists()))
        real(fd)

    monkeypatch.setattr(os, "fsync", note)
    StorageHandle(tmp_path / "x").write(b"")
    assert [] == flushed
    (tmp_path / "x").unlink()
    with storage_context(fsync=True):
        StorageHandle(tmp_path / "x").write(b"")
    assert [(False, False), (True, True)] == flushed
