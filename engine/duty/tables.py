"""The tables of duty. Instants are ms UTC: log time, but for when pages are sent: that is the database's clock."""

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from engine.database.metadata import metadata

rule_set = Table(
    "rule_set",
    metadata,
    Column("version", String(64), primary_key=True),
    Column("body", Text, nullable=False),  # rules.ruleset_json
)

alert = Table(
    "alert",
    metadata,
    Column("alert_id", String(32), primary_key=True),
    Column("rule", Text, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("alert_class", String(20), nullable=False),
    Column("enterprise", Text, nullable=False),
    Column("outlet", Text, nullable=False),
    Column("factor", Text, nullable=False),
    Column("mn", Text, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("state", String(30), nullable=False),  # rules.alert_state.State
    Column("step", String(20), nullable=False),  # the last one
    Column("seq", Integer, nullable=False),  # of the last step
    Column("opened_ms", BigInteger, nullable=False),  # log time
    Column("at_ms", BigInteger, nullable=False),  # log time of the last step
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
    Column("decision", String(30), nullable=False),  # what duty decided when it opened
    Column("episode", String(32), nullable=False),  # the first alert of the run of windows it belongs to
    Column("severity_told", Integer, nullable=False),  # what people know of it; 0: nothing, or that it is over
    Column("acknowledged_by", Text),
    Column("acknowledged_ms", BigInteger),
    Index("alert_by_outlet", "outlet", "end_ms"),
    Index("alert_by_time", "opened_ms"),
)

alert_event = Table(
    "alert_event",
    metadata,
    Column("alert_id", ForeignKey("alert.alert_id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("step", String(20), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("decision", String(30), nullable=False),  # engine.duty.decision.Decision
    Column("body", Text, nullable=False),  # the whole event with its evidence, rules.alert_json
)

alert_action = Table(
    "alert_action",
    metadata,
    Column("alert_id", ForeignKey("alert.alert_id"), primary_key=True),
    Column("number", Integer, primary_key=True),  # 1, 2, ...
    Column("action", String(20), nullable=False),  # rules.alert_state.Action
    Column("person", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("state_before", String(30), nullable=False),
    Column("state_after", String(30), nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("page_id", String(64), primary_key=True),
    Column("number", Integer, nullable=False),  # order of the decisions; a page over a further channel keeps its place
    Column("alert_id", ForeignKey("alert.alert_id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("step", String(20), nullable=False),
    Column("loop", Integer, nullable=False),
    Column("person", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("others", Text, nullable=False),  # JSON: the channels that follow if this one fails
    Column("policy_version", Text, nullable=False),
    Column("decided_ms", BigInteger, nullable=False),  # log time
    Column("body", Text, nullable=False),  # JSON: what the page says
    Column("state", String(20), nullable=False),  # engine.duty.outbox.PageState
    Column("attempts", Integer, nullable=False),  # begun
    Column("failures", Integer, nullable=False),  # ended, and not well
    Column("resends", Integer, nullable=False),  # attempts made after one whose end nobody saw
    Column("next_ms", BigInteger, nullable=False),  # not sent before
    Column("lease_ms", BigInteger, nullable=False),  # being sent until
    Column("detail", Text, nullable=False),  # what the channel said last
    Column("provider_id", Text, nullable=False),
    Column("sender", Text, nullable=False, server_default=""),  # who is sending it, or was the last to
    Index("outbox_by_state", "state", "next_ms"),
    Index("outbox_by_alert", "alert_id"),
    Index("outbox_by_number", "number"),
)

attempt = Table(
    "delivery_attempt",
    metadata,
    Column("page_id", ForeignKey("outbox.page_id"), primary_key=True),
    Column("number", Integer, primary_key=True),  # 1, 2, ...
    Column("started_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Column("status", String(20), nullable=False),  # engine.duty.channels.channel.Status, or "sending"
    Column("resend", Boolean, nullable=False),
    Column("detail", Text, nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("sender", Text, nullable=False, server_default=""),
)
