"""The first generation of otter, `opentargets-otter`, as its applications start it."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

NAME = "bench"


def independent(count: int) -> str:
    """Tasks that need nothing."""
    return "".join(f"    - name: nothing {number:06d}\n" for number in range(count))


def chain(links: int) -> str:
    """Tasks of which each needs the one before."""
    lines = []
    for number in range(links):
        lines.append(f"    - name: nothing {number:06d}\n")
        if number:
            lines.append(f"      requires: [nothing {number - 1:06d}]\n")
    return "".join(lines)


def copy(listed: str) -> str:
    """A `copy` task for each URL of a file."""
    urls = Path(listed).read_text("utf-8").split()
    return "".join(
        f"    - name: copy {number:06d}\n      source: {url}\n      destination: {url.rpartition('/')[2]}\n"
        for number, url in enumerate(urls)
    )


def main() -> None:
    """Run the step that the command line describes."""
    work = sys.argv[1]
    tasks = (
        copy(sys.argv[2]) if work == "copy" else {"independent": independent, "chain": chain}[work](int(sys.argv[2]))
    )
    pool = "16" if work == "copy" else "2"
    with tempfile.TemporaryDirectory() as scratch:
        target = sys.argv[3] if work == "copy" else scratch
        config = Path(scratch, "config.yaml")
        config.write_text(f"steps:\n  {NAME}:\n{tasks}", "utf-8")
        sys.argv[1:] = ["-s", NAME, "-c", str(config), "-w", target, "-p", pool, "-l", "CRITICAL"]
        began = time.perf_counter()
        from otter.core import Runner

        runner = Runner(NAME)
        runner.start()
        runner.register_tasks("predecessor_tasks")
        step = asyncio.run(runner.run())
        seconds = time.perf_counter() - began
        if str(step.manifest.result) not in ("success", "Result.SUCCESS"):
            raise SystemExit(f"the step ended with {step.manifest.result}")
    ended = step.manifest.tasks
    first = min(task.started_run_at for task in ended if task.started_run_at is not None)
    last = max(task.finished_run_at for task in ended if task.finished_run_at is not None)
    done = (last - first).total_seconds()
    print(json.dumps({"start": seconds - done, "work": done, "stop": 0.0}))


if __name__ == "__main__":
    main()
