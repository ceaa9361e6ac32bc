"""`RunFacts`: what a run is called and where its things are."""

from __future__ import annotations

from pathlib import Path

import attrs

from otter.config.model import Config
from otter.util.values import Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RunFacts(Value):
    """What a run is called and where its things are.

    Attributes:
        run_id: random, unique.
        directory: of the run.
        log_dir: for the logs of tasks.
        spill_dir: for results that are too large for a message.
        concurrency: asynchronous tasks of one worker at most.
        log_limit: bytes of a task's log.
    """

    run_id: str
    config: Config
    directory: Path
    log_dir: Path
    spill_dir: Path
    concurrency: int
    log_limit: int
