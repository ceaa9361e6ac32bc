"""`ray` with two processors."""

from __future__ import annotations

import importlib
import json
import sys
import time
from typing import Any

WORKERS = 2


def nothing(number: int, before: int = 0) -> int:
    """Do nothing."""
    return number + 0 * before


def independent(ray: Any, task: Any, count: int) -> None:
    """All at once."""
    ray.get([task.remote(number) for number in range(count)])


def chain(ray: Any, task: Any, links: int) -> None:
    """Each depends on the one before."""
    last = task.remote(0)
    for number in range(1, links):
        last = task.remote(number, last)
    ray.get(last)


def main() -> None:
    """Do the work that the command line names."""
    ray: Any = importlib.import_module("ray")
    work, size = {"independent": independent, "chain": chain}[sys.argv[1]], int(sys.argv[2])
    began = time.perf_counter()
    ray.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    task = ray.remote(nothing)
    independent(ray, task, WORKERS)
    ready = time.perf_counter()
    work(ray, task, size)
    done = time.perf_counter()
    ray.shutdown()
    print(json.dumps({"start": ready - began, "work": done - ready, "stop": time.perf_counter() - done}))


if __name__ == "__main__":
    main()
