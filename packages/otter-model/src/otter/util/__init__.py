"""Helpers that users of otter import by name: errors and file checks."""
