"""Who watches a run and tells of it, for applications and for the command: lines for people, lines for programs."""
