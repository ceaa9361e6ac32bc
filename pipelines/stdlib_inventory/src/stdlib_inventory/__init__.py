"""An inventory of the Python standard library."""
