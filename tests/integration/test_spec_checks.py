"""Checks that only the code of task types can make, as `otter check` shows them: at the line of the pipeline file."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from otter.core.spec_problems import judge_specs
from otter.core.types import TaskPackageError

PAGE = Path(__file__).parents[2] / "packages" / "otter-model" / "docs" / "fields.md"


@pytest.fixture(scope="module")
def readme() -> str:
    """The page on fields and their checks."""
    return PAGE.read_text("utf-8")


@pytest.fixture
def project(tmp_path: Path, readme: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The type and the file of that page, in a package that can be imported and is not installed."""
    tasks = tmp_path / "src" / "mine" / "tasks"
    tasks.mkdir(parents=True)
    for folder in (tasks, tasks.parent):
        (folder / "__init__.py").write_text("")
    (tasks / "halve.py").write_text(block(readme, "python"))
    (tmp_path / "pipeline.toml").write_text(block(readme, "toml"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "src"))
    return tmp_path


def block(text: str, language: str) -> str:
    """The last block of a page in a language."""
    return str(re.findall(rf"```{language} [^\n]*\n(.*?)```", text, re.DOTALL)[-1])


def otter(project: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and output of the command."""
    command = [sys.executable, "-m", "otter.cli", *arguments, "--tasks", "mine.tasks"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_page_says_what_happens(project: Path, readme: str) -> None:
    """The mistakes of the page's file are found, all at once and each at its line."""
    code, output = otter(project, "check", "pipeline.toml")
    assert 22 == code
    assert output.startswith(block(readme, "text").partition("…")[0])
    places = [line.split(" error: ") for line in output.splitlines() if " error: " in line]
    assert [
        "steps.sums[0].number: expected an even number, got 7",
        "steps.sums[1].least: 'least' must be >= 0: -1",
        "steps.sums[2]: ValueError: most is 5, which is less than least, 10",
    ] == [text for _, text in places]
    assert ["pipeline.toml:6:10:", "pipeline.toml:11:9:"] == [place for place, _ in places[:2]]
    assert output.endswith("1 step, 3 tasks: 3 errors\n")


def test_a_run_refuses_it_too(project: Path) -> None:
    """With the same words, before anything runs."""
    code, output = otter(project, "run", "pipeline.toml")
    assert 22 == code
    assert "pipeline.toml:6:10: error: steps.sums[0].number: expected an even number, got 7" in output
    assert '"result":"success"' not in output


def test_a_run_names_it_beside_other_mistakes(project: Path) -> None:
    """What only the type's own code finds is not kept back until everything else has been mended."""
    text = (project / "pipeline.toml").read_text()
    (project / "pipeline.toml").write_text(f'{text}[[steps.sums]]\nname = "halv it"\n')
    code, output = otter(project, "run", "pipeline.toml")
    assert 22 == code
    assert "steps.sums[0].number: expected an even number, got 7" in output
    assert "steps.sums[3].name: unknown task type 'halv'" in output
    assert output.endswith("4 errors\n")


def test_a_given_value_is_judged(project: Path) -> None:
    """What `--set` defines, as a run would get it."""
    code, output = otter(project, "check", "pipeline.toml", "--set", "start=8")
    assert 22 == code
    assert "steps.sums[0]" not in output


def test_values_that_are_not_known_are_left_to_the_run(project: Path) -> None:
    """A placeholder that a task will define keeps a spec from being judged; other mistakes are found all the same."""
    text = (project / "pipeline.toml").read_text()
    text += '[[steps.sums]]\nname = "find_latest x"\nsource = "*"\nscratchpad_key = "late"\n'
    text += '[[steps.sums]]\nname = "halve later"\nrequires = ["find_latest x"]\nnumber = "${late}"\ncolour = 1\n'
    (project / "pipeline.toml").write_text(text)
    _, output = otter(project, "check", "pipeline.toml")
    assert "steps.sums[4].number" not in output
    assert "halve has no field 'colour'" in output
    assert "steps.sums[0].number: expected an even number, got 7" in output


def test_templates_are_judged_for_each_value(project: Path) -> None:
    """At the line of the template, with the value that is at fault."""
    (project / "pipeline.toml").write_text(
        '[[steps.s]]\nname = "explode all"\nforeach = [2, 3, 4]\n'
        '[[steps.s.do]]\nname = "halve ${each}"\nnumber = "${each}"\n'
    )
    code, output = otter(project, "check", "pipeline.toml")
    assert 22 == code
    assert "pipeline.toml:6:10: error: steps.s[0].do[0].number: expected an even number, got 3 (with each = " in output
    assert output.endswith("1 step, 1 task: 1 error\n")


def test_what_task_code_prints_does_no_harm(project: Path) -> None:
    """Neither when it is imported nor when its checks run."""
    module = project / "src/mine/tasks/halve.py"
    module.write_text(
        'print("imported")\n' + module.read_text().replace("    if number % 2:", "    print(1)\n    if number % 2:")
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(project / "src")
        answers = judge_specs([{"name": "halve x", "number": 3}, {"name": "halve y", "number": 4}], ["mine.tasks"])
    assert [[("number", "expected an even number, got 3")], []] == answers


def test_a_package_that_is_missing_is_named() -> None:
    """As every command that needs task types says it."""
    with pytest.raises(TaskPackageError, match=r"there is no task package 'no_such\.tasks'"):
        judge_specs([{"name": "a b"}], ["no_such.tasks"])


def test_more_specs_than_a_frame_has_room_for_are_judged_too(project: Path) -> None:
    """A run asks its worker about a large step in portions, and the answers come back to the right tasks."""
    tasks = [f'[[steps.sums]]\nname = "halve {n}"\nnumber = 4\nnote = "{"x" * (1 << 20)}"\n' for n in range(20)]
    tasks[17] = tasks[17].replace("number = 4", "number = 7")
    (project / "pipeline.toml").write_text("".join(tasks))

    code, output = otter(project, "run", "pipeline.toml", "--lenient")

    assert 22 == code
    assert ["steps.sums[17].number: expected an even number, got 7"] == re.findall(r"error: (.*)", output)
