"""At the end of a run: the topic of frames and the tables of duty, copied row by row into files of the embedded layout.

So one checker reads both kinds of run. Nothing of the engine takes part: records come from a Kafka client, rows from SQL.
Log time on Kafka is the broker's, made to increase: each record's is that of the one before plus 1 ms at least.
"""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import psycopg
from aiokafka import AIOKafkaConsumer, TopicPartition
from psycopg import sql
from pysqlite3 import dbapi2 as sqlite

LOG = """
create table partition (no integer primary key, topic text, partition integer);
create table record (slot integer primary key, log_ms integer, kind blob, key blob, body blob);
"""
DUTY = {"alert_event": ("alert_id", "seq", "body"), "outbox": ("page_id", "state")}
POLL_MS = 2000


@dataclass(frozen=True, kw_only=True)
class Held:
    """Where the readings are."""

    url: str
    token: str
    bucket: str



def harvest(folder: Path, servers: list[str], topic: str, partitions: int, database_url: str, influx: Held) -> None:
    """Write FOLDER/data/log.db and FOLDER/data/core.db."""
    data = folder / "data"
    data.mkdir(exist_ok=True)
    _write_log(data / "log.db", asyncio.run(_records(servers, topic, partitions)))
    _write_duty(data / "core.db", database_url)
    _write_points(data / "core.db", influx)


async def _records(servers: list[str], topic: str, partitions: int) -> list[tuple[int, int, int, bytes, bytes, bytes]]:
    """(partition, offset, log_ms, kind, key, body) of every record, partition by partition, in order."""
    places = [TopicPartition(topic, partition) for partition in range(partitions)]
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False, group_id=None)
    await consumer.start()
    try:
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        return [row for place in places for row in await _partition(consumer, place)]
    finally:
        await consumer.stop()


async def _partition(consumer: Any, place: TopicPartition) -> list[tuple[int, int, int, bytes, bytes, bytes]]:
    end = (await consumer.end_offsets([place]))[place]
    found: list[tuple[int, int, int, bytes, bytes, bytes]] = []
    last_ms = -1
    while await consumer.position(place) < end:
        for records in (await consumer.getmany(place, timeout_ms=POLL_MS)).values():
            for record in records:
                last_ms = max(last_ms + 1, record.timestamp)
                kind = dict(record.headers)["kind"]
                found.append((place.partition, record.offset, last_ms, kind, record.key or b"", record.value or b""))
    return found


def _write_log(file: Path, records: list[tuple[int, int, int, bytes, bytes, bytes]]) -> None:
    log = sqlite.connect(str(file))
    try:
        log.executescript(LOG)
        partitions = sorted({record[0] for record in records})
        log.executemany("insert into partition values (?, 'frames', ?)", [(n + 1, n) for n in partitions])
        rows = (((p + 1) << 40 | offset, ms, kind, key, body) for p, offset, ms, kind, key, body in records)
        log.executemany("insert into record values (?, ?, ?, ?, ?)", rows)
        log.commit()
    finally:
        log.close()


def _write_duty(file: Path, url: str) -> None:
    duty = sqlite.connect(str(file))
    try:
        with psycopg.connect(url) as source:
            for table, columns in DUTY.items():
                names = sql.SQL(", ").join(map(sql.Identifier, columns))
                rows = source.execute(sql.SQL("select {} from {}").format(names, sql.Identifier(table))).fetchall()
                duty.execute(f"create table {table} ({', '.join(columns)})")
                duty.executemany(f"insert into {table} values ({', '.join('?' * len(columns))})", rows)
        duty.commit()
    finally:
        duty.close()


def _write_points(file: Path, influx: Held) -> None:
    """Every point of measurement `reading`, asked in InfluxQL."""
    asked = urlencode({"db": influx.bucket, "q": 'select value from reading group by *', "epoch": "ms"})
    request = Request(f"{influx.url}/query?{asked}", headers={"Authorization": f"Token {influx.token}"})
    with urlopen(request, timeout=120) as answer:
        (result,) = json.load(answer)["results"]
    points = [
        (series["tags"]["outlet"], series["tags"]["factor"], series["tags"]["kind"], ms, value)
        for series in result.get("series", [])
        for ms, value in series["values"]
    ]
    core = sqlite.connect(str(file))
    try:
        core.execute("create table point (outlet, factor, kind, ms, value)")
        core.executemany("insert into point values (?, ?, ?, ?, ?)", points)
        core.commit()
    finally:
        core.close()
