"""Errors of a database, told apart: those that pass when one waits, and those that the same call would meet for ever."""

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, NotSupportedError, ProgrammingError


class DatabaseUnavailableError(OSError):
    """The database cannot be used now: nothing of the transaction is kept, or all of it; the same call may succeed later."""


NEVER = (IntegrityError, DataError, ProgrammingError, InterfaceError, NotSupportedError)
"""Errors of the call: a second try would meet them again."""

NEVER_CLASSES = ("22", "23", "42")
"""Classes of SQLSTATE that say the same: data, integrity, syntax or access."""

WAITS = frozenset({"42501", "42P01", "42703"})
"""Of those classes: no privilege, no such table or column. Somebody is at work on the server: no fault of the data."""


def passes(error: DBAPIError) -> bool:
    """Whether the same call may succeed later: server or connection gone, failover, locks, time-outs, a full disk."""
    if error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return state in WAITS or state[:2] not in NEVER_CLASSES
    return not isinstance(error, NEVER)
