"""The one thread that writes the log: everything that waits shares a commit, and is answered after it."""

import asyncio
import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from pysqlite3 import dbapi2 as sqlite

from engine.histogram import Histogram
from engine.log.api import Appended, NotStored
from engine.log.errors import LogError
from engine.log.file import Place
from engine.log.group import Append, DataAppend, FramesAppend, Group, Promise, Tail

logger = logging.getLogger(__name__)

GROUP_MAX = 20_000
"""Appends of one commit."""

MAY_PASS = frozenset(
    {sqlite.SQLITE_FULL, sqlite.SQLITE_IOERR, sqlite.SQLITE_BUSY, sqlite.SQLITE_LOCKED, sqlite.SQLITE_NOMEM}
)
"""Errors of the surroundings; any other one is of the file."""

T = TypeVar("T")

Job = Append | DataAppend | FramesAppend


class Call:
    """Work on the connection in a transaction of its own, between two commits."""

    def __init__(self, work: Callable[[sqlite.Connection], Any]) -> None:
        self.work = work
        self.promise: Future[Any] = Future()


class Writer(threading.Thread):
    """Owns the connection. A full disk refuses a group and the next one is tried; a damaged file ends the thread.

    `tails` is used by this thread only. On this thread, too, `on_commit` is called after each commit, and `on_failure`
    when the thread ends before it was closed.
    """

    def __init__(
        self,
        db: sqlite.Connection,
        tails: dict[Place, Tail],
        now_ms: Callable[[], int],
        on_commit: Callable[[dict[Place, Tail]], None],
        on_failure: Callable[[LogError], None],
    ) -> None:
        super().__init__(name="log-writer", daemon=True)
        self._db = db
        self._tails = tails
        self._now_ms = now_ms
        self._on_commit = on_commit
        self._on_failure = on_failure
        self._waiting: deque[Job | Call] = deque()
        self._news = threading.Condition()
        self._closed: NotStored | None = None
        self.trouble = ""  # why the last commit was refused; "": it was not
        self.commits = Histogram()  # seconds of each commit that the disk took

    def add(self, job: Job | Call) -> None:
        """Queue a job; a closed log answers at once."""
        with self._news:
            if self._closed is None:
                self._waiting.append(job)
                self._news.notify()
                return
            closed = self._closed
        self._refuse([job], closed)

    def call(self, work: Callable[[sqlite.Connection], T]) -> "Future[T]":
        """Run `work` on this thread in a transaction; what it raises comes back in the future."""
        job = Call(work)
        self.add(job)
        return job.promise

    def close(self) -> None:
        """Write what waits, merge the write-ahead log into the file, end the thread."""
        with self._news:
            self._closed = self._closed or NotStored(reason="the log is closed", retry=False)
            self._news.notify()
        self.join()

    def run(self) -> None:
        """Until closed and nothing waits."""
        jobs: list[Job | Call] = []
        try:
            while jobs := self._take():
                self._do(jobs)
        except Exception as error:  # whatever it is: nobody may wait for ever
            self._fail(error, jobs)
        else:
            self._merge()
        finally:
            self._db.close()

    def _take(self) -> list[Job | Call]:
        with self._news:
            while not self._waiting and self._closed is None:
                self._news.wait()
            if isinstance(self._waiting[0] if self._waiting else None, Call):
                return [self._waiting.popleft()]
            jobs: list[Job | Call] = []
            while self._waiting and len(jobs) < GROUP_MAX and not isinstance(self._waiting[0], Call):
                jobs.append(self._waiting.popleft())
            return jobs

    def _do(self, jobs: list[Job | Call]) -> None:
        first = jobs[0]
        if isinstance(first, Call):
            self._do_call(first)
            return
        group = Group(self._tails, self._now_ms)
        for job in jobs:
            assert not isinstance(job, Call)
            group.add(job)
        group.end()
        refusal = self._commit(group) if group.rows else None
        settle(group.refused(refusal) if refusal else group.outcomes)
        if refusal is None:
            self._on_commit(group.tails)

    def _do_call(self, job: Call) -> None:
        try:
            self._db.execute("begin immediate")
            result = job.work(self._db)
            self._db.execute("commit")
        except Exception as error:
            self._roll_back()
            job.promise.set_exception(error)
        else:
            job.promise.set_result(result)

    def _commit(self, group: Group) -> NotStored | None:
        began = time.perf_counter()
        try:
            self._db.execute("begin immediate")
            self._db.executemany("insert into record values (?, ?, ?, ?, ?, ?, ?)", group.rows)
            self._db.executemany(
                "update partition set next = ?, last_ms = ? where no = ?",
                [(tail.next, tail.last_ms, tail.no) for tail in group.tails.values()],
            )
            self._db.execute("commit")
        except sqlite.OperationalError as error:
            self._roll_back()
            if error.sqlite_errorcode & 0xFF not in MAY_PASS:
                raise
            self._say_full(str(error))
            return NotStored(reason=f"log: {error}")
        self.commits.add(time.perf_counter() - began)
        self._tails.update(group.tails)
        self._say_full("")
        return None

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("rollback")

    def _say_full(self, error: str) -> None:
        """Once when it starts, once when it is over."""
        if error and not self.trouble:
            logger.error("log: %s; nothing stored is lost, senders are asked to wait", error)
        elif self.trouble and not error:
            logger.warning("log: writes again")
        self.trouble = error

    def _fail(self, error: Exception, jobs: list[Job | Call]) -> None:
        failure = LogError(f"the log cannot be written: {error}")
        failure.__cause__ = error
        with self._news:
            self._closed = NotStored(reason=str(failure), retry=False)
            jobs = jobs + list(self._waiting)
            self._waiting.clear()
        self._refuse(jobs, self._closed)
        self._on_failure(failure)

    def _merge(self) -> None:
        try:
            self._db.execute("pragma wal_checkpoint(truncate)")
        except sqlite.OperationalError as error:
            logger.warning("log: %s while closing; nothing is lost, the next start merges the rest", error)

    def _refuse(self, jobs: list[Job | Call], reason: NotStored) -> None:
        settle([(job.promise, reason) for job in jobs if not isinstance(job, Call)])
        for job in jobs:
            if isinstance(job, Call) and not job.promise.done():
                job.promise.set_exception(LogError(reason.reason))


def settle(outcomes: list[tuple[Promise, Appended]]) -> None:
    """Answer those who wait; callers on an event loop are woken once per loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Appended], Appended]]] = defaultdict(list)
    for promise, outcome in outcomes:
        if not isinstance(promise, Future):
            by_loop[promise.get_loop()].append((promise, outcome))
        elif not promise.done():
            promise.set_result(outcome)
    for loop, answers in by_loop.items():
        if not loop.is_closed():  # a closed one has nobody waiting
            loop.call_soon_threadsafe(_answer, answers)


def _answer(answers: list[tuple[asyncio.Future[Appended], Appended]]) -> None:
    for promise, outcome in answers:
        if not promise.done():
            promise.set_result(outcome)
