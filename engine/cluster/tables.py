"""The tables by which the processes of a cluster agree. Instants are ms UTC of the database's clock."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

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

registry_version = Table(
    "registry_version",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("content", String(64), nullable=False),  # hash of what the files said that made it
    Column("body", LargeBinary, nullable=False),  # sensors.registry_json
    Column("made_by", Text, nullable=False),  # worker
    Column("made_ms", BigInteger, nullable=False),
)

duty_settings = Table(
    "duty_settings",
    metadata,
    Column("version", String(64), primary_key=True),
    Column("body", Text, nullable=False),  # engine.duty.settings_json
)

in_force = Table(
    "in_force",
    metadata,
    Column("kind", String(20), primary_key=True),  # engine.cluster.versions.Kind
    Column("version", String(64), nullable=False),
    Column("number", BigInteger, nullable=False),  # grows with every change of any kind: what pollers look at
    Column("since_ms", BigInteger, nullable=False),
)

files_seen = Table(
    "files_seen",
    metadata,
    Column("worker", String(200), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("content", String(64), nullable=False),  # hash of what its files said at its last start
)

control_due = Table(
    "control_due",
    metadata,
    Column("number", Integer, primary_key=True),  # in this order
    Column("partition", Integer, nullable=False),  # of FRAMES
    Column("kind", String(20), nullable=False),
    Column("version", String(64), nullable=False),
    Column("log_offset", BigInteger),  # where it stands in the log; null: it is to be appended
    Index("control_due_by_offset", "log_offset"),
)
