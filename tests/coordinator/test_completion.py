"""`otter completion`: the scripts, and what bash makes of one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from otter.cli import main
from otter.cli.main import VERBS

ASK = """
source "$1"
cd "$2"
shift 2
complete -p otter > /dev/null || exit 9
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
compopt() { :; }
function_name=$(complete -p otter | sed 's/.*-F \\([^ ]*\\).*/\\1/')
"$function_name" otter "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script for bash."""
    path = tmp_path_factory.mktemp("completion") / "otter.bash"
    command = [sys.executable, "-m", "otter.cli", "completion", "bash"]
    path.write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)
    return path


def complete(script: Path, directory: Path, *words: str) -> set[str]:
    """What bash offers for the last of the words."""
    done = subprocess.run(
        ["bash", "--norc", "-c", ASK, "ask", script, directory, *words], capture_output=True, text=True, check=True
    )
    return {word.strip() for word in done.stdout.splitlines() if word.strip()}


def test_bash_completes_verbs(script: Path, tmp_path: Path) -> None:
    """All of them, or those that begin so."""
    assert set(VERBS) <= complete(script, tmp_path, "otter", "")
    assert {"plan"} == complete(script, tmp_path, "otter", "pl")


def test_bash_completes_flags_and_choices(script: Path, tmp_path: Path) -> None:
    """Of the verb that was typed, and the words that a flag may have."""
    assert {"--resume", "--release-uri"} <= complete(script, tmp_path, "otter", "run", "--re")
    assert {"--format"} == complete(script, tmp_path, "otter", "graph", "--fo")
    assert {"mermaid", "dot", "svg"} == complete(script, tmp_path, "otter", "graph", "--format", "")


def test_bash_completes_files_and_directories(script: Path, tmp_path: Path) -> None:
    """Pipeline files after a verb, directories where one is asked for."""
    (tmp_path / "pipeline.toml").write_text("")
    (tmp_path / "pipework").mkdir()
    assert "pipeline.toml" in complete(script, tmp_path, "otter", "run", "pipe")
    assert {"pipework"} == {word.rstrip("/") for word in complete(script, tmp_path, "otter", "run", "-w", "pipe")}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_learns_every_verb(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With the flags of each; the help says where the script belongs."""
    assert 0 == main(["completion", shell])
    text = capsys.readouterr().out
    assert [] == [verb for verb in VERBS if verb not in text]
    assert "keep-going" in text
    with pytest.raises(SystemExit):
        main(["completion", "--help"])
    assert f"otter completion {shell} >" in capsys.readouterr().out


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """With the ones that are known."""
    with pytest.raises(SystemExit) as refused:
        main(["completion", "tcsh"])
    assert 22 == refused.value.code
    assert "choose from" in capsys.readouterr().err


def test_without_the_library(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It is said what to install."""
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert 1 == main(["completion", "bash"])
    assert 'pip install "otter-coordinator[completion]"' in capsys.readouterr().err
