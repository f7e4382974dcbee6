"""Mappings: what the columns of somebody's recording mean, and by which limits it is judged (docs/mapping.md)."""
