"""Storage handles with coroutines."""
