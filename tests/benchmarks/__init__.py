"""Measures otter beside its baselines and peers; see README.md."""
