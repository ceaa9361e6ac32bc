"""What a person sees of a run: whole screens of 80 columns and 24 lines, and the lines in a pipe.

Times, rates and lengths of bars are masked; tasks hold still until the test lets them go on.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
import tomli_w

from tests.support.runs import ROOT
from tests.support.shown.hold import DIRECTORY
from tests.support.terminal import OTTER, Terminal, masked

ARGUMENTS = ["run", "pipeline.toml", "--tasks", "tests.support.shown"]


def prepare(directory: Path, *tasks: Mapping[str, Any], **settings: Any) -> None:
    """Write a pipeline file of one step."""
    table = {"work_path": "work", **settings, "steps": {"greet": list(tasks)}}
    (directory / "pipeline.toml").write_text(tomli_w.dumps(table), "utf-8")
    (directory / "work" / DIRECTORY).mkdir(parents=True)


def let_go(directory: Path, word: str = "end") -> None:
    """Let the tasks go on that wait for a word."""
    (directory / "work" / DIRECTORY / word).touch()


def hold(name: str, until: str = "end", **fields: Any) -> dict[str, Any]:
    """A task that waits."""
    return {"name": f"hold {name}", "until": until, **fields}


def test_a_pool_is_full(tmp_path: Path) -> None:
    """What runs, how much of the pool is held, how many tasks wait for it, and how many for others."""
    tasks = [hold(f"{number:02}", policy={"uses": "hosts"}) for number in range(40)]
    prepare(tmp_path, *tasks, hold("last", requires=["hold 00"]), pool_size=4, pools={"hosts": 2})
    with Terminal(ARGUMENTS, tmp_path) as terminal:
        terminal.wait_for_screen("""
greet  0/41  TIME
    TIME hold 00  worker N · 1 waits for it
    TIME hold 01  worker N
     pool hosts  2 of 2 · 38 waiting
  2 running
  waiting: 38 for a pool · 1 for other tasks
""")
        let_go(tmp_path)
        assert 0 == terminal.wait()
        assert [
            "step greet succeeded in TIME: 41 tasks: 41 succeeded",
            "manifest: DIR/work/manifest.json",
        ] == terminal.shown()


def test_many_wait_for_a_worker(tmp_path: Path) -> None:
    """Of what runs the oldest are named; the rest is a number."""
    prepare(tmp_path, *(hold(f"{number:02}") for number in range(30)), pool_size=10)
    with Terminal(ARGUMENTS, tmp_path) as terminal:
        shown = terminal.wait_for(lambda shown: "  10 running" in shown, "ten tasks ran")
        assert 7 == sum(bool(re.fullmatch(r" +TIME hold \d\d  worker N", line)) for line in shown)
        assert ["greet  0/30  TIME", "          and 3 more", "  10 running", "  waiting: 20 for a worker"] == [
            line for line in shown if "hold" not in line
        ]
        let_go(tmp_path)
        assert 0 == terminal.wait()


def test_fan_outs(tmp_path: Path) -> None:
    """Each generator has done and total of what it generated, the one with most left first, and who waits for it."""
    explode = {"requires": ["hold first"], "do": [{"name": "hold ${each}", "until": "${each}"}]}
    prepare(
        tmp_path,
        hold("first", "first"),
        {**explode, "name": "explode few", "foreach": ["f1", "f2"]},
        {**explode, "name": "explode many", "foreach": [f"m{number}" for number in range(6)]},
        hold("sum", requires=["explode many"]),
        hold("sum again", requires=["explode many", "explode few"]),
        pool_size=2,
    )
    with Terminal(ARGUMENTS, tmp_path) as terminal:
        terminal.wait_for_screen("""
greet  0/5  TIME
    TIME hold first  worker N · 2 wait for it
  1 running
  waiting: 4 for other tasks
""")
        let_go(tmp_path, "first")
        # The longest chains come first, and those of both generators are as long: in the order of generation.
        for word in ("f1", "f2", "m0", "m1"):
            let_go(tmp_path, word)
        terminal.wait_for_screen("""
greet  7/13  TIME
    TIME hold m2  worker N
    TIME hold m3  worker N
  fan-out explode many  2/6 · 2 wait for it
  7 done · 2 running
  waiting: 2 for a worker · 2 for other tasks
""")
        for number in range(2, 6):
            let_go(tmp_path, f"m{number}")
        let_go(tmp_path)
        assert 0 == terminal.wait()
        assert "step greet succeeded in TIME: 13 tasks: 13 succeeded" == terminal.shown()[0]


FAILED = r"""
stumble over: FAILED: TaskRunError: it stumbled
    WHEN WARNING  tests.support.shown.stumble: one
    WHEN WARNING  tests.support.shown.stumble: two \x1b[2J\x
1b[H \x0d gone
    WHEN WARNING  tests.support.shown.stumble: 1234567890 12
34567890 1234567890 1234567890 1234567890 1234567890 1234567890 1234567890 12345
67890 1234567890 1234567890 1234567890 1234567890 1234567890 1234567890
    TRACEBACK
    otter.util.errors.TaskRunError: it stumbled
"""


def test_a_failure_stands_above_the_display(tmp_path: Path) -> None:
    """At once, with the last lines of the log, which act on nothing; what will be tried again says when."""
    says = ["one", "two \x1b[2J\x1b[H \r gone", "1234567890 " * 15]
    prepare(
        tmp_path,
        {"name": "stumble over", "says": says, "policy": {"priority": 2}},
        {"name": "stumble again", "says": [], "policy": {"retries": 1, "retry_delay": "1h", "priority": 1}},
        hold("on"),
        hold("last", requires=["hold on"]),
        pool_size=1,
    )
    with Terminal([*ARGUMENTS, "--keep-going"], tmp_path) as terminal:
        terminal.wait_for_screen(
            FAILED
            + """
stumble again: attempt 1 failed (TaskRunError: it stumbled), again in TIME
greet  1/4  TIME
    TIME hold on  worker N · 1 waits for it
 in TIME stumble again  attempt 2
  1 failed · 1 running
  waiting: 1 for other tasks · 1 for another attempt
""".lstrip()
        )
        terminal.signal(signal.SIGINT)
        assert 130 == terminal.wait()
        assert (
            FAILED
            + """
stumble again: attempt 1 failed (TaskRunError: it stumbled), again in TIME
stopped by SIGINT
running tasks have TIME to end; the next signal kills them
step greet was stopped in TIME: 4 tasks: 0 succeeded, 1 failed, 2 aborted, 1 ne
ver begun
reason: stopped by SIGINT
failed, by cause:
  1 failed, 0 blocked: TaskRunError (stumble.py:26, in run): stumble over
manifest: DIR/work/manifest.json
""".lstrip()
        ).strip().splitlines() == terminal.shown()


def test_long_and_wide_names(tmp_path: Path) -> None:
    """A name is cut where it would push out what stands after it, and wide characters count for two."""
    prepare(tmp_path, hold("日本語" * 20), hold("long " * 30), hold("short"), pool_size=3)
    with Terminal(ARGUMENTS, tmp_path) as terminal:
        terminal.wait_for(lambda shown: "  3 running" in shown, "three tasks ran")
        rows = [line for line in terminal.text().splitlines() if "hold" in line]
        assert 3 == len(rows)
        assert all(row.endswith(("worker 0", "worker 1", "worker 2")) for row in rows), rows
        assert {"…"} == {row.split(" worker")[0][-1] for row in rows if "short" not in row}, rows
        let_go(tmp_path)
        assert 0 == terminal.wait()


def test_a_terminal_changes_its_size(tmp_path: Path) -> None:
    """The picture takes the new size, and never more lines than there are."""
    prepare(tmp_path, *(hold(f"{number:02}") for number in range(9)), pool_size=9)
    with Terminal(ARGUMENTS, tmp_path, lines=30) as terminal:
        terminal.wait_for(lambda shown: "  9 running" in shown, "nine tasks ran")
        terminal.resize(40, 8)
        terminal.wait_for(lambda shown: "          and 6 more" in shown, "a smaller picture")
        picture = terminal.text().splitlines()[-6:]
        assert ["greet", "hold", "hold", "hold", "and", "9 running"] == [
            word for line in picture for word in re.findall(r"greet|hold|and|9 running", line)
        ]
        assert all(len(line) <= 40 for line in picture)
        terminal.resize(100, 30)
        let_go(tmp_path)
        assert 0 == terminal.wait()


def test_three_signals(tmp_path: Path) -> None:
    """The first lets tasks end, the second kills them, the third leaves at once, and leaves the cursor where it was."""
    prepare(tmp_path, hold("on"), grace="1h")
    with Terminal(ARGUMENTS, tmp_path) as terminal:
        terminal.wait_for(lambda shown: "  1 running" in shown, "a task ran")
        terminal.signal(signal.SIGSTOP)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # equal ones would become one
            terminal.signal(number)
        terminal.signal(signal.SIGCONT)
        assert terminal.wait() in (128 + number for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
        assert not terminal.hides_cursor


def test_no_colours(tmp_path: Path) -> None:
    """With NO_COLOR the display has none."""
    prepare(tmp_path, hold("on"))
    with Terminal(ARGUMENTS, tmp_path, {"NO_COLOR": "1"}) as terminal:
        terminal.wait_for_screen("""
greet  0/1  TIME
    TIME hold on  worker N
  1 running
""")
        let_go(tmp_path)
        assert 0 == terminal.wait()
        assert [] == re.findall(rb"\x1b\[[0-9;]*(?:3[0-7]|4[0-7]|9[0-7]|38|48)[;m]", terminal.written)


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"TERM": ""}, {"CI": "true"}], ids=["dumb", "none", "CI"])
def test_no_display(tmp_path: Path, env: dict[str, str]) -> None:
    """A terminal that can do nothing, or one of CI, gets the lines of a pipe."""
    prepare(tmp_path, hold("on"), {"name": "stumble over", "says": ["one"]}, pool_size=1)
    let_go(tmp_path)
    with Terminal(ARGUMENTS, tmp_path, env) as terminal:
        assert 1 == terminal.wait()
        assert PLAIN.splitlines() == terminal.shown()
        assert b"\x1b" not in terminal.written


PLAIN = """\
step greet: 2 tasks
hold on: done in TIME
stumble over: FAILED: TaskRunError: it stumbled
    WHEN WARNING  tests.support.shown.stumble: one
    TRACEBACK
    otter.util.errors.TaskRunError: it stumbled
step greet failed in TIME: 2 tasks: 1 succeeded, 1 failed
reason: stumble over: TaskRunError: it stumbled
failed, by cause:
  1 failed, 0 blocked: TaskRunError (stumble.py:26, in run): stumble over
manifest: DIR/work/manifest.json
"""


def piped(directory: Path, *flags: str) -> str:
    """What a run says in a pipe."""
    command = [sys.executable, "-c", OTTER, *ARGUMENTS, *flags]
    done = subprocess.run(
        command, cwd=directory, env={"PATH": "", "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert (1, "") == (done.returncode, done.stdout), done.stderr
    return done.stderr


def test_lines_in_a_pipe(tmp_path: Path) -> None:
    """Few lines, each whole: what began, what ended, failures with the end of their log, and the summary."""
    prepare(tmp_path, hold("on"), {"name": "stumble over", "says": ["one"]}, pool_size=1)
    let_go(tmp_path)
    assert PLAIN.splitlines() == masked(piped(tmp_path), tmp_path)


def test_objects_in_a_pipe(tmp_path: Path) -> None:
    """With `--log-format json` each line is an object that says when, which step, and what happened."""
    prepare(tmp_path, hold("on"), {"name": "stumble over", "says": ["one"]}, pool_size=1)
    let_go(tmp_path)
    rows = [orjson.loads(line) for line in piped(tmp_path, "--log-format", "json").splitlines()]
    assert all(row["at"].endswith("Z") and row["step"] == "greet" for row in rows)
    events = [(row["event"], row.get("task")) for row in rows]
    assert [("worker", None), ("begin", None), ("end", "hold on"), ("end", "stumble over")] == events[:4]
    assert [("causes", None), ("summary", None)] == events[4:]
    assert rows[3]["log"][0].endswith("WARNING  tests.support.shown.stumble: one")
    assert {"pending": 0, "success": 1, "failure": 1, "aborted": 0} == rows[-1]["counts"]


def test_successes_of_a_large_step_are_only_counted(tmp_path: Path) -> None:
    """Beyond fifty tasks there is no line for each that succeeds."""
    prepare(tmp_path, *(hold(f"{number:02}") for number in range(60)), {"name": "stumble over", "says": ["one"]})
    let_go(tmp_path)
    assert ["step greet: 61 tasks", *PLAIN.splitlines()[2:6]] == masked(piped(tmp_path, "--keep-going"), tmp_path)[:5]
