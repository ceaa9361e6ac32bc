"""Exit codes of the command and of applications; the command line documents them."""

import errno

SUCCESS = 0
FAILED = 1
"""The step failed."""
NO_TASK_PACKAGE = 2
"""A task package does not exist, or cannot be imported."""
BAD_CONFIGURATION = 22
"""The pipeline file, a flag or an environment variable is wrong."""
BUSY = 75
"""The same step is running in the same work directory; EX_TEMPFAIL of sysexits."""
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""How writing fails on a disk that takes no more: that is nobody's slip, and passes."""
SIGNALLED = 128
"""Plus the number of the signal: 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP."""
