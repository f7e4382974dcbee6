"""Contradictions between a host's settings, and between them and the machine: ports, certificates, addresses."""

import ipaddress
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

from engine.config.doc import ConfigDoc
from engine.config.duty_checks import is_web_address
from engine.config.host_sections import ListenerSection
from engine.config.problem import Problem
from engine.config.validate import YamlWhere

ANY = ("0.0.0.0", "::", "")


def host_problems(doc: ConfigDoc, where: YamlWhere, folder: Path) -> Iterator[Problem]:
    """Everything in `intake`, `http` and `store` that cannot be."""
    listeners = doc.intake.listeners
    for (n, first), (m, other) in combinations(enumerate(listeners), 2):
        if _same_port(first, other):
            there = where.at("intake", "listeners", n).problem("port", "port_twice").place
            here = where.at("intake", "listeners", m)
            yield here.problem("port", "port_twice", value=other.port, first=there)
    for n, listener in enumerate(listeners):
        yield from _tls(listener, where.at("intake", "listeners", n, "tls"), folder)
    if doc.intake.retry_s_first > doc.intake.retry_s_max:
        values = {"value": doc.intake.retry_s_first, "bound": doc.intake.retry_s_max}
        yield where.at("intake").problem("retry_s_first", "retry", **values)
    if doc.http and doc.http.token_file is None and not is_loopback(doc.http.host):
        yield where.at("http").problem("host", "open_http", value=doc.http.host)
    if doc.store.influx and not is_web_address(doc.store.influx.url):
        yield where.at("store", "influx").problem("url", "bad_url", value=doc.store.influx.url)


def host_warnings(doc: ConfigDoc, where: YamlWhere) -> Iterator[Problem]:
    """What is allowed but should be meant."""
    for n, listener in enumerate(doc.intake.listeners):
        if not is_loopback(listener.host):
            here = where.at("intake", "listeners", n)
            if listener.tls is None:
                yield here.problem("host", "plain_outside", value=listener.host)
            if doc.intake.anonymous:
                yield here.problem("host", "anonymous_outside", value=listener.host)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it.

    >>> is_loopback("localhost"), is_loopback("127.0.0.1"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _same_port(a: ListenerSection, b: ListenerSection) -> bool:
    return a.port == b.port != 0 and (a.host == b.host or a.host in ANY or b.host in ANY)


def _tls(listener: ListenerSection, where: YamlWhere, folder: Path) -> Iterator[Problem]:
    for name, file in (listener.tls.given() if listener.tls else {}).items():
        if file is not None and not (folder / file).is_file():
            yield where.problem(name, "no_file", value=file)
