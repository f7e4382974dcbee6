"""The tables by which the processes of a cluster agree. Instants are ms UTC of the database's clock."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, Text

from engine.database.metadata import metadata

lease = Table(
    "lease",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("owner", Text, nullable=False),
    Column("token", BigInteger, nullable=False),  # grows with every owner; the row stays for ever, so it never shrinks
    Column("expires_ms", BigInteger, nullable=False),  # 0: released
)

snapshot = Table(
    "snapshot",
    metadata,
    Column("name", String(80), primary_key=True),  # frames-<partition>, or frames-<partition>.unusable
    Column("generation", BigInteger, nullable=False),  # of the consumer group that last took the partition over
    Column("next_offset", BigInteger, nullable=False),  # -1: there is no state yet
    Column("size", BigInteger, nullable=False),  # bytes of state
    Column("crc", BigInteger, nullable=False),  # CRC-32 of next offset and state
    Column("edition", String(32), nullable=False),  # of its chunks
    Column("written_ms", BigInteger, nullable=False),
)

snapshot_chunk = Table(
    "snapshot_chunk",
    metadata,
    Column("edition", String(32), primary_key=True),
    Column("number", Integer, primary_key=True),  # 0, 1, ...
    Column("body", LargeBinary, nullable=False),
)
