"""Task types of the benchmarks: they do nothing, wait, or keep a worker."""
