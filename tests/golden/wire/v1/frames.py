"""Frames of protocol 1.0, as messages and as bytes. They stay for ever: what was once sent must be understood.

Nothing writes this file. A change that makes a test of these frames fail changes the protocol: it needs another
version, with frames of its own beside these.
"""

from __future__ import annotations

from typing import Any

from otter.wire.messages import (
    AbortTasks,
    AddSpecs,
    CheckSpecs,
    ConfirmRevoke,
    Refuse,
    ReportCheck,
    ReportResult,
    ReportStart,
    RevokeTasks,
    RunTask,
    SayHello,
    SpillMessage,
    Stop,
    StoreValues,
    Welcome,
)

FRAMES: tuple[tuple[str, str, list[Any], bytes], ...] = (
    (
        "hello",
        "to_coordinator",
        [
            SayHello(
                oldest="1.0",
                newest="1.0",
                worker=0,
                pid=4711,
                python="3.11.9",
                distributions={"otter-model": "0.1.0", "otter-worker": "0.1.0"},
                task_types=[
                    {"name": "copy", "fields": [{"name": "source", "schema": {"type": "string"}, "required": True}]}
                ],
            )
        ],
        (
            b"\x00\x00\x01\x01\xae\xf6\xda\x83"
            b'[{"oldest":"1.0","newest":"1.0","worker":0,"pid":4711,"python":"3.11.9","distributions":'
            b'{"otter-model":"0.1.0","otter-worker":"0.1.0"},"task_types":[{"name":"copy","fields":[{"'
            b'name":"source","schema":{"type":"string"},"required":true}]}],"kind":"SayHello"}]'
        ),
    ),
    (
        "hello of a worker that cannot serve",
        "to_coordinator",
        [SayHello("1.0", "1.0", 3, 4711, "3.14.0", problem="ModuleNotFoundError: No module named 'tasks'")],
        (
            b"\x00\x00\x00\x94\xd3\x1a\x65\x12"
            b'[{"oldest":"1.0","newest":"1.0","worker":3,"pid":4711,"python":"3.14.0","problem":"Modul'
            b'eNotFoundError: No module named \'tasks\'","kind":"SayHello"}]'
        ),
    ),
    (
        "welcome",
        "to_worker",
        [
            Welcome(
                protocol="1.0",
                run="9f8e7d6c5b4a39281706f5e4d3c2b1a0",
                config={"step": "fetch", "steps": ["fetch"], "work_path": "/work", "release_uri": None, "pool_size": 5},
                values={"chembl_version": "35"},
                log_dir="/work/.otter/otter_fetch/logs",
                spill_dir="/work/.otter/otter_fetch/spill",
                concurrency=4,
                log_limit=1048576,
            )
        ],
        (
            b"\x00\x00\x01\x4b\x75\x6e\xa7\xf5"
            b'[{"protocol":"1.0","run":"9f8e7d6c5b4a39281706f5e4d3c2b1a0","config":{"step":"fetch","st'
            b'eps":["fetch"],"work_path":"/work","release_uri":null,"pool_size":5},"values":{"chembl_v'
            b'ersion":"35"},"log_dir":"/work/.otter/otter_fetch/logs","spill_dir":"/work/.otter/otter_'
            b'fetch/spill","concurrency":4,"log_limit":1048576,"kind":"Welcome"}]'
        ),
    ),
    (
        "welcome with defaults",
        "to_worker",
        [Welcome("1.0", "r", {"step": "s"})],
        (b'\x00\x00\x00\x45\x67\xf1\xd9\x70[{"protocol":"1.0","run":"r","config":{"step":"s"},"kind":"Welcome"}]'),
    ),
    (
        "refusal",
        "to_worker",
        [Refuse("worker 0: the peer speaks protocol 2.0, this side speaks 1.0: install matching versions of otter")],
        (
            b"\x00\x00\x00\x7f\x47\xc5\x32\xa9"
            b'[{"reason":"worker 0: the peer speaks protocol 2.0, this side speaks 1.0: install matchi'
            b'ng versions of otter","kind":"Refuse"}]'
        ),
    ),
    (
        "task",
        "to_worker",
        [RunTask(7, 1, {"name": "copy targets", "source": "https://example.org/t.tsv", "destination": "input/t.tsv"})],
        (
            b"\x00\x00\x00\x89\xe4\xc2\xea\xc9"
            b'[{"task":7,"attempt":1,"spec":{"name":"copy targets","source":"https://example.org/t.tsv'
            b'","destination":"input/t.tsv"},"kind":"RunTask"}]'
        ),
    ),
    (
        "task that must be alone",
        "to_worker",
        [RunTask(0, 2, {"name": "copy a"}, alone=True)],
        (
            b"\x00\x00\x00\x4f\x45\x15\x2c\x7f"
            b'[{"task":0,"attempt":2,"spec":{"name":"copy a"},"alone":true,"kind":"RunTask"}]'
        ),
    ),
    (
        "task with a value that another one stored",
        "to_worker",
        [RunTask(3, 1, {"name": "copy a", "source": "https://example.org/a"}, from_tasks=["source"])],
        (
            b"\x00\x00\x00\x7b\xdf\x7f\xed\xfd"
            b'[{"task":3,"attempt":1,"spec":{"name":"copy a","source":"https://example.org/a"},'
            b'"from_tasks":["source"],"kind":"RunTask"}]'
        ),
    ),
    (
        "tasks in a batch",
        "to_worker",
        [RunTask(8, 1, {"name": "copy a"}), RunTask(9, 1, {"name": "copy b"}), StoreValues({"latest": "a.tsv"})],
        (
            b"\x00\x00\x00\xb6\xcd\xfd\xf3\x30"
            b'[{"task":8,"attempt":1,"spec":{"name":"copy a"},"kind":"RunTask"},{"task":9,"attempt":1,'
            b'"spec":{"name":"copy b"},"kind":"RunTask"},{"values":{"latest":"a.tsv"},"kind":"StoreVal'
            b'ues"}]'
        ),
    ),
    (
        "largest and smallest integers",
        "to_worker",
        [RunTask(1, 1, {"name": "copy a", "least": -9223372036854775808, "most": 18446744073709551615})],
        (
            b"\x00\x00\x00\x7b\x7d\xe7\xab\x93"
            b'[{"task":1,"attempt":1,"spec":{"name":"copy a","least":-9223372036854775808,"most":18446'
            b'744073709551615},"kind":"RunTask"}]'
        ),
    ),
    (
        "text beyond ASCII",
        "to_worker",
        [StoreValues({"caf\N{LATIN SMALL LETTER E WITH ACUTE} \N{OTTER}": '\N{LINE SEPARATOR}\x00\n"\\'})],
        (
            b"\x00\x00\x00\x42\x6f\x87\x1a\x44"
            b'[{"values":{"caf\xc3\xa9 \xf0\x9f\xa6\xa6":"\xe2\x80\xa8\\u0000\\n\\"\\\\"},"kind":"StoreValues"}]'
        ),
    ),
    (
        "revocation",
        "to_worker",
        [RevokeTasks([8, 9])],
        (b'\x00\x00\x00\x26\x21\x78\xc0\x40[{"tasks":[8,9],"kind":"RevokeTasks"}]'),
    ),
    (
        "request to stop tasks",
        "to_worker",
        [AbortTasks(10.0, [7])],
        (b'\x00\x00\x00\x30\x63\xb4\xab\xa6[{"grace":10.0,"tasks":[7],"kind":"AbortTasks"}]'),
    ),
    (
        "request to stop all tasks",
        "to_worker",
        [AbortTasks(0.5)],
        (b'\x00\x00\x00\x23\xc1\xdc\x4b\x78[{"grace":0.5,"kind":"AbortTasks"}]'),
    ),
    (
        "values",
        "to_worker",
        [
            StoreValues(
                {"latest": "targets_35.tsv", "n": 3, "ratio": 0.25, "flag": True, "none": None, "list": [1, [2]]}
            )
        ],
        (
            b"\x00\x00\x00\x77\xdb\x9e\x98\x4f"
            b'[{"values":{"latest":"targets_35.tsv","n":3,"ratio":0.25,"flag":true,"none":null,"list":'
            b'[1,[2]]},"kind":"StoreValues"}]'
        ),
    ),
    (
        "specs to check",
        "to_worker",
        [CheckSpecs(1, [{"name": "copy a"}, {"name": "copy b", "source": 1}])],
        (
            b"\x00\x00\x00\x5c\x83\xf2\x19\x7e"
            b'[{"request":1,"specs":[{"name":"copy a"},{"name":"copy b","source":1}],"kind":"CheckSpec'
            b's"}]'
        ),
    ),
    (
        "stop",
        "to_worker",
        [Stop()],
        (b'\x00\x00\x00\x11\xf5\xd4\x88\x50[{"kind":"Stop"}]'),
    ),
    (
        "start",
        "to_coordinator",
        [ReportStart(7, 1)],
        (b'\x00\x00\x00\x2d\x1e\x95\xf1\x1f[{"task":7,"attempt":1,"kind":"ReportStart"}]'),
    ),
    (
        "end of one and start of the next",
        "to_coordinator",
        [
            ReportResult(7, 1, {"name": "copy targets", "result": "success", "elapsed": 0.5}),
            ReportStart(8, 1),
        ],
        (
            b"\x00\x00\x00\x9c\xd9\x32\x77\x5d"
            b'[{"task":7,"attempt":1,"record":{"name":"copy targets","result":"success","elapsed":0.5}'
            b',"kind":"ReportResult"},{"task":8,"attempt":1,"kind":"ReportStart"}]'
        ),
    ),
    (
        "generated specs",
        "to_coordinator",
        [AddSpecs(2, 1, [{"name": "copy a"}, {"name": "copy b", "requires": ["copy a"]}])],
        (
            b"\x00\x00\x00\x6e\x28\x2a\x2f\x4c"
            b'[{"task":2,"attempt":1,"specs":[{"name":"copy a"},{"name":"copy b","requires":["copy a"]'
            b'}],"kind":"AddSpecs"}]'
        ),
    ),
    (
        "result",
        "to_coordinator",
        [
            ReportResult(
                task=7,
                attempt=1,
                record={
                    "name": "copy targets",
                    "result": "success",
                    "started_run_at": "2026-01-31T12:00:00.250000Z",
                    "finished_run_at": "2026-01-31T12:00:00.750000Z",
                    "run_elapsed": 0.5,
                    "elapsed": 0.5,
                    "artifacts": [{"source": "https://example.org/t.tsv", "destination": "input/t.tsv"}],
                },
                values={"latest": "t.tsv"},
                peak_memory=52428800,
                pages=1,
            )
        ],
        (
            b"\x00\x00\x01\x6f\x91\x7d\x00\x1b"
            b'[{"task":7,"attempt":1,"record":{"name":"copy targets","result":"success","started_run_a'
            b't":"2026-01-31T12:00:00.250000Z","finished_run_at":"2026-01-31T12:00:00.750000Z","run_el'
            b'apsed":0.5,"elapsed":0.5,"artifacts":[{"source":"https://example.org/t.tsv","destination'
            b'":"input/t.tsv"}]},"values":{"latest":"t.tsv"},"peak_memory":52428800,"pages":1,"kind":"'
            b'ReportResult"}]'
        ),
    ),
    (
        "result of a failure",
        "to_coordinator",
        [
            ReportResult(
                task=7,
                attempt=3,
                record={"name": "copy targets", "result": "failure", "failure_reason": "OSError: no space left"},
                failure="OSError",
                traceback="Traceback (most recent call last):\nOSError: no space left\n",
                tainted="threads left running: x",
            )
        ],
        (
            b"\x00\x00\x01\x0f\xb3\xa8\xf0\x67"
            b'[{"task":7,"attempt":3,"record":{"name":"copy targets","result":"failure","failure_reaso'
            b'n":"OSError: no space left"},"failure":"OSError","traceback":"Traceback (most recent cal'
            b'l last):\\nOSError: no space left\\n","tainted":"threads left running: x","kind":"ReportRe'
            b'sult"}]'
        ),
    ),
    (
        "large message",
        "to_coordinator",
        [
            SpillMessage(
                path="/work/.otter/otter_fetch/spill/4711-1.json",
                size=2097152,
                sha256="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            )
        ],
        (
            b"\x00\x00\x00\xa8\xeb\xab\x85\x90"
            b'[{"path":"/work/.otter/otter_fetch/spill/4711-1.json","size":2097152,"sha256":"e3b0c4429'
            b'8fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","kind":"SpillMessage"}]'
        ),
    ),
    (
        "confirmation",
        "to_coordinator",
        [ConfirmRevoke([8, 9])],
        (b'\x00\x00\x00\x28\xe7\x37\x19\x3e[{"tasks":[8,9],"kind":"ConfirmRevoke"}]'),
    ),
    (
        "check that found nothing",
        "to_coordinator",
        [ReportCheck(1)],
        (b'\x00\x00\x00\x24\xa2\xc8\x0f\x65[{"request":1,"kind":"ReportCheck"}]'),
    ),
    (
        "check",
        "to_coordinator",
        [ReportCheck(1, [[1, "source", "expected text, got 1"]])],
        (
            b"\x00\x00\x00\x55\x1b\x1c\x6f\x3a"
            b'[{"request":1,"problems":[[1,"source","expected text, got 1"]],"kind":"ReportCheck"}]'
        ),
    ),
)
