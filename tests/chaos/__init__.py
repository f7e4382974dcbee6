"""kill -9 of a whole host under load, and a checker of what is left: docs/chaos.md."""
