"""Task types for the first generation of otter."""
