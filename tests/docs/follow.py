"""Following a page: its blocks, one after the other, in one directory and one shell."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.blocks import Block, blocks_of, matches

TIMEOUT = 300


@dataclass
class Follower:
    """Does what a page says.

    What a shell keeps from command to command, its directory and its environment, is kept from block to block.

    Attributes:
        directory: where the shell is.
        environ: its environment.
        setup: also do what makes the environment.
        printed: what the last commands printed.
    """

    directory: Path
    environ: Mapping[str, str]
    state: Path
    setup: bool = False
    printed: str = field(default="", init=False)

    def follow(self, page: Path) -> int:
        """Do all that a page says, in order; the number of blocks."""
        blocks = blocks_of(page)
        for block in blocks:
            self._do(block)
        return len(blocks)

    def _do(self, block: Block) -> None:
        if "file" in block.flags:
            path = self.directory / block.flags["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, "utf-8")
        elif block.language == "sh":
            if self.setup or "setup" not in block.flags:
                self._run(block, block.text)
        elif block.language == "python":
            (self.state / "block.py").write_text(block.text, "utf-8")
            self._run(block, f"PYTHONPATH=. python {shlex.quote(str(self.state / 'block.py'))}\n")
        elif "output" in block.flags:
            assert matches(block.text, self.printed), f"{block}: this was printed instead:\n{self.printed}"

    def _run(self, block: Block, commands: str) -> None:
        """Run commands; the first one that fails ends them."""
        kept = self.state / "shell"
        # The trap sees the shell's last directory and environment, whatever ended it.
        script = f"trap '{{ pwd; env -0; }} > {shlex.quote(str(kept))}' EXIT\nset -eo pipefail\n{commands}"
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.directory, env=dict(self.environ), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=TIMEOUT,
        )  # fmt: skip
        self.printed = done.stdout
        expected = int(block.flags.get("exit", 0))
        assert expected == done.returncode, f"{block}: exit code {done.returncode}\n{done.stdout}"
        directory, _, environ = kept.read_text("utf-8", "surrogateescape").partition("\n")
        self.directory = Path(directory)
        pairs = (item.partition("=") for item in environ.split("\0") if item)
        self.environ = {key: value for key, _, value in pairs if key not in ("_", "SHLVL")}


def reader(environ: Mapping[str, str], *scripts: Path) -> dict[str, str]:
    """The environment of someone who reads a page: nothing of the tests' own is left in it.

    Args:
        scripts: folders whose programs go before all others.
    """
    dropped = ("OTTER_", "PYTEST_", "PYTHON", "VIRTUAL_ENV", "COV_")
    kept = {key: value for key, value in environ.items() if not key.startswith(dropped)}
    own = str(Path(sys.executable).parent)
    path = [*map(str, scripts), *(folder for folder in environ["PATH"].split(os.pathsep) if folder != own)]
    plain = {"CI": "true", "NO_COLOR": "1", "COLUMNS": "100", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return {**kept, **plain, "PATH": os.pathsep.join(path)}
