"""Certificates that end soon, and private keys that others can read."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from engine.doctor.data import mode_of
from engine.doctor.finding import Finding, error, good, warning
from engine.doctor.mqtt_client import Client
from engine.doctor.patient import Broker, Patient
from engine.doctor.x509 import certificates_in, ends_at

SOON_DAYS = 30


def tls_findings(patient: Patient) -> Iterator[Finding]:
    """Every file that the configuration names, and what the brokers show."""
    certificates, keys = _files(patient)
    for file in certificates:
        yield from _file(file)
    for key in keys:
        mode = mode_of(key)
        yield error("tls_key", key, mode=f"{mode:03o}") if mode & 0o077 else good("tls_key", key)
    for broker in patient.brokers:
        if broker.tls is not None:
            yield from _shown(broker)


def _files(patient: Patient) -> tuple[list[Path], list[Path]]:
    """Certificates and keys."""
    config = patient.config
    certificates: list[Path | None] = []
    keys: list[Path | None] = []
    for listener in config.listeners:
        if listener.tls is not None:
            certificates += [listener.tls.cert, listener.tls.client_ca]
            keys.append(listener.tls.key)
    clients = [bridge.tls for bridge in config.bridges]
    for tls in (*clients, config.kafka.tls if config.kafka is not None else None):
        if tls is not None:
            certificates += [tls.ca, tls.cert]
            keys.append(tls.key)
    return _once(certificates), _once(keys)


def _once(files: list[Path | None]) -> list[Path]:
    return list(dict.fromkeys(file for file in files if file is not None))


def _file(file: Path) -> Iterator[Finding]:
    try:
        found = certificates_in(file)
        ends = [ends_at(one) for one in found]
    except (OSError, ValueError) as failure:
        yield error("tls_unreadable", file, reason=failure)
        return
    if not ends:
        yield error("tls_unreadable", file, reason="PEM")
    else:
        yield _age(file, min(ends))


def _shown(broker: Broker) -> Iterator[Finding]:
    try:
        with Client(broker) as client:
            der = client.certificate
    except OSError:
        return  # the broker's own check says so
    if der is not None:
        yield _age(broker.place, ends_at(der))


def _age(where: object, end: datetime) -> Finding:
    left = (end - datetime.now(UTC)).days
    values = {"end": end.strftime("%Y-%m-%d"), "days": left}
    if left < 0:
        return error("tls_expired", where, **values)
    return warning("tls_soon", where, **values) if left < SOON_DAYS else good("tls_soon", where, **values)
