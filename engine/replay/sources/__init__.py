"""Recordings as tables, piece by piece: delimited text, JSON lines, Parquet."""
