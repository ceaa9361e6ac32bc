"""`doit` as it runs by default: task after task in its own process, with its database of what is up to date."""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any


def nothing() -> bool:
    """Do nothing."""
    return True


def independent(count: int) -> Iterator[dict[str, Any]]:
    """Tasks that need nothing."""
    for number in range(count):
        yield {"name": f"{number:06d}", "actions": [nothing]}


def chain(links: int) -> Iterator[dict[str, Any]]:
    """Tasks of which each needs the one before."""
    for number in range(links):
        before = [f"bench:{number - 1:06d}"] if number else []
        yield {"name": f"{number:06d}", "actions": [nothing], "task_dep": before}


def main() -> None:
    """Do the work that the command line names."""
    command: Any = importlib.import_module("doit.doit_cmd")
    base: Any = importlib.import_module("doit.cmd_base")
    work, size = {"independent": independent, "chain": chain}[sys.argv[1]], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        began = time.perf_counter()
        loader = base.ModuleTaskLoader({"task_bench": lambda: work(size)})
        code = command.DoitMain(loader).run(["run", "--reporter", "error-only"])
        done = time.perf_counter() - began
    if code:
        raise SystemExit(code)
    print(json.dumps({"start": 0.0, "work": done, "stop": 0.0}))


if __name__ == "__main__":
    main()
