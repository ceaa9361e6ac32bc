"""`python -m otter.step.worker`."""

from otter.step.worker.process import main

main()
