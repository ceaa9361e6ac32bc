"""Task types that run programs. No entry point names this package: `--tasks otter.commands` enables it for a run.

A pipeline file cannot enable it by itself, because whoever may write a file could run anything then.
"""
