"""`distributed` with two workers of one thread each."""

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


def independent(client: Any, count: int) -> None:
    """All at once."""
    client.gather(client.map(nothing, range(count), pure=False))


def chain(client: Any, links: int) -> None:
    """Each depends on the one before; the scheduler knows all of them from the beginning."""
    futures = [client.submit(nothing, 0, pure=False)]
    for number in range(1, links):
        futures.append(client.submit(nothing, number, futures[-1], pure=False))
    futures[-1].result()


def main() -> None:
    """Do the work that the command line names."""
    distributed: Any = importlib.import_module("distributed")
    work, size = {"independent": independent, "chain": chain}[sys.argv[1]], int(sys.argv[2])
    began = time.perf_counter()
    cluster = distributed.LocalCluster(
        n_workers=WORKERS, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    )
    client = distributed.Client(cluster)
    independent(client, WORKERS)
    ready = time.perf_counter()
    work(client, size)
    done = time.perf_counter()
    client.close()
    cluster.close()
    print(json.dumps({"start": ready - began, "work": done - ready, "stop": time.perf_counter() - done}))


if __name__ == "__main__":
    main()
