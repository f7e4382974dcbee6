"""One worker's start in the agreement on versions: what its files bring that is new, in one transaction."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, select

from engine.cluster.contents import Kind, load_registry, put_duty, put_registry, put_rules, registry_content
from engine.cluster.controls import ANNOUNCED, ask_for
from engine.cluster.tables import duty_settings, files_seen, in_force, registry_version
from engine.duty.settings import DutySettings
from engine.duty.settings_json import duty_version
from engine.duty.tables import rule_set
from rules.rule import RuleSet
from sensors.registry import Registry
from sensors.registry_versions import grown

logger = logging.getLogger(__name__)

CLOCKS_APART_MS = 60_000
"""The log's clock may be so far behind the database's. A monitor is valid from so much earlier on: no frame of before the
version is judged by it anyway, and none after it may come too early for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What the files of a worker say."""

    registry: Registry
    rules: RuleSet
    duty: DutySettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreeing:
    """The start of one worker; `of_log` knows the register that the log last heard of."""

    connection: Connection
    worker: str
    files: Files
    of_log: Callable[[], Registry | None]
    partitions: int
    now_ms: int

    def settle(self) -> None:
        """Make the next version of everything of which the files say something new."""
        content = registry_content(self.files.registry)
        self._settle(
            Kind.REGISTRY,
            content,
            is_known=self._exists(registry_version.c.content == content),
            make=lambda version: self._next_registry(version, content),
        )
        version = self.files.rules.version
        self._settle(
            Kind.RULES,
            version,
            is_known=self._exists(rule_set.c.version == version),
            make=lambda _: put_rules(self.connection, self.files.rules),
        )
        version = duty_version(self.files.duty)
        self._settle(
            Kind.DUTY,
            version,
            is_known=self._exists(duty_settings.c.version == version),
            make=lambda _: put_duty(self.connection, self.files.duty),
        )

    def _settle(self, kind: Kind, content: str, *, is_known: bool, make: Callable[[str | None], str]) -> None:
        """Make the next version if this is the first, or if the files say what neither they nor others have said before."""
        held = self.connection.execute(select(in_force.c.version).where(in_force.c.kind == kind.value)).scalar()
        seen = self._seen(kind, content)
        is_news = seen != content if seen is not None else not is_known
        if held is None or is_news:
            version = make(held)
            if version != held:
                self._enforce(kind, version)
        elif self._content_of(kind, held) != content:
            logger.warning("%s: the files of this host are not those of version %s, which stays in force", kind, held)

    def _seen(self, kind: Kind, content: str) -> str | None:
        """What the files of this worker said at its last start; what they say now is noted."""
        me = (files_seen.c.worker == self.worker) & (files_seen.c.kind == kind.value)
        seen = self.connection.execute(select(files_seen.c.content).where(me)).scalar()
        self.connection.execute(files_seen.delete().where(me))
        self.connection.execute(files_seen.insert().values(worker=self.worker, kind=kind.value, content=content))
        return seen

    def _next_registry(self, held: str | None, content: str) -> str:
        last = self.of_log() if held is None else load_registry(self.connection, held)
        found = self.files.registry if last is None else grown(last, self.files.registry, self.now_ms - CLOCKS_APART_MS)
        if held is not None and found is last:
            return held
        return put_registry(self.connection, found, content=content, made_by=self.worker, made_ms=self.now_ms)

    def _enforce(self, kind: Kind, version: str) -> None:
        number = 1 + (self.connection.execute(select(func.max(in_force.c.number))).scalar() or 0)
        row = {"kind": kind.value, "version": version, "number": number, "since_ms": self.now_ms}
        self.connection.execute(in_force.delete().where(in_force.c.kind == kind.value))
        self.connection.execute(in_force.insert().values(row))
        if kind in ANNOUNCED:
            ask_for(self.connection, kind, version, self.partitions)
        logger.warning("%s %s is in force from now on, by the files of %s", kind, version, self.worker)

    def _content_of(self, kind: Kind, version: str) -> str | None:
        if kind is not Kind.REGISTRY:
            return version
        query = select(registry_version.c.content).where(registry_version.c.version == int(version))
        return self.connection.execute(query).scalar()

    def _exists(self, condition: ColumnElement[bool]) -> bool:
        return self.connection.execute(select(func.count()).where(condition)).scalar_one() > 0
