"""What can go wrong with a backup."""


class BackupError(Exception):
    """It cannot be made, or cannot be restored. The text names the place, what was found and what to do."""
