"""Rows 13 to 24 of the matrix: what tasks do to their process, their answer and their files."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import orjson
import pytest

from otter.step.worker.capture import RING
from otter.util.fs import file_name
from tests.support import diary, processes
from tests.support.runs import Scene

MARK = {"name": "mark one"}


# --- row 13: exceptions that are no Exception -------------------------------------------------------------------------

UNUSUAL = ["SystemExit", "KeyboardInterrupt", "GeneratorExit", "BaseException", "BaseExceptionGroup"]
PHASES = ["init", "run", "validate"]


def throwers(kind: str, phases: list[str]) -> list[dict[str, Any]]:
    """A task for each unusual exception and phase, and one that all of them must leave alone."""
    names = [*UNUSUAL, "StopIteration", "StopAsyncIteration", "recursion", "empty"]
    return [
        {"name": f"{kind} {how} in {phase}", "how": how, "phase": phase, "policy": {"priority": 1}}
        for how in names
        for phase in phases
    ]


def test_row_13_base_exceptions_are_failures(scene: Scene) -> None:
    """Whatever a task raises in its constructor, in run or in validate is its failure; the worker lives on."""
    scene.write(*throwers("throw", PHASES), {"name": "throw out", "how": "exit in loop"}, MARK)

    ended = scene.run("-p", "1", "--keep-going")

    tasks = ended.tasks
    assert tasks.pop("mark one")["worker"] == 0
    for name, task in tasks.items():
        how = name.split()[1]
        expected = {
            "recursion": "RecursionError",
            "empty": "ValueError",
            "out": "SystemExit",
        }.get(how, how)
        assert task["result"] == "failure", name
        assert expected in task["failure_reason"], name
        assert 1 == len(task["attempts"]), name
        assert 0 == task["worker"], name


def test_row_13_base_exceptions_of_coroutines_are_failures(scene: Scene) -> None:
    """The same for coroutines, of which many share a process, also when a task that they started raises."""
    inside = [
        {"name": f"throw_async {how} inside", "how": how, "in_subtask": True}
        for how in ("SystemExit", "KeyboardInterrupt")
    ]
    scene.write(*throwers("throw_async", ["run"]), *inside, MARK)

    ended = scene.run("-p", "1", "--keep-going")

    results = ended.results()
    assert results.pop("mark one") == "success"
    assert set(results.values()) == {"failure"}
    for name, task in ended.tasks.items():
        assert 1 == len(task["attempts"]), name
    assert {0} == {task["worker"] for task in ended.tasks.values()}


def test_row_13_a_cancellation_that_nobody_asked_for_is_no_success(scene: Scene) -> None:
    """CancelledError raised by a task itself ends that task and no other."""
    scene.write(
        {"name": "throw it", "how": "CancelledError"}, {"name": "throw_async it", "how": "CancelledError"}, MARK
    )

    ended = scene.run("-p", "1", "--keep-going")

    assert ended.code == 1
    assert {"throw it": "aborted", "throw_async it": "aborted", "mark one": "success"} == ended.results()


SPOILT = {
    "constructor": "AttributeError: 'Spoil' object has no attribute 'context'",
    "manifest": "AttributeError: 'NoneType' object has no attribute 'finished_run_at'",
    "everything": "AttributeError: 'Spoil' object has no attribute 'context'",
    "line": "result not representable: $.log[1]: a int is no line of text",
    "log": "result cannot be recorded: TypeError: 'int' object is not iterable",
}


def test_row_13_what_spoils_its_own_record_has_failed(scene: Scene) -> None:
    """A task that takes apart what it is recorded in, or never made it, fails like any other; the worker lives on."""
    scene.write(*({"name": f"spoil {what}", "what": what} for what in SPOILT), MARK)

    ended = scene.run("-p", "1", "--keep-going")

    assert {name.removeprefix("spoil "): task["failure_reason"] for name, task in ended.tasks.items()} == {
        **SPOILT, "mark one": None,
    }  # fmt: skip
    assert {0} == {task["worker"] for task in ended.tasks.values()}


# --- row 14: exceptions whose text is a trap --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("unprintable", "UnprintableError: <unprintable>"),
        ("cyclic", "ValueError: first"),
        ("huge", "ValueError: xxx"),
        ("surrogate", "ValueError: ? and"),
    ],
)
def test_row_14_texts_of_exceptions_are_tamed(scene: Scene, how: str, reason: str) -> None:
    """A text that raises, a cause that is its own cause, 100 MB, surrogates: a failure of at most 17,000 characters."""
    scene.write({"name": "throw it", "how": how}, MARK)

    ended = scene.run("-p", "1", "--keep-going")

    assert ended.reason("throw it").startswith(reason)
    assert len(ended.reason("throw it")) < 17_000
    assert len(ended.tasks["throw it"].get("traceback") or "") < 70_000
    assert ended.results()["mark one"] == "success"
    assert "\x1b[2J" not in ended.output
    assert "\x00" not in ended.output


# --- row 15: time -----------------------------------------------------------------------------------------------------

HANGING = [
    ("hang", "python"), ("hang", "gil"), ("hang", "sleep"),
    ("hang_async", "await"), ("hang_async", "swallow"), ("hang_async", "block"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "how"), HANGING)
def test_row_15_what_hangs_is_timed_out(scene: Scene, kind: str, how: str) -> None:
    """A task that does not end is timed out, whatever it does meanwhile, and its place is found by another task."""
    scene.write(
        {"name": f"{kind} now", "how": how, "policy": {"timeout": "300ms", "retries": 1, "retry_delay": 0}}, MARK
    )

    ended = scene.run("-p", "1", "--keep-going")

    assert ended.code == 1
    assert ended.reason(f"{kind} now") == "timed out after 0.3 s"
    assert scene.attempts(f"{kind} now") == 2
    assert ended.results()["mark one"] == "success"


def test_row_15_a_worker_that_left_its_process_group_is_ended(scene: Scene) -> None:
    """The group of a worker is killed, and the worker itself, wherever a task has led it."""
    scene.write({"name": "hang now", "how": "astray", "policy": {"timeout": "300ms"}}, MARK)

    ended = scene.run("-p", "1", "--keep-going")

    assert ended.results() == {"hang now": "failure", "mark one": "success"}
    assert ended.reason("hang now") == "timed out after 0.3 s"


def test_row_15_the_place_where_it_hung_is_recorded(scene: Scene) -> None:
    """A worker that is killed for a timeout leaves the stack of its threads in the log and in the certificate."""
    scene.write({"name": "hang now", "how": "python", "policy": {"timeout": "300ms"}})

    ended = scene.run()

    assert "faulty/hang.py" in scene.log(ended, "hang now")
    assert "faulty/hang.py" in "\n".join(ended.tasks["hang now"]["attempts"][0]["last_output"])
    tail = ended.tasks["hang now"]["log"]
    assert tail[0] == "what it said before"
    assert "faulty/hang.py" in "\n".join(tail)


def test_row_15_others_do_not_suffer(scene: Scene) -> None:
    """Coroutines that share the process with one that blocks it are tried again, and are not blamed."""
    others = [{"name": f"wait_async {number}"} for number in range(3)]
    scene.write({"name": "hang_async now", "how": "block", "policy": {"timeout": "1s"}}, *others)
    running = scene.start("-p", "1", "--keep-going")
    scene.gate.open()

    ended = running.wait()

    assert ended.reason("hang_async now") == "timed out after 1 s"
    assert {f"wait_async {number}": "success" for number in range(3)} | {"hang_async now": "failure"} == ended.results()


def test_row_15_validation_has_no_time_of_its_own(scene: Scene) -> None:
    """The timeout counts run and validate together."""
    scene.write({"name": "hang now", "how": "sleep", "phase": "validate", "policy": {"timeout": "300ms"}})

    ended = scene.run()

    assert ended.reason("hang now") == "timed out after 0.3 s"


# --- row 16: stack and memory -----------------------------------------------------------------------------------------


def test_row_16_a_deep_recursion_ends_its_process_only(scene: Scene) -> None:
    """A task that overflows the stack of C takes its worker down, at most twice, and nothing else."""
    scene.write({"name": "die deep", "how": "stack", "policy": {"timeout": "20s"}}, MARK, workers={"memory": "4GiB"})

    ended = scene.run("--keep-going")

    assert ended.results() == {"die deep": "failure", "mark one": "success"}
    assert any(word in ended.reason("die deep") for word in ("SIGSEGV", "RecursionError", "MemoryError"))


def test_row_16_memory_is_bounded_for_every_worker(scene: Scene) -> None:
    """Two greedy tasks at once fail at their own limits; their children have the limit as well."""
    scene.write({"name": "eat a"}, {"name": "eat b"}, workers={"memory": "200MiB"})

    ended = scene.run("-p", "2", "--keep-going")

    assert ["MemoryError", "MemoryError"] == [task["exception"] for task in ended.tasks.values()]


# --- row 17: children -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["orphan", "daemon"])
def test_row_17_children_end_with_a_worker_that_dies(scene: Scene, how: str) -> None:
    """What a task left running goes with its worker, also what left the process group and the session."""
    scene.write({"name": "spawn one", "how": how, "then": "die"}, {"name": "wait here"})
    running = scene.start("--keep-going", "-p", "2")
    scene.gate.wait_for(1)
    running.wait_for_journal_record("spawn one")

    running.wait_until(  # a process that was killed is there for another moment
        lambda: not any("time.sleep" in command for command in processes.marked(scene.mark).values()),
        "end of what it left",
        timeout=2.0,
    )
    scene.gate.open()
    ended = running.wait()

    assert ended.results() == {"spawn one": "failure", "wait here": "success"}


@pytest.mark.parametrize("how", ["orphan", "daemon"])
def test_row_17_children_end_with_the_run(scene: Scene, how: str) -> None:
    """A child that outlives its task does not outlive the run."""
    scene.write({"name": "spawn one", "how": how}, MARK)

    ended = scene.run("-p", "1")

    assert ended.code == 0, ended.output


@pytest.mark.parametrize("how", ["orphan", "daemon"])
def test_row_17_children_end_with_a_killed_coordinator(scene: Scene, how: str) -> None:
    """When the coordinator is killed, nothing of the run is left after a second, wherever tasks put it."""
    scene.write({"name": "spawn one", "how": how, "then": "gate"})
    running = scene.start()
    scene.gate.wait_for(1)

    running.signal(signal.SIGKILL)
    ended = running.wait()

    assert ended.code == -signal.SIGKILL


def test_row_17_a_daemon_of_another_task_is_left_alone(scene: Scene) -> None:
    """The death of one worker does not end what a task of another worker has running."""
    scene.write(
        {"name": "spawn one", "how": "daemon", "then": "gate"},
        {"name": "die now", "how": "SIGKILL", "requires": ["mark one"]},
        MARK,
    )
    running = scene.start("--keep-going", "-p", "2")
    scene.gate.wait_for(1)
    running.wait_for_journal_record("die now")

    daemon = int((scene.work / "daemon.pid").read_text())
    assert processes.state(daemon) in ("S", "R")
    scene.gate.open()
    ended = running.wait()

    assert ended.results()["spawn one"] == "success"


@pytest.mark.parametrize("how", ["returns", "returns in C"])
def test_row_17_a_child_that_comes_back_does_not_answer(scene: Scene, how: str) -> None:
    """A child that a task forked and that runs on in the worker's code says nothing and takes nothing."""
    scene.write({"name": "spawn one", "how": how}, *({"name": f"mark {number}"} for number in range(30)))

    ended = scene.run("-p", "1")

    assert ended.code == 0, ended.output
    assert {1} == {len(task["attempts"]) for task in ended.tasks.values()}
    assert [1] * 30 == [scene.attempts(f"mark {number}") for number in range(30)]


def test_row_17_a_nameless_daemon_is_named(scene: Scene) -> None:
    """A process out of its group and session and without its environment cannot be told to be ours: it is named."""
    scene.write({"name": "spawn one", "how": "nameless"})

    ended = scene.run()

    daemon = int((scene.work / "daemon.pid").read_text())
    try:
        assert ended.code == 0
        assert f"process {daemon} (" in "\n".join(ended.step["log"])
    finally:
        os.kill(daemon, signal.SIGKILL)


# --- row 18: the state of the process ---------------------------------------------------------------------------------

MENDED = [
    "cwd", "removed cwd", "umask", "environment", "handler", "mask", "alarm", "busy alarm", "switches of threads",
    "streams", "recursion", "collector",
]  # fmt: skip
REPLACED = [
    "thread", "open descriptors", "closed output", "limit", "limit of processes", "priority", "process group",
    pytest.param("user", marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")),
]  # fmt: skip


def looks(scene: Scene) -> tuple[dict[str, Any], dict[str, Any]]:
    """The state of the process before and after, as two tasks found it."""
    first, second = (orjson.loads((scene.work / f"look-{name}.json").read_bytes()) for name in ("before", "after"))
    for found in (first, second):
        del found["state"]["environment"]["OTTER_WORKER_ID"]
    return first, second


def leave(what: str) -> list[dict[str, Any]]:
    """A task between two that look around."""
    return [
        {"name": "look before"},
        {"name": "leave it", "what": what, "requires": ["look before"]},
        {"name": "look after", "requires": ["leave it"]},
    ]


@pytest.mark.parametrize("what", MENDED)
def test_row_18_what_can_be_put_back_is_put_back(scene: Scene, what: str) -> None:
    """The next task finds the process as the first one found it, and it is the same process."""
    scene.write(*leave(what))

    ended = scene.run("-p", "1")

    before, after = looks(scene)
    assert ended.code == 0, ended.output
    assert before == after


@pytest.mark.parametrize("what", REPLACED)
def test_row_18_what_cannot_be_put_back_costs_the_worker(scene: Scene, what: str) -> None:
    """The next task finds another process in the same state; the task that did it has succeeded."""
    scene.write(*leave(what))

    ended = scene.run("-p", "1")

    before, after = looks(scene)
    assert ended.code == 0, ended.output
    assert before["state"] == after["state"]
    assert before["pid"] != after["pid"]
    assert {1} == {len(task["attempts"]) for task in ended.tasks.values()}


def test_row_18_closed_descriptors_are_blamed_on_their_task(scene: Scene) -> None:
    """A task that closes every descriptor cannot answer any more: it has crashed, and others go on elsewhere."""
    scene.write({"name": "leave it", "what": "closed descriptors"}, MARK)

    ended = scene.run("-p", "1", "--keep-going")

    assert ended.results() == {"leave it": "failure", "mark one": "success"}
    assert "crashed" in ended.reason("leave it")
    assert "closed" in "\n".join(ended.tasks["leave it"]["attempts"][-1]["last_output"])


# --- rows 19 and 20: output -------------------------------------------------------------------------------------------


def test_row_19_garbage_goes_to_the_log_only(scene: Scene) -> None:
    """Noise, control sequences and forged frames on the standard streams reach the log file, and nothing else."""
    scene.write({"name": "spew it", "how": "garbage"}, MARK)

    ended = scene.run("-p", "1")

    assert ended.code == 0, ended.output
    log = Path(ended.tasks["spew it"]["log_file"]).read_bytes()
    assert 2 == log.count(b"printed noise")
    assert 2 == log.count(b"written noise")
    assert 4 == log.count(b"ReportResult")
    assert "\x1b" not in ended.output


@pytest.mark.parametrize(("how", "megabytes"), [("print", 256), ("child", 1024)])
def test_row_20_a_gigabyte_of_output_is_capped(scene: Scene, how: str, megabytes: int) -> None:
    """Head and tail of the output are kept, the middle is counted, the coordinator does not grow, and others go on."""
    scene.write({"name": "spew it", "how": how, "megabytes": megabytes, "at_gate": True}, {"name": "wait here"})
    running = scene.start("-p", "2")
    assert scene.gate.wait_for(1) == ["wait here"]
    before = processes.peak_memory(running.pid)
    assert scene.gate.wait_for(1) == ["spew it"]
    after = processes.peak_memory(running.pid)
    scene.gate.open()

    ended = running.wait()

    assert ended.code == 0, ended.output
    assert after - before < 10 << 20
    log = Path(ended.tasks["spew it"]["log_file"])
    assert log.stat().st_size <= (64 << 20) + RING + 4096
    text = log.read_text()
    assert text.startswith("the first line\n")
    assert text.endswith("the last line\n")
    assert "bytes left out" in text
    assert ended.tasks["spew it"]["log"][-1] == "the last line"


def test_row_20_a_log_that_finds_no_room_is_no_failure(scene: Scene) -> None:
    """The disk fills up under a task that logs: the manifest keeps the last lines."""
    scene.write({"name": "spew it", "how": "print"}, MARK)
    logs = scene.state / "logs"
    logs.mkdir(parents=True)
    (logs / file_name("spew it", ".log")).symlink_to("/dev/full")

    ended = scene.run("--resume")

    assert ended.code == 0, ended.output
    assert ended.results() == {"spew it": "success", "mark one": "success"}
    assert ended.tasks["spew it"]["log"][-1] == "the last line"


# --- row 21: values ---------------------------------------------------------------------------------------------------

UNREPRESENTABLE = [
    "nan", "infinity", "2^64", "-2^63-1", "10^5000", "surrogate", "bytes", "set", "tuple", "int key", "long key",
    "cyclic", "deep", "object", "hostile", "complex", "function",
]  # fmt: skip


@pytest.mark.parametrize("where", ["artifact", "value", "spec"])
def test_row_21_what_json_cannot_carry_is_refused_with_its_path(scene: Scene, where: str) -> None:
    """A value that would change on its way makes the task fail, and the place of the value is named."""
    place = {
        "artifact": "$.artifacts[0].a[3]",
        "value": "$.scratchpad.given.a[0]",
        "spec": "$.specs['mark given'].a[0]",
    }
    scene.write(*({"name": f"give {what}", "what": what, "where": where} for what in UNREPRESENTABLE), MARK)

    ended = scene.run("-p", "1", "--keep-going")

    results = ended.results()
    assert results.pop("mark one") == "success"
    assert {"failure"} == set(results.values()), results
    for what in UNREPRESENTABLE:
        if what not in ("hostile", "cyclic"):
            assert place[where] in ended.reason(f"give {what}"), what
    assert "nested more than 64 deep" in ended.reason("give cyclic")
    assert {0} == {task["worker"] for task in ended.tasks.values()}


@pytest.mark.parametrize("where", ["artifact", "value", "spec"])
def test_row_21_edges_are_carried_exactly(scene: Scene, where: str) -> None:
    """The largest and smallest integers, floats and the last character of Unicode arrive as they were given."""
    scene.write({"name": "give edges", "what": "edges", "where": where})

    ended = scene.run()

    edges = [2**64 - 1, -(2**63), 0.1, "\U0010ffff"]
    assert ended.code == 0, ended.output
    if where == "artifact":
        assert ended.tasks["give edges"]["artifacts"][0]["a"][3] == edges
    elif where == "value":
        assert {"given": {"a": [edges]}} in [record.get("values") for record in scene.journal()]
    else:
        assert [{"name": "mark given", "a": [edges]}] == [
            {key: spec[key] for key in ("name", "a")} for record in scene.journal() for spec in record.get("specs", ())
        ]


def test_row_21_a_large_result_goes_through_a_file(scene: Scene) -> None:
    """Results beyond a frame arrive whole, and leave no file behind."""
    scene.write({"name": "give a", "what": "2 MiB"}, {"name": "give b", "what": "17 MiB"})

    ended = scene.run("-p", "1")

    assert ended.code == 0, ended.output
    assert [2 << 20, 17 << 20] == [len(task["artifacts"][0]["a"][3]) for task in ended.tasks.values()]
    assert not (scene.state / "spill").exists()


# --- row 23: artifacts ------------------------------------------------------------------------------------------------


def one_artifact(scene: Scene) -> Path:
    """A run of two tasks, of which the second requires the first, which makes a file."""
    scene.write({"name": "mark one", "destination": "one.txt"}, {"name": "mark two", "requires": ["mark one"]})
    ended = scene.run()
    assert ended.code == 0, ended.output
    return scene.work / "one.txt"


def test_row_23_nothing_runs_again_that_stands(scene: Scene) -> None:
    """With --resume a task whose artifacts are as they were does not run again, touched or not."""
    path = one_artifact(scene)
    os.utime(path)

    ended = scene.run("--resume", "--explain")

    assert ended.code == 0
    assert [1, 1] == [scene.attempts("mark one"), scene.attempts("mark two")]
    assert "mark one: done before, nothing changed" in ended.output
    assert ended.tasks["mark one"]["reused"] is True


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda path: path.unlink(), "is gone"),
        (lambda path: path.write_text("short"), "has 5 bytes instead of 9"),
        (lambda path: path.write_text("mark ONE\n"), "has another SHA-256"),
        (lambda path: (path.unlink(), path.mkdir()), "is no file any more"),
    ],
)
def test_row_23_a_changed_artifact_is_made_again(scene: Scene, change: Any, why: str) -> None:
    """With --resume a task whose artifact is gone or changed runs again, and so does what requires it; it says why."""
    path = one_artifact(scene)
    change(path)
    if path.is_dir():
        path.rmdir()
        path.symlink_to("/dev")

    ended = scene.run("--resume", "--explain")

    assert why in ended.output
    if ended.code == 0:
        assert [2, 2] == [scene.attempts("mark one"), scene.attempts("mark two")]
        assert "mark two: 'mark one', which it requires, ran again" in ended.output


# --- row 24: the same in validate -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "reason"), [("SIGKILL", "SIGKILL"), ("segfault", "SIGSEGV"), ("exit:0", "exited with 0")]
)
def test_row_24_death_in_validation(scene: Scene, how: str, reason: str) -> None:
    """A worker that dies in validate is handled as in run; the task begins again from its run."""
    scene.write(
        {"name": "die now", "how": how, "phase": "validate"},
        {"name": "die once", "how": how, "phase": "validate", "times": 1},
    )

    ended = scene.run("-p", "1", "--keep-going")

    assert ended.results() == {"die now": "failure", "die once": "success"}
    assert reason in ended.reason("die now")
    assert [2, 2] == [scene.attempts("die now"), scene.attempts("die once")]


@pytest.mark.parametrize("how", ["python", "gil"])
def test_row_24_a_hanging_validation(scene: Scene, how: str) -> None:
    """A validation that hangs is timed out with its task."""
    scene.write({"name": "hang now", "how": how, "phase": "validate", "policy": {"timeout": "300ms"}})

    assert scene.run().reason("hang now") == "timed out after 0.3 s"


def test_the_diary_counts_attempts(tmp_path: Path) -> None:
    """What these tests rely on: each attempt leaves one line, whoever writes it."""
    counts = [diary.note(tmp_path, "a b") for _ in range(3)]

    assert [1, 2, 3] == counts
    assert [os.getpid()] * 3 == diary.pids(tmp_path, "a b")
