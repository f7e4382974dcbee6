"""The parts of the configuration that say where a host works, what it listens on and where it stores."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from engine.config.bridge_sections import BridgeSection
from engine.config.explain import Section
from engine.config.words import Port, Positive, Seconds, Text
from engine.http.settings import HTTP_PORT, HttpSettings
from engine.intake.settings import MQTT_PORT, IntakeSettings
from engine.logs import LogFormat, LogLevel, LogSettings
from engine.settings import HostSettings, LogKind, Role
from engine.store.influx_settings import InfluxSettings

SERIES_MAX = InfluxSettings(url="", token="", org="", bucket="").series_max
HOST = HostSettings(data=Path())  # only its defaults count
INTAKE = IntakeSettings()
HTTP = HttpSettings()


class HostSection(Section):
    """`host`: the process itself."""

    log: LogKind = HOST.log
    roles: Annotated[tuple[Role, ...], Field(min_length=1)] = HOST.roles
    partitions: Annotated[int, Field(ge=1, le=64)] = HOST.partitions
    tick_s: Seconds = HOST.tick_s
    snapshot_s: Seconds = HOST.snapshot_s
    status_s: Seconds = HOST.status_s
    drain_s: Seconds = HOST.drain_s
    retain_days: Seconds | None = HOST.retain_days
    retain_bytes: Positive | None = HOST.retain_bytes
    retain_derived_h: Seconds = HOST.retain_derived_h


class TlsSection(Section):
    """`tls` of a listener."""

    cert: Text
    key: Text
    client_ca: Text | None = None


class ListenerSection(Section):
    """One entry of `intake.listeners`."""

    host: Text = INTAKE.host
    port: Port = MQTT_PORT
    tls: TlsSection | None = None


class IntakeSection(Section):
    """`intake`: the embedded MQTT endpoint, bridges to brokers, and what bounds both."""

    listeners: tuple[ListenerSection, ...] = (ListenerSection(),)
    bridges: tuple[BridgeSection, ...] = ()
    anonymous: bool = INTAKE.anonymous
    connections_max: Positive = INTAKE.connections_max
    connect_s_max: Seconds = INTAKE.connect_s_max
    keep_alive_s_max: Annotated[int, Field(gt=0, le=65535)] = INTAKE.keep_alive_s_max
    payload_max: Annotated[int, Field(ge=1024, le=1 << 20)] = INTAKE.payload_max
    unacknowledged_max: Annotated[int, Field(ge=1, le=65535)] = INTAKE.unacknowledged_max
    waiting_mib_max: Positive = INTAKE.waiting_mib_max
    messages_per_s_max: Annotated[float, Field(ge=0)] = INTAKE.messages_per_s_max
    retry_s_first: Seconds = INTAKE.retry_s_first
    retry_s_max: Seconds = INTAKE.retry_s_max
    stop_s_max: Seconds = INTAKE.stop_s_max
    credentials_check_s: Seconds = INTAKE.credentials_check_s


class KeepDaysSection(Section):
    """`store.influx.keep_days`: what has a bucket of its own, and for how long it is kept there."""

    realtime: Seconds | None = None
    minute: Seconds | None = None
    hour: Seconds | None = None
    day: Seconds | None = None
    verdict: Seconds | None = None


class InfluxSection(Section):
    """`store.influx`: readings also go to an InfluxDB."""

    url: Text
    org: Text
    bucket: Text
    token_file: Text
    keep_days: KeepDaysSection = KeepDaysSection()
    series_max: Positive = SERIES_MAX


class StoreSection(Section):
    """`store`."""

    recent_h: Positive | None = None
    influx: InfluxSection | None = None


class HttpSection(Section):
    """`http`: where the host says how it is."""

    host: Text = HTTP.host
    port: Port = HTTP_PORT
    token_file: Text | None = None
    behind_s_max: Seconds = HTTP.behind_s_max


class LoggingSection(Section):
    """`logging`: what the process says on standard error."""

    format: LogFormat = LogSettings().format
    level: LogLevel = LogSettings().level
