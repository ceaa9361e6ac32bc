"""Values that tasks share by name, and the placeholders that read them."""

from otter.scratchpad.model import Scratchpad, placeholders

__all__ = ["Scratchpad", "placeholders"]
