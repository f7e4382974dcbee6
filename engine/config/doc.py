"""The whole configuration as people write it, and as the host takes it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

from pydantic import Field

from engine.config.database_section import DatabaseSection
from engine.config.duty_sections import DutySection
from engine.config.explain import Section
from engine.config.host_sections import HostSection, HttpSection, IntakeSection, LoggingSection, StoreSection
from engine.config.kafka_sections import KafkaSection
from engine.config.problem import Problem
from engine.config.rule_sections import AnyRule, JudgingSection
from engine.config.words import Text
from engine.database.place import Place
from engine.duty.settings import DutySettings, Secret
from engine.http.settings import HttpSettings
from engine.intake.bridge.settings import BridgeSettings
from engine.intake.settings import IntakeSettings
from engine.log.kafka.settings import KafkaSettings
from engine.logs import LogSettings
from engine.settings import HostSettings
from engine.store.influx_settings import InfluxSettings
from rules.rule import RuleSet
from sensors.registry import Registry


class ConfigDoc(Section):
    """config.yaml. Paths in it are relative to its folder."""

    data: Text
    registry: Annotated[tuple[Text, ...], Field(min_length=1)]
    standards: tuple[Text, ...] = ()
    rule_packs: tuple[Text, ...] = ()
    rules: tuple[AnyRule, ...] = ()
    judging: JudgingSection = JudgingSection()
    host: HostSection = HostSection()
    intake: IntakeSection = IntakeSection()
    store: StoreSection = StoreSection()
    http: HttpSection | None = None
    logging: LoggingSection = LoggingSection()
    kafka: KafkaSection | None = None
    database: DatabaseSection | None = None
    duty: DutySection = DutySection()


@dataclass(frozen=True, slots=True, kw_only=True)
class InfluxPlace:
    """The InfluxDB that readings also go to."""

    url: str
    org: str
    bucket: str
    token: Secret
    token_file: Path  # read again when the server refuses the token
    keep_days: Mapping[str, float]  # by kind of reading, and "verdict": what has a bucket of its own
    series_max: int

    def settings(self) -> InfluxSettings:
        """For whoever talks to it."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return InfluxSettings(**{**given, "token": self.token.reveal()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A configuration without errors."""

    file: Path
    host: HostSettings
    intake: IntakeSettings  # the bounds of every listener and bridge
    listeners: tuple[IntakeSettings, ...]
    bridges: tuple[BridgeSettings, ...]
    registry: Registry  # as the files say; `sensors.registry_versions.grown` makes the next version of it
    registry_paths: tuple[Path, ...]
    rules: RuleSet
    recent_h: int | None  # a day leaves the store's SQLite so long after its end; None: the store's own default
    influx: InfluxPlace | None
    http: HttpSettings | None
    logging: LogSettings
    kafka: KafkaSettings | None  # the log of a cluster; not used while host.log is embedded
    database: Place
    duty: DutySettings
    warnings: tuple[Problem, ...]  # nothing to stop for, but to look at
