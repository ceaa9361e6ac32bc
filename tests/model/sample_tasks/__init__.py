"""A task package as an application has it."""
