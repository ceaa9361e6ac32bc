"""Empty virtual environments, and what happens in them."""

import json
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Environment:
    """A virtual environment with nothing in it, not even pip, but what a test installs."""

    root: Path

    @classmethod
    def create(cls, root: Path, python: str | None = None) -> "Environment":
        """Make an environment of `python`, by default the interpreter of the tests."""
        if python is None:
            venv.create(root, with_pip=False, symlinks=True)
        else:
            subprocess.run([python, "-m", "venv", "--without-pip", root], check=True)
        return cls(root)

    @property
    def python(self) -> Path:
        return self.root / "bin" / "python"

    def install(self, *requirements: str | Path) -> None:
        """Install with the pip of the tests' own interpreter."""
        pip = (sys.executable, "-m", "pip", "--quiet", "--python", self.python)
        result = self._run([*pip, "install", *requirements])
        assert result.returncode == 0, result.stdout + result.stderr

    def run(self, *command: str | Path, cwd: Path | None = None) -> str:
        """The standard output of a command of the environment; anything but success is an error."""
        result = self._run([self.root / "bin" / command[0], *command[1:]], cwd)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def evaluate(self, code: str) -> object:
        """The JSON that `code` prints in a fresh interpreter."""
        value: object = json.loads(self.run("python", "-I", "-c", code))
        return value

    def distributions(self) -> set[str]:
        names = self.evaluate(
            "import json; from importlib.metadata import distributions;"
            "print(json.dumps([d.metadata['Name'].lower() for d in distributions()]))"
        )
        assert isinstance(names, list)
        return set(names)

    def _run(self, command: list[str | Path], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=cwd or self.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
