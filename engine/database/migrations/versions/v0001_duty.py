"""Alerts, their events, pages: what the database of version 0.1.0 begins with."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Integer, String, Text

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    _rules_and_alerts()
    _pages()


def _rules_and_alerts() -> None:
    op.create_table(
        "meta",
        Column("name", String(40), primary_key=True),
        Column("value", Text, nullable=False),
    )
    op.execute("INSERT INTO meta (name, value) VALUES ('schema_version', '1')")
    op.create_table(
        "rule_set",
        Column("version", String(64), primary_key=True),
        Column("body", Text, nullable=False),
    )
    op.create_table(
        "alert",
        Column("alert_id", String(32), primary_key=True),
        Column("rule", Text, nullable=False),
        Column("kind", String(20), nullable=False),
        Column("alert_class", String(20), nullable=False),
        Column("enterprise", Text, nullable=False),
        Column("outlet", Text, nullable=False),
        Column("factor", Text, nullable=False),
        Column("mn", Text, nullable=False),
        Column("severity", Integer, nullable=False),
        Column("state", String(30), nullable=False),
        Column("step", String(20), nullable=False),
        Column("seq", Integer, nullable=False),
        Column("opened_ms", BigInteger, nullable=False),
        Column("at_ms", BigInteger, nullable=False),
        Column("start_ms", BigInteger, nullable=False),
        Column("end_ms", BigInteger),
        Column("value", Float),
        Column("ceiling", Float),
        Column("floor", Float),
        Column("unit", Text, nullable=False),
        Column("source", Text, nullable=False),
        Column("unverified", Boolean, nullable=False),
        Column("late", Boolean, nullable=False),
        Column("rule_version", String(64), nullable=False),
        Column("decision", String(30), nullable=False),
        Column("episode", String(32), nullable=False),
        Column("severity_told", Integer, nullable=False),
        Column("acknowledged_by", Text),
        Column("acknowledged_ms", BigInteger),
    )
    op.create_index("alert_by_outlet", "alert", ["outlet", "end_ms"])
    op.create_index("alert_by_time", "alert", ["opened_ms"])
    op.create_table(
        "alert_event",
        Column("alert_id", String(32), ForeignKey("alert.alert_id"), primary_key=True),
        Column("seq", Integer, primary_key=True),
        Column("step", String(20), nullable=False),
        Column("at_ms", BigInteger, nullable=False),
        Column("decision", String(30), nullable=False),
        Column("body", Text, nullable=False),
    )
    op.create_table(
        "alert_action",
        Column("alert_id", String(32), ForeignKey("alert.alert_id"), primary_key=True),
        Column("number", Integer, primary_key=True),
        Column("action", String(20), nullable=False),
        Column("person", Text, nullable=False),
        Column("at_ms", BigInteger, nullable=False),
        Column("state_before", String(30), nullable=False),
        Column("state_after", String(30), nullable=False),
    )


def _pages() -> None:
    op.create_table(
        "outbox",
        Column("page_id", String(64), primary_key=True),
        Column("number", Integer, nullable=False),
        Column("alert_id", String(32), ForeignKey("alert.alert_id"), nullable=False),
        Column("seq", Integer, nullable=False),
        Column("step", String(20), nullable=False),
        Column("loop", Integer, nullable=False),
        Column("person", Text, nullable=False),
        Column("channel", Text, nullable=False),
        Column("others", Text, nullable=False),
        Column("policy_version", Text, nullable=False),
        Column("decided_ms", BigInteger, nullable=False),
        Column("body", Text, nullable=False),
        Column("state", String(20), nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("failures", Integer, nullable=False),
        Column("resends", Integer, nullable=False),
        Column("next_ms", BigInteger, nullable=False),
        Column("lease_ms", BigInteger, nullable=False),
        Column("detail", Text, nullable=False),
        Column("provider_id", Text, nullable=False),
    )
    op.create_index("outbox_by_state", "outbox", ["state", "next_ms"])
    op.create_index("outbox_by_alert", "outbox", ["alert_id"])
    op.create_index("outbox_by_number", "outbox", ["number"])
    op.create_table(
        "delivery_attempt",
        Column("page_id", String(64), ForeignKey("outbox.page_id"), primary_key=True),
        Column("number", Integer, primary_key=True),
        Column("started_ms", BigInteger, nullable=False),
        Column("ended_ms", BigInteger),
        Column("status", String(20), nullable=False),
        Column("resend", Boolean, nullable=False),
        Column("detail", Text, nullable=False),
        Column("provider_id", Text, nullable=False),
    )
