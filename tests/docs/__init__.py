"""Documentation that is followed: every block of a page is executed as its reader would do it."""
