"""Rows 1 to 12 of the matrix: the worker's process dies, stops, or never serves."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.support import processes
from tests.support.runs import ROOT, Scene, stop_group

MARK = {"name": "mark one"}


def once(scene: Scene, point: str, action: str = "kill") -> dict[str, str]:
    """The environment in which only the first worker that comes to a failpoint acts."""
    return {"OTTER_FAIL": f"{point}:{action}:1:{scene.path / 'once'}"}


@pytest.mark.parametrize("point", ["worker.before_recv", "worker.after_recv"])
def test_row_01_death_before_a_task_blames_nobody(scene: Scene, point: str) -> None:
    """A worker killed before it begins a task costs the task nothing: another worker runs it as its first attempt."""
    scene.write(MARK)

    ended = scene.run(env=once(scene, point))

    assert ended.code == 0, ended.output
    assert [attempt["attempt"] for attempt in ended.tasks["mark one"]["attempts"]] == [1]
    assert scene.attempts("mark one") == 1


@pytest.mark.parametrize("point", ["worker.before_recv", "worker.after_recv"])
def test_row_01_deaths_without_end_end_the_run(scene: Scene, point: str) -> None:
    """Workers that all die before they begin a task end the run, with the reason: no endless replacement."""
    scene.write(MARK)

    ended = scene.run(env={"OTTER_FAIL": f"{point}:kill"})

    assert ended.code == 1
    assert "SIGKILL" in ended.step["failure_reason"]
    assert ended.results() == {"mark one": "pending"}
    assert scene.attempts("mark one") == 0


@pytest.mark.parametrize("point", ["task.before", "task.during", "task.after", "result.before_send", "result.mid_send"])
def test_row_02_to_04_death_in_an_attempt_is_made_good(scene: Scene, point: str) -> None:
    """A worker killed between the begin of an attempt and its answer costs one attempt; the next one succeeds."""
    scene.write(MARK)

    ended = scene.run(env=once(scene, point))

    assert ended.code == 0, ended.output
    first, second = ended.tasks["mark one"]["attempts"]
    assert ("crashed", "SIGKILL", 1) == (first["result"], first["signal"], first["attempt"])
    assert ("success", 2) == (second["result"], second["attempt"])
    assert first["worker"] != second["worker"]
    assert first["next"] == "tried again at once"


@pytest.mark.parametrize("point", ["task.during", "result.before_send", "result.mid_send"])
def test_row_02_to_04_two_deaths_are_a_crash(scene: Scene, point: str) -> None:
    """A task during which two workers die is called crashed, with the signal, and is not tried a third time."""
    scene.write(MARK)

    ended = scene.run("--retries", "5", env={"OTTER_FAIL": f"{point}:kill"})

    assert ended.code == 1
    assert "crashed: killed by SIGKILL" in ended.reason("mark one")
    assert ["crashed", "crashed"] == [attempt["result"] for attempt in ended.tasks["mark one"]["attempts"]]
    assert ended.tasks["mark one"]["attempts"][-1]["next"].startswith("given up")


def test_row_03_outputs_of_a_dead_attempt_are_not_published(scene: Scene) -> None:
    """What an attempt wrote before its worker died is no artifact: only the attempt that answered names some."""
    scene.write({"name": "mark one", "destination": "out/one.txt"})

    ended = scene.run(env={"OTTER_FAIL": "result.before_send:kill"})

    assert ended.code == 1
    assert ended.tasks["mark one"]["artifacts"] == []
    assert (scene.work / "out/one.txt").exists()


def test_row_04_a_torn_frame_is_dropped(scene: Scene) -> None:
    """Half a result is no result: the task runs again, and its values are those of the whole answer."""
    later = {"name": "mark later", "destination": "${key}.txt", "requires": ["mark one"]}
    scene.write({"name": "mark one", "store": {"key": "value"}}, later)

    ended = scene.run(env=once(scene, "result.mid_send"))

    assert ended.code == 0, ended.output
    assert scene.attempts("mark one") == 2
    assert (scene.work / "value.txt").exists()


def test_row_05_a_result_that_was_sent_is_kept(scene: Scene) -> None:
    """A worker killed right after its answer loses nothing: the answer counts, and nothing runs twice."""
    scene.write(MARK, {"name": "mark two", "requires": ["mark one"]})

    ended = scene.run("-p", "1", env=once(scene, "result.after_send"))

    assert ended.code == 0, ended.output
    assert [1, 1] == [scene.attempts("mark one"), scene.attempts("mark two")]
    assert ended.tasks["mark one"]["worker"] != ended.tasks["mark two"]["worker"]


@pytest.mark.parametrize(("how", "number"), [("segfault", "SIGSEGV"), ("abort", "SIGABRT")])
def test_row_06_a_crash_in_c_leaves_a_dump(scene: Scene, how: str, number: str) -> None:
    """A crash in C code is named by its signal, and the place in Python's code is in the task's log and certificate."""
    scene.write({"name": "die now", "how": how})

    ended = scene.run()

    assert ended.code == 1
    assert f"killed by {number}" in ended.reason("die now")
    assert "Fatal Python error" in scene.log(ended, "die now")
    assert "faulty/die.py" in scene.log(ended, "die now")
    assert "faulty/die.py" in "\n".join(ended.tasks["die now"]["attempts"][0]["last_output"])


@pytest.mark.parametrize("status", [0, 3])
def test_row_07_exit_is_no_answer(scene: Scene, status: int) -> None:
    """A task that ends its process, even with status 0, has crashed."""
    scene.write({"name": "die now", "how": f"exit:{status}"})

    ended = scene.run()

    assert ended.code == 1
    assert f"exited with {status} before it answered" in ended.reason("die now")
    assert [status, status] == [attempt["exit_code"] for attempt in ended.tasks["die now"]["attempts"]]


def test_row_08_too_much_memory_is_a_failure(scene: Scene) -> None:
    """Under a memory limit a greedy task fails with MemoryError, and the next task gets a sound worker."""
    scene.write({"name": "eat all"}, MARK, workers={"memory": "256MiB"})

    ended = scene.run("-p", "1", "--keep-going")

    assert ended.code == 1
    assert ended.reason("eat all").startswith("MemoryError")
    assert ended.tasks["eat all"]["exception"] == "MemoryError"
    assert 100 << 20 < ended.tasks["eat all"]["attempts"][0]["peak_memory"] < 400 << 20
    assert ended.results()["mark one"] == "success"


def test_row_08_a_kill_from_outside_may_be_memory(scene: Scene) -> None:
    """A SIGKILL that we did not send is reported as possibly out of memory, with the peak memory of the process."""
    scene.write({"name": "die now", "how": "SIGKILL"})

    ended = scene.run()

    assert "possibly out of memory (peak " in ended.reason("die now")
    assert ended.tasks["die now"]["attempts"][0]["peak_memory"] > 5 << 20


def test_row_09_a_stopped_worker_is_timed_out(scene: Scene) -> None:
    """A process that is stopped from outside counts as timed out at the deadline of its task."""
    scene.write({"name": "die now", "how": "SIGSTOP", "policy": {"timeout": "300ms"}}, MARK)

    ended = scene.run("-p", "1", "--keep-going")

    assert ended.code == 1
    assert "timed out after 0.3 s" in ended.reason("die now")
    assert ended.results()["mark one"] == "success"


def test_row_09_a_worker_stopped_between_tasks_is_replaced(scene: Scene) -> None:
    """A process that stops after it took tasks and before it began one is replaced; the tasks lose nothing."""
    scene.write(MARK, workers={"start_timeout": "4s"})

    ended = scene.run("-p", "1", env=once(scene, "worker.after_recv", "stop"))

    assert ended.code == 0, ended.output
    assert [1] == [attempt["attempt"] for attempt in ended.tasks["mark one"]["attempts"]]


def test_row_09_what_a_stopped_worker_has_not_begun_goes_to_another(scene: Scene) -> None:
    """Nobody waits for the end of a process that is stopped between tasks, which has half a minute to begin one."""
    scene.write(MARK)

    ended = scene.run("-p", "2", env=once(scene, "worker.after_recv", "stop"))

    assert ended.code == 0, ended.output
    assert [1] == [attempt["attempt"] for attempt in ended.tasks["mark one"]["attempts"]]
    assert ended.elapsed < 25.0


def test_row_09_a_stopped_guardian_does_not_keep_a_run_from_ending(scene: Scene) -> None:
    """The process that would end what a killed coordinator leaves is ended with the run, also when it is stopped."""
    scene.write({"name": "wait here"})
    running = scene.start()
    scene.gate.wait_for(1)

    (guardian,) = (pid for pid, command in processes.marked(scene.mark).items() if "guardian.py" in command)
    os.kill(guardian, signal.SIGSTOP)
    scene.gate.open()

    assert 0 == running.wait().code


def test_row_10_nobody_is_late_because_we_slept(scene: Scene) -> None:
    """When everything was stopped for longer than a task's timeout, the task still has its time afterwards."""
    scene.write({"name": "wait here", "policy": {"timeout": "4s"}})
    running = scene.start()
    scene.gate.wait_for(1)

    stop_group(running, signal.SIGSTOP)
    time.sleep(6.0)  # the fault itself: no time passes for what is stopped
    stop_group(running, signal.SIGCONT)
    time.sleep(0.6)  # and for the first deadline, which has passed, to be looked at
    scene.gate.open()
    ended = running.wait()

    assert ended.code == 0, ended.output
    assert scene.attempts("wait here") == 1


def package(scene: Scene, text: str) -> tuple[str, ...]:
    """A task package with one module; the flags that register it."""
    directory = scene.path / "own_tasks"
    directory.mkdir()
    (directory / "__init__.py").write_text("")
    (directory / "something.py").write_text(text)
    return "--tasks", "own_tasks"


def test_row_11_no_hello_ends_the_run(scene: Scene) -> None:
    """Workers that never say hello are given three chances; the run ends and shows where they hang."""
    flags = package(scene, "import time\nprint('thinking', flush=True)\ntime.sleep(3600)\n")
    scene.write(MARK, workers={"start_timeout": "1s"})

    ended = scene.run(*flags, env={"PYTHONPATH": f"{ROOT}:{scene.path}"})

    assert ended.code != 0
    assert "no hello within 1 s" in ended.output
    assert "something.py" in ended.output


def test_row_11_a_missing_interpreter_ends_the_run(scene: Scene) -> None:
    """An interpreter that does not exist ends the run at once, and is named."""
    scene.write(MARK, workers={"python": "/nowhere/python"})

    ended = scene.run()

    assert ended.code != 0
    assert "/nowhere/python" in ended.output
    assert "Traceback" not in ended.output


@pytest.mark.parametrize(
    ("text", "shown"),
    [("import os\nos._exit(1)\n", "exited with 1"), ("import os\nos.kill(os.getpid(), 9)\n", "SIGKILL")],
)
def test_row_12_death_at_the_start_ends_the_run(scene: Scene, text: str, shown: str) -> None:
    """When every worker dies at its start the run ends soon, with the reason, after three of them and not a storm."""
    flags = package(scene, f"import os\nos.write(2, b'born {{}}\\n'.replace(b'{{}}', b'to die'))\n{text}")
    scene.write(MARK)

    ended = scene.run(*flags, env={"PYTHONPATH": f"{ROOT}:{scene.path}"})

    assert ended.code != 0
    assert shown in ended.output
    assert "born to die" in ended.output
    assert ended.elapsed < 20
