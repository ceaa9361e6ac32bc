"""Slips at the command line: each one is named, with what was probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from otter.cli import main
from otter.cli.main import VERBS, make_parser


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rum"], "otter: error: there is no command 'rum'; did you mean 'run'?\ntry 'otter --help'"),
        (["frobnicate"], "otter: error: there is no command 'frobnicate'\ntry 'otter --help'"),
        (["-x"], "otter: error: unknown argument -x\ntry 'otter --help'"),
        (
            ["run", "x.toml", "--resum"],
            "otter run: error: unknown argument --resum; did you mean '--resume'?\ntry 'otter run --help'",
        ),
        (["status", "a", "b"], "otter status: error: unknown arguments a b\ntry 'otter status --help'"),
        (
            ["manifest", "show", "--tasks"],
            "otter manifest show: error: unknown argument --tasks\ntry 'otter manifest show --help'",
        ),
    ],
)
def test_a_slip_is_named(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown command or argument is refused by the one who would have had to know it."""
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert (22, said) == (exit_.value.code, capsys.readouterr().err.rstrip())


def test_explaining_goes_with_resuming(capsys: pytest.CaptureFixture[str]) -> None:
    """`--explain` alone would say nothing, so it says that."""
    assert 22 == main(["run", "x.toml", "--explain"])
    assert "otter: error: --explain says what --resume does: give both\n" == capsys.readouterr().err


def test_one_pipeline_file_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Of two that are named neither is taken without a word."""
    assert 22 == main(["run", "x.toml", "-c", "y.toml"])
    assert "otter: error: name one pipeline file: x.toml, or y.toml\n" == capsys.readouterr().err


def test_every_task_of_a_resumed_run_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also one that no earlier run completed."""
    (tmp_path / "pipeline.toml").write_text('[[steps.greet]]\nname = "hello_world you"\n')
    monkeypatch.chdir(tmp_path)
    assert 0 == main(["run", "pipeline.toml", "--resume", "--explain"])
    assert "hello_world you: never run before\n" == capfd.readouterr().out
    assert 0 == main(["run", "pipeline.toml", "--resume", "--explain"])
    said = capfd.readouterr()
    assert "hello_world you: done before, nothing changed\n" == said.out
    assert "1 task: 1 succeeded" in said.err


def test_a_project_wants_a_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`otter init` over a file says so."""
    (tmp_path / "notes").touch()
    assert 22 == main(["init", str(tmp_path / "notes")])
    assert f"otter: error: {tmp_path / 'notes'} is not a directory\n" == capsys.readouterr().err


def test_help_keeps_capitals(capsys: pytest.CaptureFixture[str]) -> None:
    """Names such as TOML stand in the help as they are written."""
    with pytest.raises(SystemExit):
        make_parser(VERBS).parse_args(["convert", "--help"])
    assert "Turn a configuration of the first generation (YAML) into TOML." in capsys.readouterr().out
