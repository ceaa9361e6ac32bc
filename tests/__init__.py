"""The tests of otter; helpers are imported as `tests.support.<module>`."""
