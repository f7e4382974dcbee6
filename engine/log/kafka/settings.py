"""Where the brokers of a Kafka log are, how they are spoken to, and what its topics are like."""

import ssl
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine.duty.settings import Secret
from engine.log.errors import LogError
from engine.log.record import Topic

RECORD_BYTES_MAX = 64 << 20
"""A record of READINGS or ALERTS may be as large: what falls due in one partition at the end of a day is one record."""

REQUEST_S = 40.0
"""A broker that does not answer for so long is asked again, over a new connection."""

RETRY_MS = 250
"""Between two tries of a client while a broker is away."""


class Security(StrEnum):
    """How the brokers are spoken to."""

    PLAINTEXT = "plaintext"
    SSL = "ssl"
    SASL_PLAINTEXT = "sasl_plaintext"
    SASL_SSL = "sasl_ssl"

    @property
    def asks_who(self) -> bool:
        """Whether a user and a password are needed."""
        return self in (Security.SASL_PLAINTEXT, Security.SASL_SSL)

    @property
    def encrypts(self) -> bool:
        """Whether certificates are looked at."""
        return self in (Security.SSL, Security.SASL_SSL)


class Mechanism(StrEnum):
    """How a user proves who it is."""

    PLAIN = "PLAIN"
    SCRAM_256 = "SCRAM-SHA-256"
    SCRAM_512 = "SCRAM-SHA-512"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sasl:
    """A user of the brokers."""

    mechanism: Mechanism = Mechanism.SCRAM_512
    user: str
    password: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Certificates, PEM. `ca` None: those of the system. `cert` and `key`: this process proves who it is by them."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """A Kafka log."""

    servers: tuple[str, ...]
    partitions: int = 8  # of each topic; stated once, when the topics are made
    replication: int = 1
    worker: str = "outfall"  # the name of this process in the group: one that comes back in time keeps its partitions
    prefix: str = "outfall."  # of the topics' names, and of the group's
    security: Security = Security.PLAINTEXT
    sasl: Sasl | None = None
    tls: Tls | None = None
    session_s: float = 10.0  # a worker that is not heard of for so long loses its partitions to the others
    rebalance_s: float = 60.0  # and so has one that does not let go of them in that time
    stalled_s: float = 60.0  # a worker that finishes nothing for so long while its log grows ends itself
    waiting_mib_max: int = 64  # bodies on their way to the brokers

    @property
    def group(self) -> str:
        """The consumer group of the workers."""
        return f"{self.prefix}workers"

    def topic(self, topic: Topic) -> str:
        """The name of a topic on the brokers."""
        return f"{self.prefix}{topic.value}"

    @property
    def place(self) -> str:
        """The brokers, for people."""
        return "kafka " + ",".join(self.servers)


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """What every client of aiokafka is made with; LogError where a certificate cannot be used."""
    options: dict[str, Any] = {
        "bootstrap_servers": list(settings.servers),
        "client_id": f"outfall-{settings.worker}",
        "request_timeout_ms": round(REQUEST_S * 1000),
        "retry_backoff_ms": RETRY_MS,
        "security_protocol": settings.security.value.upper(),
    }
    if settings.security.encrypts:
        options["ssl_context"] = _context(settings.tls or Tls())
    if settings.security.asks_who and settings.sasl is not None:
        options["sasl_mechanism"] = settings.sasl.mechanism.value
        options["sasl_plain_username"] = settings.sasl.user
        options["sasl_plain_password"] = settings.sasl.password.reveal()
    return options


def _context(tls: Tls) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=str(tls.ca) if tls.ca else None)
        if tls.cert is not None:
            context.load_cert_chain(str(tls.cert), str(tls.key) if tls.key else None)
    except (OSError, ssl.SSLError) as error:
        raise LogError(f"kafka.tls: expected certificates and a key in PEM, got: {error}") from error
    return context
