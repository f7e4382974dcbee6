"""The bodies of versions as they stand in the database, and the hash by which what files say is known again."""

import hashlib
from enum import StrEnum

import orjson
from sqlalchemy import Connection, select

from engine.cluster.tables import duty_settings, registry_version
from engine.duty.settings import DutySettings
from engine.duty.settings_json import duty_from_json, duty_to_json, duty_version
from engine.duty.tables import rule_set
from rules.rule import RuleSet
from rules.ruleset_json import ruleset_from_json, ruleset_to_json
from sensors.registry import Registry
from sensors.registry_json import registry_from_json, registry_to_json


class Kind(StrEnum):
    """Of what there are versions."""

    REGISTRY = "registry"
    RULES = "rules"
    DUTY = "duty"


class NoVersionError(LookupError):
    """A version that the database was told of and does not hold."""


def registry_content(registry: Registry) -> str:
    """A hash of what files say, whatever version is made of it."""
    return hashlib.sha256(orjson.dumps({**registry_to_json(registry), "version": 0})).hexdigest()


def put_registry(connection: Connection, registry: Registry, *, content: str, made_by: str, made_ms: int) -> str:
    """Keep a version; its name."""
    body = orjson.dumps(registry_to_json(registry))
    row = {"version": registry.version, "content": content, "body": body, "made_by": made_by, "made_ms": made_ms}
    connection.execute(registry_version.insert().values(row))
    return str(registry.version)


def put_rules(connection: Connection, rules: RuleSet) -> str:
    """Keep a version, if it is new; its name."""
    if connection.execute(select(rule_set.c.version).where(rule_set.c.version == rules.version)).scalar() is None:
        body = orjson.dumps(ruleset_to_json(rules)).decode()
        connection.execute(rule_set.insert().values(version=rules.version, body=body))
    return rules.version


def put_duty(connection: Connection, settings: DutySettings) -> str:
    """Keep a version, if it is new; its name."""
    version, table = duty_version(settings), duty_settings
    if connection.execute(select(table.c.version).where(table.c.version == version)).scalar() is None:
        body = orjson.dumps(duty_to_json(settings)).decode()
        connection.execute(table.insert().values(version=version, body=body))
    return version


def body_of(connection: Connection, kind: Kind, version: str) -> bytes | str:
    """A version as JSON; NoVersionError where there is none."""
    match kind:
        case Kind.REGISTRY:
            query = select(registry_version.c.body).where(registry_version.c.version == int(version))
        case Kind.RULES:
            query = select(rule_set.c.body).where(rule_set.c.version == version)
        case Kind.DUTY:
            query = select(duty_settings.c.body).where(duty_settings.c.version == version)
    found: bytes | str | None = connection.execute(query).scalar()
    if found is None:
        raise NoVersionError(f"{kind} {version}: the database holds no such version")
    return found


def load_registry(connection: Connection, version: str) -> Registry:
    """The register of a version."""
    return registry_from_json(orjson.loads(body_of(connection, Kind.REGISTRY, version)))


def load_rule_set(connection: Connection, version: str) -> RuleSet:
    """The rule set of a version."""
    return ruleset_from_json(orjson.loads(body_of(connection, Kind.RULES, version)))


def load_duty(connection: Connection, version: str, own: DutySettings) -> DutySettings:
    """The duty settings of a version, with the channels of this host."""
    return duty_from_json(orjson.loads(body_of(connection, Kind.DUTY, version)), own)
