"""Checks for `validate` methods."""
