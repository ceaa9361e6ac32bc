"""`python -m otter.step.worker`: a worker for a coordinator, or `describe` and `replay` for a person."""

import sys

from otter.step.worker.process import command, main

if sys.argv[1:2] in (["describe"], ["replay"], ["--help"], ["-h"]):
    sys.exit(command())
main()
