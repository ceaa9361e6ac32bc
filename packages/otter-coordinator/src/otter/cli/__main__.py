"""`python -m otter.cli`: the command `otter`, of the interpreter that is named."""

import sys

from otter.cli import main

sys.exit(main())
