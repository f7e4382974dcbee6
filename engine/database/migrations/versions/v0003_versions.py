"""Versions of the register, the rules and the policy that all workers work by."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    _contents()
    op.create_table(
        "in_force",
        Column("kind", String(20), primary_key=True),
        Column("version", String(64), nullable=False),
        Column("number", BigInteger, nullable=False),
        Column("since_ms", BigInteger, nullable=False),
    )
    op.create_table(
        "files_seen",
        Column("worker", String(200), primary_key=True),
        Column("kind", String(20), primary_key=True),
        Column("content", String(64), nullable=False),
    )
    op.create_table(
        "control_due",
        Column("number", Integer, primary_key=True),
        Column("partition", Integer, nullable=False),
        Column("kind", String(20), nullable=False),
        Column("version", String(64), nullable=False),
        Column("log_offset", BigInteger),
    )
    op.create_index("control_due_by_offset", "control_due", ["log_offset"])


def _contents() -> None:
    op.create_table(
        "registry_version",
        Column("version", Integer, primary_key=True, autoincrement=False),
        Column("content", String(64), nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("made_by", Text, nullable=False),
        Column("made_ms", BigInteger, nullable=False),
    )
    op.create_table(
        "duty_settings",
        Column("version", String(64), primary_key=True),
        Column("body", Text, nullable=False),
    )
