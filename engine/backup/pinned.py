"""SQLite files as they stood at one instant, while others go on writing them."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pysqlite3 import dbapi2 as sqlite

from engine.backup.errors import BackupError
from engine.store.sqlite import refuse_old_sqlite

PAGES = 2000
"""Copied in one step."""

Told = Callable[[int, int], None]
"""Bytes done, of how many."""


class Pinned:
    """A file as it stands when this is made: a read transaction is open until `close`, and the writer never waits for it.

    Meanwhile the writer's write-ahead log grows by what it writes.
    """

    def __init__(self, file: Path) -> None:
        refuse_old_sqlite(sqlite.sqlite_version_info)
        self.file = file
        try:
            self.db = sqlite.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=30)
            self.db.execute("begin")
            self.db.execute("select count(*) from sqlite_schema").fetchone()  # it begins with the first question
        except sqlite.Error as error:
            raise BackupError(f"{file}: cannot be read: {error}") from error
        (size,) = self.db.execute("pragma page_size").fetchone()
        (pages,) = self.db.execute("pragma page_count").fetchone()
        self._page, self.bytes = int(size), int(size) * int(pages)

    def copy_to(self, target: Path, told: Told) -> None:
        """A file of its own, with nothing beside it."""
        copy = sqlite.connect(str(target), isolation_level=None)
        try:
            copy.execute("pragma synchronous = off")  # nobody needs it before all of it is there
            self.db.backup(copy, pages=PAGES, sleep=0, progress=lambda _, left, all_: told(*self._done(left, all_)))
            copy.execute("pragma journal_mode = delete")
        except sqlite.Error as error:
            raise BackupError(f"{self.file}: cannot be copied to {target}: {error}") from error
        finally:
            copy.close()

    def _done(self, left: int, pages: int) -> tuple[int, int]:
        return (pages - left) * self._page, pages * self._page

    def close(self) -> None:
        """Let go of it."""
        self.db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def edited(copy: Path, edits: list[tuple[str, list[tuple[Any, ...]]]]) -> str:
    """Change a copy by statements, each for many rows, and check it: what is damaged, as in the original; "": nothing."""
    db = sqlite.connect(str(copy), isolation_level=None)
    try:
        db.execute("begin")
        for statement, rows in edits:
            db.executemany(statement, rows)
        db.execute("commit")
        (found,) = db.execute("pragma quick_check(1)").fetchone()
    except sqlite.Error as error:
        raise BackupError(f"the copy of {copy.name} cannot be used: {error}") from error
    finally:
        db.close()
    return "" if found == "ok" else f"{copy.name}: {found}"
