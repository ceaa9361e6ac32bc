"""Failures by cause."""

from __future__ import annotations

from typing import Any

import pytest

from otter.manifest.model import Result
from otter.report.causes import cause_of_task, failures, recovered
from otter.report.facts import AttemptFacts, TaskFacts
from otter.step.coordinator.causes import Cause
from tests.coordinator.report.manifests import TRACEBACK


def failed(reason: str | None, name: str = "copy x", **values: Any) -> TaskFacts:
    """A task that failed."""
    return TaskFacts(name=name, kind="copy", result=Result.FAILURE, reason=reason, **values)


def died(result: str, reason: str, **values: Any) -> AttemptFacts:
    """An attempt whose worker did not answer for it."""
    return AttemptFacts(number=1, worker=0, result=result, reason=reason, **values)


LIBRARY = TRACEBACK.replace(
    "KeyError:", '  File "/env/lib/python3.12/site-packages/polars/frame.py", line 9, in row\n    x\nKeyError:'
)
WIRE = TRACEBACK.replace("KeyError:", '  File "/env/src/otter/wire/values.py", line 9, in exact\n    x\nKeyError:')
PACKAGE = TRACEBACK.replace("transform.py", "genes/__init__.py")
KILLED = "killed by SIGKILL, possibly out of memory (peak 367.0 MiB)"
STARVED = "killed by SIGKILL, out of memory as the kernel reports (peak 367.0 MiB)"
CASES = [
    (failed("KeyError: 'gene_id'", exception="KeyError", traceback=TRACEBACK),
     Cause("exception", "KeyError", "transform.py:131, in convert")),
    (failed("KeyError: 'gene_id'", exception="KeyError", traceback=LIBRARY),
     Cause("exception", "KeyError", "transform.py:131, in convert")),
    (failed("KeyError: 'gene_id'", exception="KeyError", traceback=WIRE),
     Cause("exception", "KeyError", "transform.py:131, in convert")),
    (failed("KeyError: 'gene_id'", exception="KeyError", traceback=PACKAGE),
     Cause("exception", "KeyError", "genes/__init__.py:131, in convert")),
    (failed("ValueError: row 17 of /data/a/b.tsv has 3 columns"),
     Cause("exception", "ValueError", "row … of … has … columns")),
    (failed("DownloadError: https://user:secret@FTP.example.org:8021/x.tsv: 503"),
     Cause("host", "ftp.example.org:8021", "DownloadError")),
    (failed("cannot use http://[broken for 'x'"), Cause("message", "cannot use http://[broken for …")),
    (failed(f"crashed: {KILLED}", attempts=[died("crashed", KILLED, signal="SIGKILL")]),
     Cause("death", "killed by SIGKILL", "possibly out of memory")),
    (failed(f"crashed: {STARVED}", attempts=[died("crashed", STARVED, signal="SIGKILL")]),
     Cause("death", "killed by SIGKILL", "out of memory")),
    (failed("crashed: exited with 3", attempts=[died("crashed", "exited with 3", exit_code=3)]),
     Cause("death", "exited with 3 before it answered")),
    (failed("crashed: broke the protocol: unknown kind of message 'X'",
            attempts=[died("stopped", "broke the protocol: unknown kind of message 'X'", signal="SIGKILL")]),
     Cause("death", "stopped", "broke the protocol: unknown kind of message …")),
    (failed("no answer after 10m", attempts=[died("timed out", "no answer after 10m")]),
     Cause("death", "timed out", "no answer after …m")),
    (failed("timed out after 600 s", exception="TaskAbortedError", traceback=TRACEBACK,
            attempts=[died("aborted", "TaskAbortedError: stopped")]),
     Cause("death", "timed out", "after … s")),
    (failed(None), Cause("message", "no reason was recorded")),
]  # fmt: skip


@pytest.mark.parametrize(("task", "cause"), CASES, ids=[f"{cause.title} {cause.detail}".strip() for _, cause in CASES])
def test_the_cause_of_a_failure(task: TaskFacts, cause: Cause) -> None:
    """A death, a host, an exception at a place of the author's own code, or else the words of the reason."""
    assert cause == cause_of_task(task)


def test_a_host_is_one_cause_however_it_fails() -> None:
    """Different errors of one host are one group, with all its tasks; the largest group comes first."""
    tasks = [
        failed("KeyError: 'x'", exception="KeyError", traceback=TRACEBACK),
        failed("DownloadError: https://a.org/1: 503"),
        failed("TimeoutError: https://a.org/2 did not answer"),
        failed("DownloadError: https://b.org/2: 404"),
    ]
    assert [("a.org", [1, 2]), ("KeyError", [0]), ("b.org", [3])] == [
        (group.cause.title, group.tasks) for group in failures(tasks)
    ]


def test_failed_attempts_of_tasks_that_succeeded_are_counted_apart() -> None:
    """A task that was repeated for one cause is named once, and is no failure."""
    attempts = [died("crashed", "killed by SIGKILL", signal="SIGKILL")] * 2
    attempts.append(AttemptFacts(number=3, worker=1, result="success"))
    task = TaskFacts(name="copy x", kind="copy", result=Result.SUCCESS, attempts=attempts)
    assert [] == failures([task])
    assert [("killed by SIGKILL", [0])] == [(group.cause.title, group.tasks) for group in recovered([task])]


def test_failures_of_an_earlier_run_are_not_this_runs() -> None:
    """A reused entry says nothing of this run."""
    assert [] == failures([failed("ValueError: x", reused=True)])
