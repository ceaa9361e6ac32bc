"""Copying files from a web server on loopback: many small ones, and a large one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.benchmarks import pipelines
from tests.benchmarks.bench import Bench, Finding
from tests.benchmarks.measure import Figures
from tests.benchmarks.otter import run_as_users_do, run_file
from tests.benchmarks.peers.peer import Peer
from tests.benchmarks.processes import CommandError, base_environment, run
from tests.benchmarks.results import Row, at_most, ratio_at_most
from tests.benchmarks.server import BIG_PATH, paths

SIZE = 10_240
AT_ONCE = 16
COPY, COPY_MANY = 1.5, 0.6
BIG_SHARE, BIG_MEMORY = 1.3, 100e6
AIOHTTP = Peer("aiohttp in one process", "aiohttp_copy.py", Path(sys.executable), works=frozenset({"copy"}))


def measure(bench: Bench) -> Iterator[Finding]:
    """Small files as tasks and as one task, beside curl and aiohttp; a large one with the memory of each process."""
    with serving(bench.directory, SIZE, bench.scale.big) as url:
        yield from _small(bench, url)
        yield from _big(bench, url)
        for peer in bench.peers:
            if "copy" in peer.works:
                yield from _beside(bench, url, peer)
    yield (
        "Whole processes, unless it says otherwise. The server is a process of its own on the same processors; nothing "
        "is flushed to the device by any of them, but the device is left to come to rest before each large copy."
    )


@contextmanager
def serving(directory: Path, size: int, big: int) -> Iterator[str]:
    """The web server for the time of the block; its URL."""
    words = [sys.executable, "-m", "tests.benchmarks.server", str(size), str(big)]
    with subprocess.Popen(
        words, cwd=directory, env=base_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


def _small(bench: Bench, url: str) -> Iterator[Finding]:
    count, directory = bench.scale.files, bench.directory
    urls = [url + path for path in paths(count)]
    tasks = pipelines.copies(directory / "copies.toml", urls)
    single = pipelines.copy_many(directory / "copy-many.toml", urls, AT_ONCE)
    listed = directory / "urls.txt"
    listed.write_text("\n".join(urls), "utf-8")

    measured: list[Callable[[], Figures]] = [
        partial(_otter, tasks, count, pool=16),
        partial(_otter, tasks, count, pool=2),
        partial(_otter, single, count, pool=2),
        partial(_other, AIOHTTP, listed, directory),
    ]
    curl = shutil.which("curl")
    if curl is not None:
        measured.append(partial(_curl, curl, urls, directory))
    many, few, together, plain, *curls = bench.rounds(5, *measured)
    for name, ours, aim in (
        (f"{count:,} copy tasks, pool of 16", many, at_most(COPY)),
        (f"{count:,} copy tasks, pool of 2", few, None),
        (f"copy_many of {count:,} files", together, at_most(COPY_MANY)),
    ):
        if curls:
            yield Row(
                what=name, unit="s", ours=ours["whole"], beside="curl --parallel", theirs=curls[0]["whole"], aim=aim
            )
            aim = None
        yield Row(what=name, unit="s", ours=ours["whole"], beside=AIOHTTP.name, theirs=plain["whole"], aim=aim)
        yield Row(what=f"{name}, inside", unit="s", ours=ours["inside"], beside=AIOHTTP.name, theirs=plain["inside"])
        yield Row(what=f"{name}, processor time", unit="s", ours=ours["all cpu"])
    if curl is None:
        yield "curl is not installed here, and was not measured."


def _big(bench: Bench, url: str) -> Iterator[Finding]:
    size, directory = bench.scale.big, bench.directory
    file = pipelines.copies(directory / "big.toml", [url + BIG_PATH])
    curl = shutil.which("curl")
    target = directory / "big.curl"

    def ours() -> Figures:
        os.sync()
        figures, finished = run_file(file, watch=True)
        return figures | {"coordinator": finished.peaks["main"], "worker": finished.peaks["worker"]}

    def theirs() -> Figures:
        os.sync()
        words = [str(curl), "--silent", "--fail", "--output", str(target), url + BIG_PATH]
        finished = run(words, directory=directory, watch=True)
        target.unlink()
        return {"whole": finished.seconds, "memory": finished.peaks["main"]}

    otter, *curls = bench.rounds(5, *([ours, theirs] if curl is not None else [ours]))
    what = f"copy of {size / 2**20:,g} MiB"
    beside, other = ("curl", curls[0]) if curls else ("", {})
    yield Row(
        what=what, unit="s", ours=otter["whole"], beside=beside, theirs=other.get("whole"), aim=ratio_at_most(BIG_SHARE)
    )
    yield Row(what=f"{what}, inside", unit="s", ours=otter["inside"], beside=beside, theirs=other.get("whole"))
    for role in ("coordinator", "worker"):
        yield Row(
            what=f"{what}, peak memory of the {role}", unit="B", ours=otter[role], beside=beside,
            theirs=other.get("memory"), aim=at_most(BIG_MEMORY),
        )  # fmt: skip


def _beside(bench: Bench, url: str, peer: Peer) -> Iterator[Finding]:
    """Small files, and the large one, beside a peer."""
    count, directory = bench.scale.files, bench.directory
    urls = [url + path for path in paths(count)]
    for what, file, listed, pool in (
        (f"{count:,} copy tasks, pool of 16", pipelines.copies(directory / "p1.toml", urls), urls, 16),
        ("copy of the large file", pipelines.copies(directory / "p2.toml", [url + BIG_PATH]), [url + BIG_PATH], 2),
    ):
        names = directory / "urls.txt"
        names.write_text("\n".join(listed), "utf-8")
        ours, theirs = bench.rounds(
            2, partial(_otter, file, len(listed), pool=pool), partial(_other, peer, names, directory)
        )
        yield Row(what=what, unit="s", ours=ours["whole"], beside=peer.label, theirs=theirs["whole"])


def _otter(file: Path, count: int, pool: int) -> Figures:
    """Copy with otter, as a whole and measured inside, and look whether all files came."""
    inner, outer = _fresh(file.parent), _fresh(file.parent)
    figures, _ = run_file(file, pool=pool, work=inner)
    figures |= run_as_users_do(file, pool=pool, work=outer)
    for work in (inner, outer):
        _expect(work / pipelines.COPIES, count)
    return figures


def _other(peer: Peer, listed: Path, directory: Path) -> Figures:
    target = _fresh(directory)
    figures = peer.do("copy", listed, target, directory=directory)
    _expect(target, len(listed.read_text("utf-8").split()))
    return figures


def _curl(curl: str, urls: list[str], directory: Path) -> Figures:
    target = _fresh(directory)
    listed = directory / "curl.txt"
    listed.write_text(
        "".join(f'url = "{url}"\noutput = "{target / url.rpartition("/")[2]}"\n' for url in urls), "utf-8"
    )
    words = [curl, "--silent", "--fail", "--parallel", "--parallel-max", str(AT_ONCE), "--config", str(listed)]
    seconds = run(words, directory=directory).seconds
    _expect(target, len(urls))
    return {"whole": seconds}


def _fresh(directory: Path) -> Path:
    """A directory for copies, which are left alone until the case is over.

    ext4 without a journal does not take a number of a file that was deleted in the last minutes, and looks at each of
    them for each new file: whoever comes after a thousand deletions needs ten times as long to make a file.
    """
    return Path(tempfile.mkdtemp(prefix="copies-", dir=directory))


def _expect(directory: Path, count: int) -> None:
    found = len(list(directory.glob("*.bin")))  # beside them the predecessor keeps its manifest
    if found != count:
        raise CommandError(f"{found} of {count} files were copied")
