"""Leases and snapshots for hosts that share a database, and who sends a page."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables of the cluster; the version of the schema no longer stands in a table of its own."""
    op.drop_table("meta")
    for table in ("outbox", "delivery_attempt"):
        op.add_column(table, Column("sender", Text, nullable=False, server_default=""))
    op.create_table(
        "lease",
        Column("name", String(80), primary_key=True),
        Column("owner", Text, nullable=False),
        Column("token", BigInteger, nullable=False),
        Column("expires_ms", BigInteger, nullable=False),
    )
    _snapshots()


def _snapshots() -> None:
    op.create_table(
        "snapshot",
        Column("name", String(80), primary_key=True),
        Column("generation", BigInteger, nullable=False),
        Column("next_offset", BigInteger, nullable=False),
        Column("size", BigInteger, nullable=False),
        Column("crc", BigInteger, nullable=False),
        Column("edition", String(32), nullable=False),
        Column("written_ms", BigInteger, nullable=False),
    )
    op.create_table(
        "snapshot_chunk",
        Column("edition", String(32), primary_key=True),
        Column("number", Integer, primary_key=True),
        Column("body", LargeBinary, nullable=False),
    )
    if op.get_context().dialect.name == "postgresql":  # not tried to be compressed: it takes longer than the disk does
        op.execute("ALTER TABLE snapshot_chunk ALTER COLUMN body SET STORAGE EXTERNAL")
