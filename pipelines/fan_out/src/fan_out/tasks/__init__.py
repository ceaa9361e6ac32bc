"""The task types: each module is named after its type, and its classes after the module."""
