"""Dead letters: what was refused, why, how often, and one example of its bytes. Bounded, and nothing goes uncounted."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from engine.detect.facts import Facts
from engine.stages import DeadLetter
from engine.store.sqlite import Connection
from sensors.refusal import Refusal

LETTERS_MAX = 20_000
"""Rows of the table of refusals. What would be one more is counted in a row of its reason named OTHERS."""

DETAILS_MAX = 50
"""Different details kept of one reason and monitor; further ones are counted together."""

SAMPLE_BYTES = 4096
RECORDS_MAX = 10_000
"""Whole log records kept with their bytes; of later ones only place and detail are kept."""

OTHERS = "(others)"
JUDGE = "judge"
"""The source of refusals that stand in `Facts`."""

PayloadOf = Callable[[int, int, int], bytes | None]
"""(partition, offset, row) of a payload in FRAMES -> its bytes, None where the log no longer holds it."""

SCHEMA = """
CREATE TABLE refusal (
    reason TEXT NOT NULL, mn TEXT NOT NULL, detail TEXT NOT NULL, count INTEGER NOT NULL, readings INTEGER NOT NULL,
    first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
    partition INTEGER NOT NULL, "offset" INTEGER NOT NULL, row INTEGER NOT NULL, sample BLOB,
    PRIMARY KEY (reason, mn, detail)
) WITHOUT ROWID;
CREATE TABLE refused_record (
    stage TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, "offset" INTEGER NOT NULL,
    log_ms INTEGER NOT NULL, detail TEXT NOT NULL, body BLOB, PRIMARY KEY (stage, topic, partition, "offset")
) WITHOUT ROWID;
CREATE TABLE progress (
    partition INTEGER NOT NULL, source TEXT NOT NULL, log_ms INTEGER NOT NULL, PRIMARY KEY (partition, source)
) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """Refusals of one reason, monitor and detail."""

    reason: str
    mn: str
    detail: str
    count: int = 1  # refusals
    readings: int = 0  # readings they stood for
    first_ms: int  # log time
    last_ms: int
    partition: int = 0  # where the first of them stands: FRAMES, partition, offset, payload
    offset: int = -1
    row: int = -1
    sample: bytes | None = None  # its first SAMPLE_BYTES bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRecord:
    """A log record that a stage could not use."""

    stage: str
    topic: str
    partition: int
    offset: int
    log_ms: int
    detail: str
    body: bytes | None


def letter_of(refusal: Refusal, partition: int, offset: int) -> Letter:
    """A refusal of the judge, with the place of the record it was in."""
    return Letter(
        reason=refusal.reason.value,
        mn=refusal.mn,
        detail=refusal.detail,
        readings=refusal.count,
        first_ms=refusal.log_ms,
        last_ms=refusal.log_ms,
        partition=partition,
        offset=offset,
        row=refusal.row,
    )


class Letters:
    """The tables of dead letters in one database. Every call stands inside a transaction of its caller."""

    def __init__(self, db: Connection, payload_of: PayloadOf | None = None) -> None:
        self._db = db
        self._payload_of = payload_of

    def begin(self, partition: int, log_ms: int, source: str = JUDGE) -> bool:
        """Whether what `source` refuses of the record of this log time is counted for the first time; now it is known."""
        mine = (partition, source)
        known = self._db.execute("SELECT log_ms FROM progress WHERE partition = ? AND source = ?", mine).fetchone()
        if known is not None and log_ms <= known[0]:
            return False
        self._db.execute("INSERT OR REPLACE INTO progress VALUES (?, ?, ?)", (*mine, log_ms))
        return True

    def add_refused(self, facts: Facts) -> None:
        """Count what the judge refused of a record, once however often it comes."""
        if self.begin(facts.partition, facts.log_ms):
            self.add(letter_of(refusal, facts.partition, facts.offset) for refusal in facts.refused)

    def add(self, letters: Iterable[Letter]) -> None:
        """Count these letters, keeping an example of what is new."""
        for letter in _together(letters):
            if not self._count(letter):
                kept = self._place(letter)
                if kept.detail == letter.detail or not self._count(kept):
                    self._insert(kept)

    def add_record(self, letter: DeadLetter) -> None:
        """Keep a whole record; known ones change nothing."""
        (held,) = self._db.execute("SELECT count(*) FROM refused_record").fetchone()
        self._db.execute(
            "INSERT OR IGNORE INTO refused_record VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                letter.stage,
                letter.topic.value,
                letter.partition,
                letter.offset,
                letter.log_ms,
                letter.detail,
                letter.body if held < RECORDS_MAX else None,
            ),
        )

    def _count(self, letter: Letter) -> bool:
        changed = self._db.execute(
            "UPDATE refusal SET count = count + ?, readings = readings + ?, last_ms = max(last_ms, ?) "
            "WHERE reason = ? AND mn = ? AND detail = ?",
            (letter.count, letter.readings, letter.last_ms, letter.reason, letter.mn, letter.detail),
        )
        return bool(changed.rowcount)

    def _place(self, letter: Letter) -> Letter:
        """The row a new letter goes to: its own while there is room, else one it shares."""
        (rows,) = self._db.execute("SELECT count(*) FROM refusal").fetchone()
        if rows >= LETTERS_MAX:
            return replace(letter, mn="", detail=OTHERS)
        (details,) = self._db.execute(
            "SELECT count(*) FROM refusal WHERE reason = ? AND mn = ?", (letter.reason, letter.mn)
        ).fetchone()
        return letter if details < DETAILS_MAX else replace(letter, detail=OTHERS)

    def _insert(self, letter: Letter) -> None:
        sample = letter.sample
        if sample is None and self._payload_of is not None and letter.offset >= 0 and letter.row >= 0:
            sample = self._payload_of(letter.partition, letter.offset, letter.row)
        self._db.execute(
            "INSERT INTO refusal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                letter.reason,
                letter.mn,
                letter.detail,
                letter.count,
                letter.readings,
                letter.first_ms,
                letter.last_ms,
                letter.partition,
                letter.offset,
                letter.row,
                sample and sample[:SAMPLE_BYTES],
            ),
        )


def dead_letters(db: Connection, *, reason: str | None = None, mn: str | None = None, limit: int = 1000) -> list[Letter]:
    """Refusals by kind, the most recent first."""
    found = db.execute(
        'SELECT reason, mn, detail, count, readings, first_ms, last_ms, partition, "offset", row, sample FROM refusal '
        "WHERE (?1 IS NULL OR reason = ?1) AND (?2 IS NULL OR mn = ?2) "
        "ORDER BY last_ms DESC, reason, mn, detail LIMIT ?3",
        (reason, mn, limit),
    )
    names = [c[0] for c in found.description]
    return [Letter(**dict(zip(names, row, strict=True))) for row in found]


def refused_records(db: Connection, *, limit: int = 1000) -> list[RefusedRecord]:
    """Log records that a stage could not use, the most recent first."""
    found = db.execute(
        'SELECT stage, topic, partition, "offset", log_ms, detail, body FROM refused_record '
        'ORDER BY log_ms DESC, stage, partition, "offset" DESC LIMIT ?',
        (limit,),
    )
    names = [c[0] for c in found.description]
    return [RefusedRecord(**dict(zip(names, row, strict=True))) for row in found]


def refusal_counts(db: Connection) -> dict[str, int]:
    """How many refusals of each reason were counted."""
    return dict(db.execute("SELECT reason, sum(count) FROM refusal GROUP BY reason ORDER BY reason"))


def _together(letters: Iterable[Letter]) -> list[Letter]:
    found: dict[tuple[str, str, str], Letter] = {}
    for letter in letters:
        key = (letter.reason, letter.mn, letter.detail)
        first = found.get(key)
        found[key] = letter if first is None else _sum(first, letter)
    return list(found.values())


def _sum(a: Letter, b: Letter) -> Letter:
    return replace(
        a,
        count=a.count + b.count,
        readings=a.readings + b.readings,
        first_ms=min(a.first_ms, b.first_ms),
        last_ms=max(a.last_ms, b.last_ms),
    )
