"""Backup of a host's data directory and configuration while it runs, and its restoration somewhere else."""
