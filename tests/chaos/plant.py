"""Faults put into a finished run, to see the checker find them."""

import json
import random
from enum import StrEnum
from pathlib import Path

from pysqlite3 import dbapi2 as sqlite

from tests.chaos.journal import digest, read_journal
from tests.chaos.logfile import Payloads, Row, chosen, rewrite, rows, taken_apart
from tests.chaos.receiver import FILE as RECEIVED


class Fault(StrEnum):
    """What goes wrong."""

    LOSS = "loss"  # an acknowledged payload is not in the log
    DOUBLE = "double"  # a payload that was transmitted once stands in the log twice
    ALERT = "alert"  # an alert event is not in the database
    POINT = "point"  # a reading is not in InfluxDB
    PAGE = "page"  # a page reaches its receiver a second time, as if it were the first


def plant(folder: Path, fault: Fault, seed: int) -> str:
    """Put one fault into the files of a finished run; what was done."""
    dice = random.Random(seed)
    match fault:
        case Fault.LOSS | Fault.DOUBLE:
            row, payloads, at = _once_transmitted(folder, dice)
            everything = list(range(len(payloads.payload)))
            kept = [n for n in everything if n != at] if fault is Fault.LOSS else [*everything, at]
            rewrite(folder, row, chosen(payloads, kept))
            return f"{fault}: payload {at} of partition {row.partition}, offset {row.offset}"
        case Fault.ALERT:
            return f"{fault}: {_forget(folder, dice, 'alert_event')}"
        case Fault.POINT:
            return f"{fault}: {_forget(folder, dice, 'point')}"
        case Fault.PAGE:
            received = map(json.loads, (folder / RECEIVED).read_text().splitlines())
            again = json.dumps(dice.choice([request for request in received if not request["resend"]]))
            with (folder / RECEIVED).open("a") as file:
                file.write(again + "\n")
            return f"{fault}: {again}"


def _once_transmitted(folder: Path, dice: random.Random) -> tuple[Row, Payloads, int]:
    """A payload that was transmitted once and acknowledged, and where it stands."""
    published = read_journal(folder)
    records = [row for row in rows(folder) if row.kind == b"F"]
    while True:
        row = dice.choice(records)
        payloads = taken_apart(row.body)
        at = dice.randrange(len(payloads.payload))
        name = digest(payloads.claimed[at], payloads.payload[at])
        if name in published.acknowledged and published.sent[name] == 1:
            return row, payloads, at


def _forget(folder: Path, dice: random.Random, table: str) -> str:
    database = sqlite.connect(str(folder / "data" / "core.db"), isolation_level=None)
    try:
        (count,) = database.execute(f"select count(*) from {table}").fetchone()
        chosen_row = database.execute(f"select rowid, * from {table} limit 1 offset ?", (dice.randrange(count),)).fetchone()
        database.execute(f"delete from {table} where rowid = ?", chosen_row[:1])
        return " ".join(map(str, chosen_row[1:5]))[:100]
    finally:
        database.close()
