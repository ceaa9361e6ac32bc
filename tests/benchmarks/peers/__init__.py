"""Other systems that do the same work."""
