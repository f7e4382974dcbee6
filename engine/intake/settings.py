"""Settings of the embedded MQTT endpoint. Every figure has its unit in its name."""

from dataclasses import dataclass
from pathlib import Path

MQTT_PORT = 1883  # IANA: mqtt


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """The endpoint's own certificate and, where devices must show one too, the CA that signed theirs."""

    cert: Path  # PEM, the chain from the endpoint's certificate upwards
    key: Path  # PEM, not encrypted
    client_ca: Path | None = None  # PEM; given: a client without a certificate signed by it is refused


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeSettings:
    """What the endpoint listens on, whom it lets in, and how much it holds in memory at most.

    Memory: at most `waiting_mib_max` of payloads wait for the log; besides, each connection has 64 KiB of unread input
    and one unfinished packet of `payload_max` bytes at most.
    """

    host: str = "127.0.0.1"  # plain MQTT belongs on loopback or a VPN
    port: int = MQTT_PORT  # 0: any free port; read it back from `MqttEndpoint.port`
    tls: TlsSettings | None = None
    anonymous: bool = False  # True: nobody logs in and anybody may publish for any MN
    connections_max: int = 20_000
    connect_s_max: float = 10.0  # from the connection to its CONNECT packet
    keep_alive_s_max: int = 600  # asked of MQTT 5 clients that want longer or none; MQTT 3.1.1 has no way to ask
    payload_max: int = 64 * 1024  # bytes of one publish
    unacknowledged_max: int = 1000  # publishes of one connection that wait for the log; more: its socket is not read
    waiting_mib_max: int = 64  # MiB of payloads of all connections that wait for the log; more: no socket is read
    messages_per_s_max: float = 0.0  # of one connection, slowed down beyond it, never dropped; 0: no bound
    retry_s_first: float = 0.05  # the log refused a batch: wait this long, then twice that ...
    retry_s_max: float = 5.0  # ... up to this
    stop_s_max: float = 10.0  # how long `stop` waits for what has been received to reach the log
    refusals: Path | None = None  # file that keeps what is refused (JSON lines, bounded); None: only the last in memory
    credentials_check_s: float = 5.0  # how often a changed credentials file is looked for; removed logins are closed
