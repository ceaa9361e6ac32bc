"""What existing task packages rely on: a package of two files, under `Runner` and in a plain test."""

from __future__ import annotations

import asyncio
import importlib
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest

from otter.config.model import Config
from otter.scratchpad.model import Scratchpad
from otter.task.model import Spec, TaskContext

CRAWL = '''
from __future__ import annotations
import logging
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from otter.manifest.model import Artifact
from otter.task.model import Spec, Task, TaskContext
from otter.task.task_reporter import report

class LogArtifact(Artifact):
    checksum: str = "none"

class CrawlCatalogueSpec(Spec):
    name: str = "crawl_catalogue default"
    source: str
    """Where from."""
    retries_allowed: int = 3
    destination: Path
    mode: Literal["a", "b"] = "a"
    maybe: int | None
    do: list[Spec] = []
    def model_post_init(self, __context: Any) -> None:
        self.scratchpad_ignore_missing = True

class CrawlCatalogue(Task):
    def __init__(self, spec: CrawlCatalogueSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: CrawlCatalogueSpec
    @report
    def run(self) -> Self:
        logging.getLogger("crawl").info("logged %s", {"error": 1})
        print("printed")
        path = self.context.config.work_path / self.spec.destination
        left_open = open(path, "w")
        left_open.write(self.spec.source)
        self.artifacts = [LogArtifact(source=self.spec.source, destination=str(path), checksum="abc")]
        self.context.scratchpad.store("crawled", str(path))
        return self
    @report
    def validate(self) -> Self:
        path = self.context.config.work_path / self.spec.destination
        assert path.read_text() == self.spec.source
        return self
'''
FETCH = """
import asyncio
from typing import Self
from otter.task.model import Spec, Task, TaskContext
from otter.task.task_reporter import report

class Fetch(Task):
    @report
    async def run(self) -> Self:
        await asyncio.sleep(0)
        if getattr(self.spec, "boom", False):
            raise RuntimeError('{"error": 1}')
        if getattr(self.spec, "wait", False):
            self.context.abort.wait(30)
            raise RuntimeError("stopped")
        assert self.spec.wanted.endswith(".txt")
        return self
"""
MAIN = """
import asyncio
from otter.core import Runner
from otter.manifest.model import Result
runner = Runner("myapp")
runner.start()
runner.register_tasks("myapp.tasks")
step = asyncio.run(runner.run())
if step.manifest.result not in (Result.PENDING, Result.SUCCESS):
    raise SystemExit(1)
"""
CONFIG = """
work_path = "./out"
pool_size = 2
[scratchpad]
n = "7"
[[steps.good]]
name = "crawl_catalogue it"
source = "abc"
destination = "x.txt"
maybe = 5
retries_allowed = "${n}"
[[steps.good]]
name = "fetch it"
requires = ["crawl_catalogue it"]
wanted = "${crawled}"
[[steps.bad]]
name = "fetch wait"
wait = true
[[steps.bad]]
name = "crawl_catalogue sync"
source = "abc"
destination = "y.txt"
maybe = 1
[[steps.bad]]
name = "fetch boom"
requires = ["crawl_catalogue sync"]
boom = true
[[steps.bad]]
name = "fetch never"
requires = ["fetch boom"]
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An application in development: nothing of it is installed."""
    tasks = tmp_path / "myapp" / "tasks"
    tasks.mkdir(parents=True)
    for path, text in {
        tasks.parent / "__init__.py": "", tasks / "__init__.py": "", tasks / "crawl_catalogue.py": CRAWL,
        tasks / "fetch.py": FETCH, tmp_path / "main.py": MAIN, tmp_path / "config.toml": CONFIG,
    }.items():  # fmt: skip
        path.write_text(text)
    return tmp_path


def start(app: Path, *arguments: str) -> tuple[int, str, dict[str, Any]]:
    """Exit code, output, and the tasks of the step by name."""
    command = [sys.executable, "main.py", *arguments]
    done = subprocess.run(command, cwd=app, capture_output=True, text=True, check=False)
    step = orjson.loads((app / "out" / "manifest.json").read_bytes())["steps"]
    name = f"myapp_{arguments[-1]}"
    return done.returncode, done.stderr, {task["name"]: task for task in step[name]["tasks"]}


def test_a_package_of_two_files_runs_unchanged(app: Path) -> None:
    """Sync with validate, async, typed fields behind placeholders, values that pass on: all as the package expects."""
    code, output, tasks = start(app, "--strange", "argument", "--step", "good")

    assert code == 0, output
    assert "unknown arguments are left alone: --strange argument" in output
    assert {"success"} == {task["result"] for task in tasks.values()}
    assert "abc" == tasks["crawl_catalogue it"]["artifacts"][0]["checksum"]
    log = "\n".join(tasks["crawl_catalogue it"]["log"])
    assert "logged {'error': 1}" in log
    assert "printed" in log


def test_a_failure_stops_the_step(app: Path) -> None:
    """The failed task says why, the running one is aborted, what never began is pending, and the exit code is 1."""
    code, output, tasks = start(app, "--step", "bad")

    assert code == 1, output
    assert {
        "fetch wait": "aborted", "crawl_catalogue sync": "success", "fetch boom": "failure", "fetch never": "pending",
    } == {name: task["result"] for name, task in tasks.items()}  # fmt: skip
    assert 'RuntimeError: {"error": 1}' == tasks["fetch boom"]["failure_reason"]
    assert "RuntimeError" == tasks["fetch boom"]["exception"]


# The task leaves its file open, as tasks of existing packages do: it must be closed before `validate` reads it.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_tasks_are_tested_without_an_engine(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`asyncio.run(task.run())` records a failure instead of raising it, for coroutines and plain methods."""
    monkeypatch.syspath_prepend(str(app))
    crawl = importlib.import_module("myapp.tasks.crawl_catalogue")
    fetch = importlib.import_module("myapp.tasks.fetch")
    context = TaskContext(config=Config(step="s", steps=["s"], work_path=app), scratchpad=Scratchpad())
    context.abort = threading.Event()
    spec = crawl.CrawlCatalogueSpec(source="s", destination="d", maybe=None, do=[{"name": "a b", "more": 1}])

    task = crawl.CrawlCatalogue(spec, context)
    asyncio.run(task.run())
    asyncio.run(task.validate())
    failing = fetch.Fetch(Spec(name="fetch y", boom=True), context)
    asyncio.run(failing.run())

    assert task.manifest.failure_reason is None
    assert 1 == spec.do[0].more
    assert spec == crawl.CrawlCatalogueSpec.model_validate(spec.model_dump())
    assert 'RuntimeError: {"error": 1}' == failing.manifest.failure_reason
    for name in [name for name in sys.modules if name.partition(".")[0] == "myapp"]:
        monkeypatch.delitem(sys.modules, name)


def test_a_chain_of_twenty(app: Path) -> None:
    """Twenty tasks one after another end in their order; how fast is measured by the benchmarks."""
    links = [
        f'[[steps.chain]]\nname = "crawl_catalogue {n}"\nsource = "s"\ndestination = "{n}"\nmaybe = 1\n'
        f"requires = [{'' if n == 0 else repr(f'crawl_catalogue {n - 1}')}]\n"
        for n in range(20)
    ]
    (app / "config.toml").write_text(f'work_path = "./out"\n{"".join(links)}')

    code, output, tasks = start(app, "--step", "chain")

    assert code == 0, output
    ends = [task["finished_validation_at"] for task in tasks.values()]
    assert sorted(ends) == ends
    assert 20 == len(ends)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--step", "nope"], 22, "unknown step 'nope'"),
        (["--step"], 22, "argument -s/--step: expected one argument"),
        (["--step", "good", "-p", "many"], 22, "pool_size: expected an integer"),
        (["--step", "good", "-c", "none.toml"], 22, "none.toml: error: cannot be read"),
        (["--step", "good", "-w", "main.py"], 22, "main.py is a file, where a directory is needed"),
    ],
)
def test_a_bad_configuration_exits_with_22(app: Path, arguments: list[str], code: int, words: str) -> None:
    """Whatever is wrong before anything runs: a flag, what it names, or the directory to write to."""
    command = [sys.executable, "main.py", *arguments]
    done = subprocess.run(command, cwd=app, capture_output=True, text=True, check=False)
    assert code == done.returncode
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("main.py", MAIN.replace("myapp.tasks", "myapp.tusks"), "there is no task package 'myapp.tusks'"),
        ("myapp/tasks/fetch.py", "import no_such_library\n", "task module myapp.tasks.fetch cannot be imported"),
        ("myapp/tasks/__init__.py", "1 / 0\n", "task package 'myapp.tasks' cannot be imported: ZeroDivisionError"),
    ],
    ids=["missing", "module", "package"],
)
def test_a_task_package_that_cannot_be_loaded_exits_with_2(app: Path, file: str, text: str, words: str) -> None:
    """It is missing, or it or one of its modules cannot be imported."""
    (app / file).write_text(text)
    command = [sys.executable, "main.py", "--step", "good"]
    done = subprocess.run(command, cwd=app, capture_output=True, text=True, check=False)
    assert 2 == done.returncode
    assert words in done.stderr


def test_flags_win_over_the_environment_and_that_over_the_file(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables begin with the application's name; what neither sets, the file says."""
    (app / "myapp" / "tasks" / "tell.py").write_text(
        "from otter.task.model import Task\nfrom otter.task.task_reporter import report\n"
        "class Tell(Task):\n    @report\n    def run(self):\n        config = self.context.config\n"
        "        print(config.step, config.pool_size, config.log_level, config.work_path)\n        return self\n"
    )
    (app / "other.toml").write_text('pool_size = 3\nlog_level = "debug"\n[[steps.say]]\nname = "tell it"\n')
    monkeypatch.setenv("MYAPP_CONFIG_PATH", "other.toml")
    monkeypatch.setenv("MYAPP_STEP", "say")
    monkeypatch.setenv("MYAPP_POOL_SIZE", "4")
    monkeypatch.setenv("MYAPP_WORK_PATH", "elsewhere")
    command = [sys.executable, "main.py", "-w", "out"]

    done = subprocess.run(command, cwd=app, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stderr
    (task,) = orjson.loads((app / "out" / "manifest.json").read_bytes())["steps"]["myapp_say"]["tasks"]
    assert [f"say 4 DEBUG {app / 'out'}"] == task["log"]
    assert not (app / "elsewhere").exists()


def test_a_type_of_the_application_takes_the_place_of_one_that_is_installed(app: Path) -> None:
    """With a warning that the operator sees."""
    (app / "myapp" / "tasks" / "hello_world.py").write_text(FETCH.replace("Fetch", "HelloWorld"))
    (app / "config.toml").write_text('work_path = "./out"\n[[steps.hello]]\nname = "hello_world x"\nwanted = "a.txt"\n')

    code, output, tasks = start(app, "--step", "hello")

    assert 0 == code, output
    assert "success" == tasks["hello_world x"]["result"]
    assert "task type 'hello_world' of otter.tasks.hello_world is replaced by that of myapp.tasks.hello_world" in output
