"""Plans and pictures of pipeline texts, with task types from a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from otter.cli import main
from tests.model.pipeline.task_types import TASK_TYPES

Otter = Callable[..., tuple[int, str]]


@pytest.fixture
def otter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Otter:
    """Runs a verb of `otter` on `pipeline.toml` in a directory of its own; exit code and all that is printed."""
    monkeypatch.chdir(tmp_path)
    types = {"task_types": [task_type.to_json() for task_type in TASK_TYPES.values()]}
    (tmp_path / "types.json").write_bytes(orjson.dumps(types))

    def run(verb: str, text: str, *arguments: str) -> tuple[int, str]:
        (tmp_path / "pipeline.toml").write_text(text, "utf-8")
        code = main([verb, "pipeline.toml", "--types", "types.json", *arguments])
        captured = capfd.readouterr()
        return code, captured.out + captured.err

    return run
