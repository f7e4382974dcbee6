"""The part of the configuration that says where the Kafka of a cluster is."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from engine.config.explain import OWN, Section
from engine.config.secrets import read_secret
from engine.config.words import Positive, Seconds, Text
from engine.log.kafka.settings import KafkaSettings, Mechanism, Sasl, Security, Tls

KAFKA = KafkaSettings(servers=())  # only its defaults count

ADDRESS = re.compile(r"([^\s:,]+|\[[0-9a-fA-F:]+\]):\d{1,5}")
PREFIX = re.compile(r"[A-Za-z0-9._-]{0,100}")


def _address(text: str) -> str:
    if not ADDRESS.fullmatch(text):
        raise PydanticCustomError("bad_server", OWN)
    return text


def _prefix(text: str) -> str:
    if not PREFIX.fullmatch(text):
        raise PydanticCustomError("bad_prefix", OWN)
    return text


Address = Annotated[str, AfterValidator(_address)]
Prefix = Annotated[str, AfterValidator(_prefix)]


class SaslSection(Section):
    """`kafka.sasl`: who this process is to the brokers."""

    mechanism: Mechanism = Mechanism.SCRAM_512
    user: Text
    password_file: Text

    def sasl(self, folder: Path) -> Sasl:
        """For the log."""
        return Sasl(mechanism=self.mechanism, user=self.user, password=read_secret(folder / self.password_file))


class KafkaTlsSection(Section):
    """`kafka.tls`."""

    ca: Text | None = None
    cert: Text | None = None
    key: Text | None = None

    def tls(self, folder: Path) -> Tls:
        """For the log."""
        return Tls(**{name: folder / file for name, file in self.given().items() if file is not None})


class KafkaSection(Section):
    """`kafka`: the log of a cluster."""

    servers: Annotated[tuple[Address, ...], Field(min_length=1)]
    partitions: Annotated[int, Field(ge=1, le=1024)] = KAFKA.partitions
    replication: Annotated[int, Field(ge=1, le=32)] = KAFKA.replication
    worker: Text | None = None
    prefix: Prefix = KAFKA.prefix
    security: Security = KAFKA.security
    sasl: SaslSection | None = None
    tls: KafkaTlsSection | None = None
    session_s: Annotated[float, Field(ge=6, le=300)] = KAFKA.session_s
    rebalance_s: Seconds = KAFKA.rebalance_s
    stalled_s: Seconds = KAFKA.stalled_s
    waiting_mib_max: Positive = KAFKA.waiting_mib_max

    def settings(self, folder: Path, host_name: str) -> KafkaSettings:
        """For the log. Its secrets have been found to be readable before."""
        plain = {name: value for name, value in self.given().items() if name not in ("sasl", "tls", "worker")}
        return KafkaSettings(
            **plain,
            worker=self.worker or host_name,
            sasl=self.sasl.sasl(folder) if self.sasl else None,
            tls=self.tls.tls(folder) if self.tls else None,
        )
