"""Storage handles with blocking calls."""
