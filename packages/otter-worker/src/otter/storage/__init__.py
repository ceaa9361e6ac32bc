"""Storage for task code: handles for local files and HTTP, with one API in two flavours.

`otter.storage.synchronous.handle.StorageHandle` blocks;
`otter.storage.asynchronous.handle.AsyncStorageHandle` has the same methods as coroutines. Nothing
here imports an HTTP client before a location needs one.
"""

from otter.storage.model import ABSENT, Revision, StatResult

__all__ = ["ABSENT", "Revision", "StatResult"]
