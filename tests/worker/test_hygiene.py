"""What a task leaves behind in its process is put back, and what was there before it stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from otter.step.worker import hygiene
from otter.step.worker.hygiene import Fingerprint

TIMERS = [signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF]


@pytest.fixture(params=TIMERS)
def timer(request: pytest.FixtureRequest) -> Iterator[int]:
    """A timer of the process, which is off before and after the test."""
    number: int = request.param
    former = signal.setitimer(number, 0)
    yield number
    signal.setitimer(number, *former)


def test_a_timer_that_a_task_set_is_off_for_the_next_one(timer: int) -> None:
    """Its signal would end a task that knows nothing of it."""
    fingerprint = Fingerprint()
    signal.setitimer(timer, 3600.0)
    assert fingerprint.restore() is None
    assert signal.getitimer(timer) == (0.0, 0.0)


def test_a_timer_that_was_set_before_all_tasks_goes_on(timer: int) -> None:
    """As that of a profiler that looks at the whole worker."""
    signal.setitimer(timer, 3600.0)
    fingerprint = Fingerprint()
    assert fingerprint.restore() is None
    assert signal.getitimer(timer) != (0.0, 0.0)


COUNTED = """
import os, signal, sys, time
from otter.step.worker import hygiene

hygiene.count_changes()
fingerprint = hygiene.Fingerprint()
assert fingerprint.restore() is None
began = time.monotonic()
{change}
said = fingerprint.restore()
assert time.monotonic() - began < hygiene.LOOK_AGE, "the machine slept: nothing is shown"
print(said, {state})
"""


@pytest.mark.parametrize(
    ("change", "state", "said"),
    [
        ("os.umask(0o077)", "oct(os.umask(0))", "None 0o22"),
        ("os.chdir('/usr')", "os.getcwd()", "None /"),
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", "int(signal.getsignal(signal.SIGTERM))", "None 0"),
        ("signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])", "signal.pthread_sigmask(0, [])", "None set()"),
        ("signal.alarm(100)", "signal.alarm(0)", "None 0"),
        ("os.nice(1)", "''", "the priority of the process was changed "),
        ("os.setsid()", "''", "the user, the group or the process group of the process was changed "),
        ("os.dup2(0, 2)", "''", "descriptors were closed that are not the task's own "),
        ("os.close(2)", "''", "descriptors were closed that are not the task's own "),
        ("os.environ['NEW'] = '1'", "'NEW' in os.environ", "None False"),
    ],
)
def test_a_change_is_seen_however_brief_the_task_was(change: str, state: str, said: str) -> None:
    """What the system keeps is not asked for after each brief task, but after one that called what changes it."""
    program = COUNTED.format(change=change, state=state)
    command = [sys.executable, "-c", program]
    for _ in range(20):
        done = subprocess.run(command, cwd="/", umask=0o022, capture_output=True, text=True, check=False)
        if "the machine slept" not in done.stderr:
            break
    else:
        pytest.fail("the machine slept each time")
    assert (f"{said}\n", 0) == (done.stdout, done.returncode), done.stderr


def test_a_change_behind_the_back_of_python_is_seen_a_moment_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Code in C calls nothing that could be counted: it is found when the last look is old."""
    monkeypatch.setattr(hygiene, "_calls", 0)  # as if somebody counted, who sees nothing of what follows
    former = os.umask(0o022)
    try:
        fingerprint = Fingerprint()
        assert fingerprint.restore() is None
        os.umask(0o077)
        time.sleep(hygiene.LOOK_AGE)
        assert fingerprint.restore() is None
        assert 0o022 == os.umask(0o022)
    finally:
        os.umask(former)
