"""`otter schema`, as editors use what it writes: with the checkers of taplo and tombi, and tombi's language server."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

import orjson
import pytest

from otter.cli import main
from tests.model.pipeline.task_types import TASK_TYPES
from tests.support.language_server import LanguageServer

BIN = Path(sysconfig.get_path("scripts"))

GOOD = """\
#:schema ./otter.schema.json
log_level = "debug"
[pools]
ebi = 4
[[steps.fetch]]
name = "copy targets"
source = "https://example.org/targets.tsv"
destination = "input/targets.tsv"
retries_allowed = "${retries}"
policy = { uses = "ebi", timeout = "10m" }
[[steps.fetch]]
name = "explode species"
requires = ["copy targets"]
foreach = ["homo_sapiens", "mus_musculus"]
[[steps.fetch.do]]
name = "copy ${each} genes"
source = "https://example.org/${each}.tsv"
destination = "input/${each}.tsv"
strict = "yes"
day = 2026-01-31
"""
MISTAKES = {
    "an unknown setting": ("log_level", "log_levels"),
    "a level that is none": ('"debug"', '"loud"'),
    "an unknown type": ("copy targets", "cpy targets"),
    "an unknown field": ('strict = "yes"', 'strickt = "yes"'),
    "a missing field": ('source = "https://example.org/${each}.tsv"\n', ""),
    "a value of another type": ('"input/targets.tsv"', "3"),
    "no integer": ('"${retries}"', '"many"'),
    "an unknown key of a policy": ("timeout", "timeouts"),
    "no duration": ('"10m"', '"10 minutes"'),
    "templates that are one table": ("[[steps.fetch.do]]", "[steps.fetch.do]"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a schema for the task types of the tests."""
    monkeypatch.chdir(tmp_path)
    types = {"task_types": [task_type.to_json() for task_type in TASK_TYPES.values()]}
    (tmp_path / "types.json").write_bytes(orjson.dumps(types))
    assert 0 == main(["schema", "--types", "types.json", "-o", "otter.schema.json"])
    (tmp_path / "tombi.toml").write_text('[[schemas]]\npath = "otter.schema.json"\ninclude = ["pipeline.toml"]\n')
    return tmp_path


def lint(tool: str, folder: Path, text: str) -> tuple[int, str]:
    """What a checker says of a pipeline file."""
    (folder / "pipeline.toml").write_text(text, "utf-8")
    commands = {
        "taplo": ["lint", "--no-auto-config", "--schema", (folder / "otter.schema.json").as_uri(), "pipeline.toml"],
        "tombi": ["lint", "--offline", "pipeline.toml"],
    }
    command: list[str | Path] = [BIN / tool, *commands[tool]]
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("tool", ["taplo", "tombi"])
def test_a_sound_file_passes(folder: Path, tool: str) -> None:
    """With placeholders, lax values, dates and nested templates, and without a warning."""
    code, output = lint(tool, folder, GOOD)
    assert 0 == code, output
    assert "Warning" not in output


@pytest.mark.parametrize("tool", ["taplo", "tombi"])
@pytest.mark.parametrize(("before", "after"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_found(folder: Path, tool: str, before: str, after: str) -> None:
    """Each mistake is refused by checkers that this project did not write."""
    assert before in GOOD
    code, output = lint(tool, folder, GOOD.replace(before, after))
    assert 0 != code, output


def test_checkers_name_the_mistake(folder: Path) -> None:
    """A mistake deep in a template is reported by itself, and not as a task that fits no type."""
    broken = GOOD.replace('destination = "input/${each}.tsv"', "destination = 3")
    _, output = lint("taplo", folder, broken)
    assert '3 is not of type "string"' in output
    assert "oneOf" not in output


def test_a_language_server_explains_and_completes(folder: Path) -> None:
    """Keys are explained by the texts of their types; only fields of the task's own type are offered."""
    text = GOOD.replace("retries_allowed", "\nretries_allowed").replace('strict = "yes"', '\nstrict = "yes"')
    lines = text.splitlines()
    with LanguageServer([BIN / "tombi", "lsp", "--offline"], folder) as server:
        assert [] == server.open("pipeline.toml", text)
        assert "Least level of the messages" in server.hover("pipeline.toml", lines.index('log_level = "debug"'))
        assert "text; required" in server.hover(
            "pipeline.toml", lines.index('source = "https://example.org/${each}.tsv"')
        )
        assert "requires" in server.hover("pipeline.toml", lines.index('requires = ["copy targets"]'))
        blank = lines.index("")
        assert {"mode", "ratio", "settings", "columns", "headers", "day", "strict"} <= set(
            server.complete("pipeline.toml", blank)
        )
        assert {"foreach", "glob", "do"}.isdisjoint(server.complete("pipeline.toml", blank))
        assert "ratio" in server.complete("pipeline.toml", lines.index("", blank + 1))


def test_it_is_printed(folder: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Without a file to write to, the schema goes to standard output, and is the same."""
    assert 0 == main(["schema", "--types", "types.json"])
    assert (folder / "otter.schema.json").read_bytes() == capfdbinary.readouterr().out


def test_a_file_that_cannot_be_written_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The reason is said in one line."""
    assert 22 == main(["schema", "--types", "types.json", "-o", "types.json/schema.json"])
    said = "otter: error: types.json/schema.json cannot be written: File exists\n"
    assert said == capsys.readouterr().err
