"""`concurrent.futures.ProcessPoolExecutor` with two workers."""

from __future__ import annotations

import itertools
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor

WORKERS = 2


def nothing(number: int) -> int:
    """Do nothing."""
    return number


def independent(pool: ProcessPoolExecutor, count: int) -> None:
    """Submit all, then take all results."""
    for future in [pool.submit(nothing, number) for number in range(count)]:
        future.result()


def chain(pool: ProcessPoolExecutor, links: int) -> None:
    """Submit each when the one before it has ended."""
    for number in range(links):
        pool.submit(nothing, number).result()


def main() -> None:
    """Do the work that the command line names."""
    work, size = {"independent": independent, "chain": chain}[sys.argv[1]], int(sys.argv[2])
    marks = [time.perf_counter()]
    pool = ProcessPoolExecutor(WORKERS)
    # Its processes start with the first task, so the system is ready when each of them has had one.
    independent(pool, WORKERS)
    marks.append(time.perf_counter())
    work(pool, size)
    marks.append(time.perf_counter())
    pool.shutdown()
    marks.append(time.perf_counter())
    start, done, stop = (later - earlier for earlier, later in itertools.pairwise(marks))
    print(json.dumps({"start": start, "work": done, "stop": stop}))


if __name__ == "__main__":
    main()
