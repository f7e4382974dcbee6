"""Settings of one bridge to a broker. Every figure has its unit in its name."""

from dataclasses import dataclass
from pathlib import Path

from engine.duty.settings import Secret
from engine.intake.settings import MQTT_PORT

NOBODY = Secret("")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerTls:
    """How the broker is known, and how the bridge shows itself. All PEM files."""

    ca: Path | None = None  # who signed the broker's certificate; None: whom this machine trusts
    cert: Path | None = None  # the bridge's own certificate, where the broker asks for one ...
    key: Path | None = None  # ... and its key, not encrypted


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeSettings:
    """Which broker, as whom, and what is taken from it. What it holds in memory is bounded as for a listener's clients."""

    client_id: str  # fixed: the broker keeps a session under it. Also the login that the log records
    host: str = "127.0.0.1"
    port: int = MQTT_PORT
    user: str = ""  # "": none is shown
    password: Secret = NOBODY
    tls: BrokerTls | None = None
    share: str = ""  # name of a shared subscription: bridges with the same one divide the messages; "": none
    topic: str = "outfall/v1/+/up"  # what is subscribed to; + stands for the MN
    topic_down: str = "outfall/v1/+/down"  # where a monitor is asked for its history
    keep_alive_s: int = 60
    connect_s_max: float = 10.0  # from the connection to the broker's consent to the subscription
    reconnect_s_max: float = 5.0  # a broker that is away is tried again after 0.25 s, then twice that ... up to this
    watch_dropped: bool = True  # listen to what a Mosquitto says it has thrown away
    backfill: bool = True  # ask monitors for their history where the broker lost what it held for the bridge
    requests_per_s_max: float = 50.0  # of these requests

    @property
    def filter(self) -> str:
        """The topic filter of the subscription."""
        return f"$share/{self.share}/{self.topic}" if self.share else self.topic

    @property
    def place(self) -> str:
        """The broker, for people."""
        return f"{self.host}:{self.port}"
