"""The part of the configuration that says which brokers readings are taken from."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from engine.config.explain import OWN, Section
from engine.config.secrets import read_secret
from engine.config.words import Port, Seconds, Text
from engine.intake.bridge.mn_topic import is_mn_filter
from engine.intake.bridge.settings import NOBODY, BridgeSettings, BrokerTls
from engine.intake.credentials import NAME

BRIDGE = BridgeSettings(client_id="")  # only its defaults count


def _topic(text: str) -> str:
    if not is_mn_filter(text):
        raise PydanticCustomError("mn_topic", OWN)
    return text


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise PydanticCustomError("client_id", OWN)
    return text


MnFilter = Annotated[str, AfterValidator(_topic)]
Name = Annotated[str, AfterValidator(_name)]


class BrokerTlsSection(Section):
    """`tls` of a bridge."""

    ca: Text | None = None
    cert: Text | None = None
    key: Text | None = None


class BridgeSection(Section):
    """One entry of `intake.bridges`."""

    host: Text = BRIDGE.host
    port: Annotated[Port, Field(gt=0)] = BRIDGE.port
    user: Text | None = None
    password_file: Text | None = None
    client_id: Name | None = None
    share: Name | None = None
    topic: MnFilter = BRIDGE.topic
    topic_down: MnFilter = BRIDGE.topic_down
    tls: BrokerTlsSection | None = None
    keep_alive_s: Annotated[int, Field(ge=5, le=3600)] = BRIDGE.keep_alive_s
    connect_s_max: Seconds = BRIDGE.connect_s_max
    reconnect_s_max: Seconds = BRIDGE.reconnect_s_max
    watch_dropped: bool = BRIDGE.watch_dropped
    backfill: bool = BRIDGE.backfill
    requests_per_s_max: Seconds = BRIDGE.requests_per_s_max

    @property
    def name(self) -> str:
        """The client id, which is the user where none is given; "" where neither is."""
        return self.client_id or self.user or ""

    def settings(self, folder: Path) -> BridgeSettings:
        """For the bridge. Its secret has been found to be readable before."""
        apart = ("user", "password_file", "client_id", "share", "tls")
        plain = {name: value for name, value in self.given().items() if name not in apart}
        files = self.tls.given() if self.tls else {}
        return BridgeSettings(
            **plain,
            client_id=self.name,
            user=self.user or "",
            password=read_secret(folder / self.password_file) if self.password_file else NOBODY,
            share=self.share or "",
            tls=BrokerTls(**{name: folder / file for name, file in files.items() if file}) if self.tls else None,
        )
