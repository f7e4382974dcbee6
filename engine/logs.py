"""The process's log on standard error: lines for people, or one JSON object a line for programs. Secrets become stars."""

import json
import logging
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from engine.redaction import Redaction


class LogFormat(StrEnum):
    """How a line looks."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """The least that is said."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """What is said, and how."""

    format: LogFormat = LogFormat.TEXT
    level: LogLevel = LogLevel.INFO


TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

QUIET = (
    "faust", "mode", "engine.app", "engine.log.embedded", "engine.log.embedded_consumer", "engine.log.handing",
    "engine.log.kafka.transport", "engine.log.kafka.group_thread", "engine.log.faust_producer", "aiokafka", "alembic",
)  # fmt: skip
"""Loggers through which Faust names every step of its services: of these only warnings and worse, but at level debug."""

NEVER_LOUD = ("numba",)
"""Of these only warnings even then: a compiler's diary says nothing of a host, in megabytes."""


CHATTY = ("aiokafka",)
"""Loggers that say the same a hundred times a second while a server is away: each thing is said once a minute."""

AGAIN_S = 60.0


def fields(**named: object) -> dict[str, dict[str, object]]:
    """What a line is about, for programs: `logger.error(..., extra=fields(stage="store", partition=3))`.

    The message says the same in words; a line of text has only that.
    """
    return {"fields": named}


def set_up_logs(settings: LogSettings, redaction: Redaction) -> None:
    """From now on this process logs to standard error, as the settings say."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Redacted(JsonLines() if settings.format is LogFormat.JSON else logging.Formatter(TEXT), redaction))
    level = getattr(logging, settings.level.name)
    if level != logging.DEBUG:
        handler.addFilter(Seldom())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.NOTSET if level == logging.DEBUG else logging.WARNING)
    for name in NEVER_LOUD:
        logging.getLogger(name).setLevel(logging.WARNING)


class Seldom(logging.Filter):
    """Lets what a chatty logger says pass once a minute; its words count, not what they are about.

    >>> def record(name): return logging.LogRecord(name, logging.ERROR, "", 0, "Unable connect to node %s", (1,), None)
    >>> seldom = Seldom()
    >>> [seldom.filter(record(name)) for name in ("aiokafka", "aiokafka", "engine", "engine")]
    [True, False, True, True]
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is said."""
        if record.name.partition(".")[0] not in CHATTY:
            return True
        what, now = (record.name, str(record.msg)), time.monotonic()
        is_due = now - self._said.get(what, -AGAIN_S) >= AGAIN_S
        if is_due:
            self._said[what] = now
        return is_due


class Redacted(logging.Formatter):
    """What another formatter makes, without secrets: message, fields and traceback alike."""

    def __init__(self, inner: logging.Formatter, redaction: Redaction) -> None:
        super().__init__()
        self._inner = inner
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return self._redaction.text(self._inner.format(record))


class JsonLines(logging.Formatter):
    """One object a line: `time` (UTC, milliseconds), `level`, `logger`, `message`, then what the line is about.

    >>> record = logging.LogRecord("outfall", logging.ERROR, "", 0, "%s waits", ("store",), None)
    >>> record.created, record.fields = 1_774_000_000.25, {"stage": "store"}
    >>> print(JsonLines().format(record))
    {"time": "2026-03-20T09:46:40.250Z", "level": "error", "logger": "outfall", "message": "store waits", "stage": "store"}
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        said: dict[str, Any] = {
            "time": at,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        about: dict[str, Any] = getattr(record, "fields", {})
        said |= {name: value for name, value in about.items() if name not in said and name != "error"}
        if record.exc_info and record.exc_info[0] is not None:
            said["error"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False, default=str)
