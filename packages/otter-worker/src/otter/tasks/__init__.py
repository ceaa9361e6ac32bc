"""The built-in task types: one module each, found by the entry point `builtin` of the group `otter.tasks`."""
