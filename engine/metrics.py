"""Every metric that a host gives: name, type, labels and one sentence. docs/metrics.md has a row for each."""

from dataclasses import dataclass
from enum import StrEnum

from engine.histogram import Histogram


class Kind(StrEnum):
    """What Prometheus does with it."""

    COUNTER = "counter"  # since the start of the process
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric. Its name ends in its unit, that of a counter in `_total`."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    says: str


Sample = tuple[Metric, tuple[str, ...], float | Histogram]
"""A metric, the values of its labels, and what it is now."""

METRICS: dict[str, Metric] = {}
"""All of them by name, in the order of the docs."""


def _metric(kind: Kind, name: str, says: str, labels: tuple[str, ...]) -> Metric:
    assert name not in METRICS
    METRICS[name] = Metric(name=name, kind=kind, labels=labels, says=says)
    return METRICS[name]


def _counter(name: str, says: str, *labels: str) -> Metric:
    return _metric(Kind.COUNTER, f"outfall_{name}_total", says, labels)


def _gauge(name: str, says: str, *labels: str) -> Metric:
    return _metric(Kind.GAUGE, f"outfall_{name}", says, labels)


# The account of each stage: in = out + refused + again, when nothing waits.
STAGE_IN = _counter(
    "stage_in", "What a stage was given: messages for the intake, records of the log for the others.", "stage"
)
STAGE_OUT = _counter("stage_out", "Of these: done, and safe where they belong.", "stage")
STAGE_REFUSED = _counter(
    "stage_refused", "Of these: refused, and kept where they can be read (`outfall frames`).", "stage", "reason"
)
STAGE_LOST = _counter("stage_lost", "Records of the log that it forgot before a stage had them.", "stage")
STAGE_AGAIN = _counter(
    "stage_again", "Of these: came again and change nothing, or were sent back to come in order.", "stage", "why"
)

# How far behind a stage is.
LAG = _gauge("stage_lag_records", "Records in the log that a stage has not finished.", "stage", "partition")
BEHIND = _gauge(
    "stage_behind_seconds", "For how long a stage has not been at the end of its partition.", "stage", "partition"
)
NEXT = _gauge("stage_next_offset", "The record that a stage goes on with.", "stage", "partition")
BLOCKED = _gauge("stage_blocked_seconds", "For how long a stage has waited for the outside world; 0: it does not.", "stage")
RETRIES = _counter("stage_retries", "Calls that a stage repeated because the outside world would not take them.", "stage")
BUSY = _gauge("stage_call_seconds", "How long the call that a stage's thread is at has been running.", "stage")
JUDGED_AGE = _gauge("judged_age_seconds", "Age of the newest record that was judged.", "partition")
SNAPSHOT_AGE = _gauge("snapshot_age_seconds", "Time since the judge's state was written or loaded.", "partition")
SNAPSHOT_BEHIND = _gauge("snapshot_behind_records", "Records that a start would judge again.", "partition")

# What the judge saw and said.
PAYLOADS_IN = _counter("payloads_in", "Payloads that were decoded or refused as a whole.")
PAYLOADS = _counter("payloads", "Of these, by outcome: decoded or refused.", "outcome")
FRAMES_IN = _counter("frames_in", "HJ 212 frames found in payloads.")
FRAMES = _counter("frames", "Of these, by outcome: decoded or refused; waiting: packets without a time yet.", "outcome")
READINGS_IN = _counter("readings_in", "Readings found in payloads.")
READINGS_REFUSED = _counter("readings_refused", "Of these: refused before they could be judged.")
READINGS_DECODED = _counter(
    "readings_decoded", "Of these: decoded; each has one of the outcomes of `outfall_readings_total`."
)
READINGS = _counter("readings", "Decoded readings by what became of them.", "outcome")
REFUSALS = _counter("refusals", "Payloads and readings that the judge refused, by reason (dead letters).", "reason")
TOLERANCES = _counter("tolerances", "Departures from HJ 212 that were read all the same, by name.", "name")
COMMANDS = _counter("commands", "Frames by their command (CN).", "cn")
RESENT = _counter("frames_resent", "Frames that say they are sent again (RF=1).")
FIELDS = _counter("fields", "Fields that are no reading (other), and factor codes of the 2005 edition (code_2005).", "what")
VERDICTS = _counter("verdicts", "Verdicts on hours and days.")
EVENTS = _counter("alert_events", "Steps in the life of alerts.")
SNAPSHOTS = _counter("snapshots", "Snapshots of the judge: written, and failed.", "outcome")
TICKS = _counter("ticks", "Ticks of the clock: written, and missed because the log took nothing.", "outcome")
STATUS_FAILED = _counter("status_failed", "Times that status.json could not be written.")
OTHER = _counter("other", "Counts that have no metric of their own yet, by name.", "count")

# The intake.
CONNECTED = _gauge("intake_connections", "Sockets that are open.")
SESSIONS = _gauge("intake_sessions", "Monitors that are logged in.")
WAITING = _gauge("intake_waiting", "Messages received that are not in the log yet.")
WAITING_BYTES = _gauge("intake_waiting_bytes", "The memory that they take.")
BROKERS = _gauge("bridge_brokers", "Bridges that have their broker.")
ACCEPTED = _counter("intake_connections_accepted", "Sockets accepted.")
LOGINS = _counter("intake_logins", "Logins accepted.")
ENDED = _counter("intake_sessions_ended", "Sessions by how they ended.", "how")
SILENT = _counter("intake_keep_alive_expired", "Sessions that ended because nothing was heard.")
TURNED_AWAY = _counter("intake_turned_away", "What the intake refused besides messages, by reason.", "reason")
WILLS = _counter("intake_wills", "Last wills taken as messages.")
RECEIVED_BYTES = _counter("intake_received_bytes", "Bytes of the payloads received.")
ACKNOWLEDGED = _counter("intake_acknowledged", "Messages whose sender was told that they are in the log.")
REDELIVERED = _counter("bridge_redelivered", "Messages that a broker sent again; they are stored again.")
BROKER_LOGINS = _counter("bridge_logins", "Times that a bridge was let in by its broker and subscribed.")
BROKER_LOSSES = _counter("bridge_losses", "Times that a bridge was without its broker.")
BROKER_DROPPED = _counter("bridge_broker_dropped", "Messages that a broker said it threw away, for whomever they were.")
SESSIONS_LOST = _counter("bridge_sessions_lost", "Times that a broker did not keep what it held for a bridge.")
HISTORY_REQUESTS = _counter("bridge_history_requests", "Commands to monitors to send their history of such a time.")
PAUSES = _counter("intake_pauses", "Times that a socket was not read because of a bound.")
LOG_FAILURES = _counter("intake_log_failures", "Appends that the log refused; they are tried again.")
LOG_OUTAGES = _counter("intake_log_outages", "Times that the log was lost to the intake.")
NOT_KEPT = _counter("intake_refusals_not_kept", "Refusals that were only counted.")
INTAKE_OTHER = _counter("intake_other", "Counts of the intake that have no metric of their own yet, by name.", "count")
INTAKE_NOW = _gauge("intake_now", "What the intake holds that has no metric of its own yet, by name.", "what")

# Duty.
PAGES = _gauge("pages", "Pages in the outbox by state.", "state")
UNSENT_AGE = _gauge(
    "outbox_oldest_unsent_seconds", "Age of the oldest page that is waiting or being sent; 0: there is none."
)
UNSENT = _gauge("outbox_unsent", "Pages that are waiting or being sent.")
STANDING = _gauge("alerts_standing", "Alerts that stand, by class.", "class")

# The log and the disk.
INFLUX_LINES = _counter(
    "influx_lines", "Lines for InfluxDB by what became of them: stored, refused by it, or of a series too many.", "outcome"
)
INFLUX_SERIES = _gauge("influx_series", "Series written to InfluxDB since the start, which store.influx.series_max bounds.")
INFLUX_STOPPED = _gauge("influx_stopped", "1: InfluxDB takes nothing until somebody mends token, rights or bucket.")
INFLUX_ILL = _gauge("influx_ill", "1: InfluxDB refuses even a probe point, and after a full disk needs a restart.")

LOG_END = _gauge("log_end_offset", "Offset that the next record of a partition gets.", "topic", "partition")
LOG_BYTES = _gauge("log_bytes", "Bytes of the log's files.")
LOG_DAMAGED = _gauge("log_damaged_records", "Damaged records that were met.")
COMMIT = _metric(
    Kind.HISTOGRAM, "outfall_log_commit_seconds", "How long a group commit of the log takes, fsync included.", ()
)
DISK_FREE = _gauge("disk_free_bytes", "Free room on the disk of the data directory.")
DISK_SIZE = _gauge("disk_size_bytes", "Size of that disk.")

# The process.
BUILD = _gauge("build_info", "Always 1; its labels say what runs.", "version", "python", "sqlite")
READY = _gauge("ready", "1: everything has started and nothing is stopping, as `/ready` says.")
HEALTHY = _gauge("healthy", "1: alive and not wedged, as `/health` says.")
LOOP_LAG = _gauge("event_loop_lag_seconds", "The longest that the event loop was late in the last minute.")
RSS = _metric(Kind.GAUGE, "process_resident_memory_bytes", "Memory of the process.", ())
CPU = _metric(Kind.COUNTER, "process_cpu_seconds_total", "Processor time of the process.", ())
BEGAN = _metric(Kind.GAUGE, "process_start_time_seconds", "When the process began, in seconds since 1970.", ())
FILES = _metric(Kind.GAUGE, "process_open_fds", "Open files and sockets.", ())
