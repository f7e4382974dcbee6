"""Read a configuration with its register, standards and rules: all of it without an error, or every error at once."""

import socket
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.config.bridge_checks import bridge_problems, bridge_warnings
from engine.config.database_section import database_place, database_problems
from engine.config.doc import Config, ConfigDoc, InfluxPlace
from engine.config.document import parse_document, read_document
from engine.config.duty_checks import duty_problems
from engine.config.duty_sections import DutySection, WebhookSection
from engine.config.host_checks import host_problems, host_warnings
from engine.config.host_sections import IntakeSection, ListenerSection
from engine.config.judging_checks import judging_problems, rule_problems, selection_problems
from engine.config.kafka_checks import kafka_problems, kafka_warnings
from engine.config.nearest import hint
from engine.config.problem import BadFile, Problem
from engine.config.rule_sections import AnyRule, PackDoc
from engine.config.secrets import read_secret, secret_problems
from engine.config.validate import YamlWhere, validated
from engine.duty.settings import ChannelKind, ChannelSettings, DutySettings
from engine.http.settings import HttpSettings
from engine.intake.settings import IntakeSettings, TlsSettings
from engine.logs import LogSettings
from engine.registry_files.assemble import Register
from engine.registry_files.load import load_register
from engine.registry_files.standards import catalogue_with
from engine.settings import HostSettings, LogKind
from rules.catalogue import pack_texts
from rules.rule import Judging, Rule, RuleSet
from rules.ruleset_json import make_ruleset


def load_config(file: Path, *, registry: Sequence[Path] | None = None) -> Config:
    """The configuration of a file, and all that it refers to. BadFile with everything that is wrong with any of it.

    `registry`: these files in place of those that it names.
    """
    doc, document, problems = validated(read_document(file), ConfigDoc)
    if doc is None:
        raise BadFile(problems)
    where, folder = YamlWhere(document=document, path=()), file.parent
    paths = tuple(registry) if registry is not None else tuple(folder / path for path in doc.registry)
    register = _register(doc, folder, paths, problems)
    problems += [
        *judging_problems(doc, where),
        *rule_problems(doc, where),
        *(selection_problems(doc, register, where) if register else ()),
        *_pack_problems(doc, where),
        *host_problems(doc, where, folder),
        *bridge_problems(doc, register, where, folder),
        *kafka_problems(doc, where, folder),
        *database_problems(doc.database, cluster=doc.host.log is LogKind.KAFKA, where=where),
        *duty_problems(doc.duty, where.at("duty")),
        *_secret_problems(doc, where, folder),
    ]
    if problems or register is None:
        raise BadFile(problems)
    return Config(
        file=file,
        host=HostSettings(data=folder / doc.data, **doc.host.given()),
        intake=IntakeSettings(**_common(doc.intake)),
        listeners=tuple(_listener(doc.intake, listener, folder) for listener in doc.intake.listeners),
        bridges=tuple(bridge.settings(folder) for bridge in doc.intake.bridges),
        registry=register.registry,
        registry_paths=paths,
        rules=_rules(doc, register),
        recent_h=doc.store.recent_h,
        influx=_influx(doc, folder),
        http=_http(doc, folder),
        logging=LogSettings(**doc.logging.given()),
        database=database_place(doc.database, folder, folder / doc.data),
        duty=_duty(doc.duty, doc.judging.zone, folder),
        kafka=doc.kafka.settings(folder, socket.gethostname()) if doc.kafka else None,
        warnings=(*host_warnings(doc, where), *bridge_warnings(doc, where), *kafka_warnings(doc, where)),
    )


def _register(doc: ConfigDoc, folder: Path, paths: Sequence[Path], problems: list[Problem]) -> Register | None:
    try:
        catalogue = catalogue_with(folder / path for path in doc.standards)
        return load_register(paths, zone=doc.judging.zone, catalogue=catalogue)
    except BadFile as error:
        problems.extend(error.problems)
        return None


def _packs() -> dict[str, tuple[AnyRule, ...]]:
    """Every rule pack that comes with the package."""
    docs = [validated(parse_document(text, name), PackDoc)[0] for name, text in pack_texts().items()]
    return {doc.pack: doc.rules for doc in docs if doc}


def _pack_problems(doc: ConfigDoc, where: YamlWhere) -> Iterator[Problem]:
    packs = _packs()
    for n, name in enumerate(doc.rule_packs):
        if name not in packs:
            yield where.at("rule_packs", n).problem("", "unknown_pack", **hint(name, packs))


def _rules(doc: ConfigDoc, register: Register) -> RuleSet:
    """The rules of the packs, then those of the configuration; one with the id of a pack's rule takes its place."""
    packs = _packs()
    sections = [rule for name in doc.rule_packs for rule in packs[name]]
    rules: dict[str, Rule] = {section.id: section.rule() for section in (*sections, *doc.rules)}
    judging = Judging(**doc.judging.given())
    return make_ruleset(judging=judging, rules=tuple(rules.values()), limits=register.limits)


def _common(intake: IntakeSection) -> dict[str, Any]:
    """What holds for every way in."""
    return {name: value for name, value in intake.given().items() if name not in ("listeners", "bridges")}


def _listener(intake: IntakeSection, listener: ListenerSection, folder: Path) -> IntakeSettings:
    tls = None
    if listener.tls:
        files = {name: folder / file for name, file in listener.tls.given().items() if file is not None}
        tls = TlsSettings(**files)
    return IntakeSettings(**{**_common(intake), "host": listener.host, "port": listener.port, "tls": tls})


def _secret_files(doc: ConfigDoc, where: YamlWhere) -> Iterator[tuple[str, YamlWhere]]:
    if doc.store.influx:
        yield doc.store.influx.token_file, where.at("store", "influx", "token_file")
    if doc.http and doc.http.token_file is not None:
        yield doc.http.token_file, where.at("http", "token_file")
    if doc.kafka and doc.kafka.sasl:
        yield doc.kafka.sasl.password_file, where.at("kafka", "sasl", "password_file")
    if doc.database and doc.database.password_file is not None:
        yield doc.database.password_file, where.at("database", "password_file")
    for n, bridge in enumerate(doc.intake.bridges):
        if bridge.password_file is not None:
            yield bridge.password_file, where.at("intake", "bridges", n, "password_file")
    for n, channel in enumerate(doc.duty.channels):
        if isinstance(channel, WebhookSection):
            yield channel.secret_file, where.at("duty", "channels", n, "secret_file")


def _secret_problems(doc: ConfigDoc, where: YamlWhere, folder: Path) -> Iterator[Problem]:
    for file, here in _secret_files(doc, where):
        yield from secret_problems(folder / file, here)


def _influx(doc: ConfigDoc, folder: Path) -> InfluxPlace | None:
    influx = doc.store.influx
    if influx is None:
        return None
    file = folder / influx.token_file
    return InfluxPlace(
        url=influx.url,
        org=influx.org,
        bucket=influx.bucket,
        token=read_secret(file),
        token_file=file,
        keep_days={kind: days for kind, days in influx.keep_days.given().items() if days is not None},
        series_max=influx.series_max,
    )


def _http(doc: ConfigDoc, folder: Path) -> HttpSettings | None:
    http = doc.http
    if http is None:
        return None
    token = None if http.token_file is None else read_secret(folder / http.token_file)
    return HttpSettings(host=http.host, port=http.port, token=token, behind_s_max=http.behind_s_max)


def _duty(duty: DutySection, zone: str, folder: Path) -> DutySettings:
    channels = []
    for channel in duty.channels:
        made = ChannelSettings(name=channel.name, kind=ChannelKind(channel.kind))
        if isinstance(channel, WebhookSection):
            secret = read_secret(folder / channel.secret_file)
            made = replace(made, url=channel.url, secret=secret, timeout_s=channel.timeout_s)
        channels.append(made)
    return DutySettings(
        roster=duty.roster(zone), channels=tuple(channels), policy=duty.policy.policy(), sending=duty.sending.sending()
    )
