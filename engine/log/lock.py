"""One process per data directory: an flock that dies with its owner."""

import fcntl
import os
import time
from pathlib import Path

from engine.log.errors import DirectoryInUseError, LogError


class DirectoryLock:
    """Holds `<data>/lock` until it is closed; the file says by which process.

    The kernel lets go of it when the process ends, however it ends: a lock file left behind locks nobody out.
    """

    def __init__(self, data: Path) -> None:
        self._file = data / "lock"
        try:
            data.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            reason = f"{data}: expected a directory this user may write to, got: {error.strerror}"
            raise LogError(reason) from error
        self._claim(data)

    def _claim(self, data: Path) -> None:
        for patience_s in (0.02, 0.05, 0.0):  # `owner_of` may hold it for an instant
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(patience_s)
            else:
                break
        else:
            owner = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            raise DirectoryInUseError(f"{data}: in use by process {owner}; stop it first, or choose another data directory")
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        """Let the next process in."""
        os.ftruncate(self._fd, 0)
        os.close(self._fd)


def owner_of(data: Path) -> int | None:
    """The process that works on a data directory now, or None."""
    try:
        fd = os.open(data / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(fd, 32, 0).decode("ascii", "replace").strip()
        return int(text) if text.isdecimal() else None
    finally:
        os.close(fd)
    return None
