"""A task package without task types: a worker that registers it writes where its processor time went when it ends."""

from __future__ import annotations

import atexit
import os
from pathlib import Path

from tests.benchmarks.sampler import DIRECTORY, Sampler

_sampler = Sampler()
_sampler.start()
atexit.register(_sampler.write, Path(os.environ[DIRECTORY], f"worker-{os.getpid()}.json"))
