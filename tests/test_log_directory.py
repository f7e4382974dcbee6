"""Who may open a log, and what the others are told."""

import multiprocessing
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.log.errors import DirectoryInUseError, LogError
from engine.log.file import check_version
from engine.log.lock import owner_of
from engine.log.reader import LogReader
from engine.log.record import RecordKind, Topic
from engine.log.sqlite import SqliteLog

NOBODY = 65534


def message_as_user(work: Callable[[], None]) -> str:
    """The message of the LogError that `work` raises for a user who is not root."""
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe()

    def child() -> None:
        if os.getuid() == 0:
            os.setuid(NOBODY)
        try:
            work()
            there.send("no error")
        except LogError as error:
            there.send(str(error))

    process = fork.Process(target=child)
    process.start()
    message = str(here.recv())
    process.join()
    return message


def test_a_second_process_is_told_which_one_holds_the_directory(tmp_path: Path) -> None:
    with SqliteLog(tmp_path) as log:
        with pytest.raises(DirectoryInUseError, match=rf"{tmp_path}: in use by process {os.getpid()}; stop it first"):
            SqliteLog(tmp_path)
        assert owner_of(tmp_path) == os.getpid()
        log.append(Topic.FRAMES, 0, RecordKind.TICK, b"").result()
    assert owner_of(tmp_path) is None


def test_a_lock_file_left_behind_locks_nobody_out(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("1\n")
    SqliteLog(tmp_path).close()


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    for parent in list(tmp_path.parents)[:2]:
        parent.chmod(0o755)
    message = message_as_user(lambda: SqliteLog(tmp_path).close())
    assert message == f"{tmp_path}: expected a directory this user may write to, got: Permission denied"


def test_a_log_in_a_read_only_directory_can_still_be_read(tmp_path: Path) -> None:
    with SqliteLog(tmp_path) as log:
        log.append(Topic.FRAMES, 0, RecordKind.TICK, b"x").result()
    for path in tmp_path.iterdir():
        path.chmod(0o444)
    tmp_path.chmod(0o555)
    for parent in list(tmp_path.parents)[:2]:
        parent.chmod(0o755)

    def work() -> None:
        with LogReader(tmp_path / "log.db") as reader:
            assert [r.body for r in reader.read(Topic.FRAMES, 0, 0, 9)] == [b"x"]

    assert message_as_user(work) == "no error"


def test_the_number_of_partitions_is_chosen_once(tmp_path: Path) -> None:
    SqliteLog(tmp_path, partitions=3).close()
    with pytest.raises(LogError, match=r"log.db: has 3 partitions, the settings say 8; the number is chosen once"):
        SqliteLog(tmp_path, partitions=8)
    SqliteLog(tmp_path, partitions=3).close()


def test_a_log_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    with SqliteLog(tmp_path) as log:
        log.run(lambda db: db.execute("pragma user_version = 9")).result()
    with pytest.raises(LogError, match=r"format 9, expected 1: made by a newer version"):
        SqliteLog(tmp_path)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "log.db").write_bytes(b"not a database, " * 400)
    with pytest.raises(LogError, match=r"log.db: cannot be opened as a log: file is not a database"):
        SqliteLog(tmp_path)


def test_a_reader_of_nothing_says_what_it_looked_for(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=r"log.db: expected the file of a log, there is none"):
        LogReader(tmp_path / "log.db")


@pytest.mark.parametrize("version", [(3, 40, 1), (3, 51, 2)], ids=["that of Debian 12", "the last one with the bug"])
def test_a_sqlite_that_can_corrupt_the_log_is_refused(version: tuple[int, int, int]) -> None:
    with pytest.raises(LogError, match=r"can corrupt a log: expected 3.51.3 or newer"):
        check_version(version)


def test_the_sqlite_in_use_is_not_the_one_of_python() -> None:
    import sqlite3

    from pysqlite3 import dbapi2

    assert dbapi2.sqlite_version_info >= (3, 51, 3)
    assert "pysqlite3" in sys.modules
    assert dbapi2 is not sqlite3
