"""A module without a task."""
