"""Runs otter's command line as `otter` does, and writes what it took from inside: seconds, memory, processes started.

    python -m tests.benchmarks.probe FACTS [--count-starts] [--sample FILE] -- run pipeline.toml …

It runs in a process of its own. The interpreter's start and the imports of the command line lie before the measured
time; reading the file, starting workers, the tasks, the journal, the manifest and the end of the workers lie within.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from tests.benchmarks.sampler import Sampler

WORKER = "otter.step.worker"
"""In the command line of every worker process, and of no other."""


def main() -> int:
    """Run the command that stands after `--`; its exit code."""
    separator = sys.argv.index("--")
    facts, arguments = Path(sys.argv[1]), sys.argv[separator + 1 :]
    options = iter(sys.argv[2:separator])
    import otter.cli.run_step  # noqa: F401 - the command would import it when it is called
    from otter.cli.main import main as command

    workers = helpers = 0

    def count(event: str, values: tuple[object, ...]) -> None:
        nonlocal workers, helpers
        if event == "subprocess.Popen":
            is_worker = WORKER in str(values[1])
            workers, helpers = workers + is_worker, helpers + (not is_worker)

    sampler, samples = None, Path()
    for option in options:
        if option == "--count-starts":
            sys.addaudithook(count)
        else:
            sampler, samples = Sampler(), Path(next(options))
            sampler.start()
    began = time.perf_counter()
    cpu = time.process_time()
    code = command(arguments)
    inside = time.perf_counter() - began
    cpu = time.process_time() - cpu
    if sampler is not None:
        sampler.write(samples)
    from tests.benchmarks.processes import peak_memory

    found = {"inside": inside, "cpu": cpu, "peak": peak_memory() or 0, "workers": workers, "helpers": helpers}
    facts.write_text(json.dumps(found), "utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
