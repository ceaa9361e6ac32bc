"""A sales report."""
