"""What the doctor looks at, and how far it may go."""

from dataclasses import dataclass
from pathlib import Path

from engine.config.doc import Config
from engine.duty.settings import Secret
from engine.intake.bridge.settings import NOBODY, BrokerTls


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """An MQTT broker, and as whom the doctor may log in: never as the bridge, whose session it would take over."""

    host: str
    port: int
    tls: BrokerTls | None = None
    user: str = ""  # "": nobody
    password: Secret = NOBODY

    @property
    def place(self) -> str:
        """For people."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A configuration and what runs by it."""

    config: Config
    brokers: tuple[Broker, ...]
    probe: bool = False  # write as well: messages to a topic of its own, a point, a file; all of it is taken away again
    mosquitto_conf: Path | None = None
