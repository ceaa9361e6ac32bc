"""HTTP and HTTPS. Only `otter.storage.registry` imports this package, when a location needs it."""
