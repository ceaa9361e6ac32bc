"""Task types that go wrong in every way a task can: registered with `--tasks tests.support.faulty`.

Each attempt leaves a line in the diary of its task, on disk, before anything else; see `tests.support.diary`. So a test
counts what really ran, whatever the engine believes.
"""
