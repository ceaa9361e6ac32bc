"""What is shown of the log of a task that failed."""

from __future__ import annotations

from otter.observers.excerpt import excerpt, first_of_chain
from otter.observers.plain import last_lines

STACKS = """\
Thread 0x00007f43ff7ff6c0 (most recent call first):
  File "/env/otter/step/worker/channel.py", line 70 in get

Current thread 0x00007f44011f3b80 (most recent call first):
  File "/mine/nap.py", line 14 in doze
  File "/mine/nap.py", line 20 in run
  File "/env/otter/task/task_reporter.py", line 118 in reported
  File "/env/otter/step/worker/worker.py", line 456 in _drive
""".splitlines()
SHOWN = [*STACKS[3:6], "  …"]
CHAIN = """\
Traceback (most recent call last):
  one
KeyError: 1

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  two
ValueError: 2
""".splitlines()


def test_of_stacks_the_own_frames_are_kept() -> None:
    """What the task said before them stays; other threads and what calls tasks go."""
    assert ["said", *SHOWN] == excerpt(["said", *STACKS])


def test_of_several_attempts_the_last_is_kept() -> None:
    """The others have failed, too, and would take the place of what it said."""
    assert ["two", *SHOWN] == excerpt(["one", *STACKS, "[attempt 2]", "two", *STACKS])


def test_stacks_without_own_frames_are_kept() -> None:
    """A worker may be stopped before it comes to the task."""
    frames = STACKS[6:]
    assert [STACKS[3], *frames] == excerpt([STACKS[3], *frames])


def test_a_task_may_say_the_same_words() -> None:
    """Where something else follows, they are no stacks of a process that ended."""
    log = ["Current thread is mine", "and so on"]
    assert log == excerpt(log)
    assert ["[attempt 2]"] == excerpt(["[attempt 2]"])
    assert [] == excerpt([])


def test_what_a_task_said_stands_before_its_last_traceback() -> None:
    """Those that led to it are left out; a traceback that the task logged before is what it said."""
    own = [*CHAIN[:3], "went on"]
    assert [*own, *CHAIN[6:]] == last_lines([*own, *CHAIN])
    assert len(own) == first_of_chain([*own, *CHAIN])
    assert 1 == first_of_chain(["said"])
    assert CHAIN[6:] == last_lines(CHAIN[1:]), "the beginning of the log is cut off"
