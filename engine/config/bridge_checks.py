"""Contradictions between the bridges of a configuration, and between them and the rest."""

from collections.abc import Iterator
from pathlib import Path

from engine.config.bridge_sections import BridgeSection
from engine.config.doc import ConfigDoc
from engine.config.host_checks import is_loopback
from engine.config.problem import Problem
from engine.config.validate import YamlWhere
from engine.registry_files.assemble import Register


def bridge_problems(doc: ConfigDoc, register: Register | None, where: YamlWhere, folder: Path) -> Iterator[Problem]:
    """Everything in `intake.bridges` that cannot be."""
    bridges = where.at("intake", "bridges")
    if not doc.intake.listeners and not doc.intake.bridges:
        yield where.at("intake").problem("listeners", "no_intake")
    mns = {monitor.mn for monitor in register.registry.monitors} if register else set()
    first: dict[str, int] = {}
    for n, bridge in enumerate(doc.intake.bridges):
        yield from _bridge(bridge, bridges.at(n), mns, folder)
        if bridge.name and bridge.name in first:
            there = bridges.at(first[bridge.name]).problem("", "client_id_twice").place
            yield bridges.at(n).problem("", "client_id_twice", value=bridge.name, first=there)
        first.setdefault(bridge.name, n)


def bridge_warnings(doc: ConfigDoc, where: YamlWhere) -> Iterator[Problem]:
    """What is allowed but should be meant."""
    for n, bridge in enumerate(doc.intake.bridges):
        if bridge.tls is None and not is_loopback(bridge.host):
            yield where.at("intake", "bridges", n).problem("host", "plain_broker", value=bridge.host)


def _bridge(bridge: BridgeSection, here: YamlWhere, mns: set[str], folder: Path) -> Iterator[Problem]:
    if not bridge.name:
        yield here.problem("", "no_client_id")
    if bridge.name in mns:
        yield here.problem("", "client_id_is_mn", value=bridge.name)
    if bridge.password_file is not None and bridge.user is None:
        yield here.problem("password_file", "password_of_nobody")
    files = bridge.tls.given() if bridge.tls else {}
    for name, file in files.items():
        if file is not None and not (folder / file).is_file():
            yield here.at("tls").problem(name, "no_file", value=file)
    if bool(files.get("cert")) != bool(files.get("key")):
        yield here.problem("tls", "cert_and_key")
