"""An environment on top of that of the tests: it has all that they have, and takes what a page installs.

So the commands of a page can be followed literally, `pip install` included, without a network, and without a change to
the environment in which the tests run.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
import venv
from importlib.metadata import entry_points
from pathlib import Path

COMMANDS = ("otter", "otter-worker", "pip", "pytest")


def make_overlay(root: Path) -> Path:
    """Make the environment; the folder of its commands."""
    venv.create(root, with_pip=False, symlinks=True)
    scripts = root / "bin"
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(root), "platbase": str(root)}))
    below = [path for path in dict.fromkeys((*_site_packages(), *site.getsitepackages())) if os.path.isdir(path)]
    # addsitedir, because an editable installation is a .pth file, too.
    lines = [f"import site; site.addsitedir({path!r})\n" for path in below]
    (packages / "below.pth").write_text("".join(lines), "utf-8")
    for entry in entry_points(group="console_scripts"):
        if entry.name in COMMANDS:
            program = f"import sys\nfrom {entry.module} import {entry.attr}\nsys.exit({entry.attr}())\n"
            (scripts / entry.name).write_text(f"#!{scripts / 'python'}\n{program}", "utf-8")
            (scripts / entry.name).chmod(0o755)
    return scripts


def _site_packages() -> list[str]:
    paths = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
    return [path for path in paths if path in sys.path]


OFFLINE = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_ROOT_USER_ACTION": "ignore"}
"""What pip does without a network: it builds with what is installed; 0 stands for "no isolation" there."""
