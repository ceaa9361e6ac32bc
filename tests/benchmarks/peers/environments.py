"""An environment for each peer, made from the package index and kept for the next time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import attrs

from tests.benchmarks.peers.peer import Peer

_VERSION = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"


class InstallError(Exception):
    """A peer cannot be installed here."""


@attrs.frozen
class Wanted:
    """A peer to be installed.

    Attributes:
        name: how the tables call it.
        requirement: its distribution.
        program: as in `Peer`.
        works: as in `Peer`.
        slow: as in `Peer`.
    """

    name: str
    requirement: str
    program: str
    works: frozenset[str] = frozenset({"independent", "chain"})
    slow: bool = False

    def install(self) -> Peer:
        """The peer, in its environment.

        Raises:
            InstallError: the environment could not be made; the last line of the installer is the message.
        """
        python = _environment(self.requirement)
        version = subprocess.run([python, "-c", _VERSION, self.requirement], capture_output=True, text=True, check=True)
        return Peer(self.name, self.program, python, version.stdout.strip(), self.works, self.slow)


PEERS = (
    Wanted("Dask distributed", "distributed", "dask_distributed.py"),
    Wanted("Ray", "ray", "ray_core.py"),
    Wanted("doit, in one process", "doit", "doit_inline.py"),
    Wanted(
        "predecessor (opentargets-otter)", "opentargets-otter", "predecessor.py",
        works=frozenset({"independent", "chain", "copy"}), slow=True,
    ),
)  # fmt: skip


def install_all() -> tuple[list[Peer], list[str]]:
    """The peers that can be had, and for each of the others a sentence that says why not."""
    found, absent = [], []
    for wanted in PEERS:
        try:
            found.append(wanted.install())
        except InstallError as error:
            absent.append(f"{wanted.name} was not measured: {error}.")
    return found, absent


def cache_directory() -> Path:
    """Where the environments are."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "otter-benchmarks"


def _environment(requirement: str) -> Path:
    """The interpreter of an environment that has a distribution; made if it is not there."""
    place = cache_directory() / f"{requirement}-python{sys.version_info.major}.{sys.version_info.minor}"
    python, complete = place / "bin" / "python", place / "complete"
    if complete.exists():
        return python
    print(f"installing {requirement} …", file=sys.stderr, flush=True)
    venv.create(place, with_pip=True, clear=True)
    words = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(place)
        raise InstallError((done.stderr.strip() or "pip failed without a word").splitlines()[-1])
    complete.touch()
    return python
