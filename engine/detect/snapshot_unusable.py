"""What can be wrong with a snapshot."""


class SnapshotUnusableError(ValueError):
    """A snapshot cannot be used. The message names the file, what was found and what was expected."""


class BaseLostError(OSError):
    """A snapshot says what changed since another one, and that is not there: all of the state is wanted."""
