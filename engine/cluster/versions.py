"""By what all workers work: the versions of register, rules and duty settings, agreed on in the database.

A worker brings what its files say. What its files said at its last start is no news, nor is what others have said before;
only what is new becomes the next version, for all. So a worker that starts with the files of last month changes nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from engine.cluster.agreeing import Agreeing, Files
from engine.cluster.contents import Kind, load_duty, load_registry, load_rule_set
from engine.cluster.tables import in_force
from engine.database.database import Database, Lock
from engine.duty.settings import DutySettings
from rules.rule import RuleSet
from sensors.registry import Registry

PATIENCE_S = 300
"""A register of many outlets takes seconds to grow; other workers that start wait for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What all workers work by."""

    registry: Registry
    rules: RuleSet
    duty: DutySettings  # with the channels of this host
    numbers: Mapping[Kind, int]  # grow with every change


def _no_log() -> Registry | None:
    return None


class Versions:
    """The versions of a database. `partitions`: of FRAMES. DatabaseUnavailableError where it cannot be reached."""

    def __init__(self, db: Database, *, partitions: int) -> None:
        self._db = db
        self._partitions = partitions

    def agree(self, worker: str, files: Files, *, of_log: Callable[[], Registry | None] = _no_log) -> InForce:
        """What this worker works by from its start on, with what its files bring that is new; others wait meanwhile.

        `of_log`: the register that the log last heard of. It is asked only where the database knows of none (it was
        lost, say): numbers of series that stand in the log keep their meaning. MovedError where files move an outlet.
        """
        with self._db.write(Lock.VERSIONS, patience_s=PATIENCE_S) as connection:
            Agreeing(
                connection=connection,
                worker=worker,
                files=files,
                of_log=of_log,
                partitions=self._partitions,
                now_ms=self._db.clock(connection),
            ).settle()
            return _load(connection, files.duty, None)

    def newer(self, known: InForce) -> InForce | None:
        """What is in force, if any of it has changed since."""
        with self._db.read() as connection:
            rows = connection.execute(select(in_force.c.kind, in_force.c.number)).all()
            if all(known.numbers[Kind(row.kind)] == row.number for row in rows):
                return None
            return _load(connection, known.duty, known)

    def rules_of(self, version: str) -> RuleSet:
        """A rule set that was in force at some time; NoVersionError where there is none."""
        with self._db.read() as connection:
            return load_rule_set(connection, version)


def _load(connection: Connection, own: DutySettings, known: InForce | None) -> InForce:
    """What is in force; of `known` whatever has not changed is used again."""
    rows = {Kind(row.kind): row for row in connection.execute(select(in_force))}
    numbers = {kind: row.number for kind, row in rows.items()}
    registry, rules, duty = (rows[kind].version for kind in (Kind.REGISTRY, Kind.RULES, Kind.DUTY))
    same = {kind for kind in Kind if known is not None and known.numbers[kind] == numbers[kind]}
    return InForce(
        registry=known.registry if known and Kind.REGISTRY in same else load_registry(connection, registry),
        rules=known.rules if known and Kind.RULES in same else load_rule_set(connection, rules),
        duty=known.duty if known and Kind.DUTY in same else load_duty(connection, duty, own),
        numbers=numbers,
    )
