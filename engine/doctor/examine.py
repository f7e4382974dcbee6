"""The round: which subjects there are, in the order in which they are looked at."""

from collections.abc import Callable, Collection, Iterable, Iterator

from engine.doctor.configuration import configuration_findings
from engine.doctor.data import data_findings
from engine.doctor.database import database_findings
from engine.doctor.environment import environment_findings
from engine.doctor.finding import Finding, error
from engine.doctor.influx import influx_findings
from engine.doctor.kafka import kafka_findings
from engine.doctor.listeners import listener_findings
from engine.doctor.mqtt import mqtt_findings
from engine.doctor.patient import Patient
from engine.doctor.tls import tls_findings
from engine.texts import Texts

Check = Callable[[Patient], Iterable[Finding]]

CHECKS: dict[str, Check] = {
    "environment": environment_findings,
    "data": data_findings,
    "listener": listener_findings,
    "tls": tls_findings,
    "mqtt": mqtt_findings,
    "kafka": kafka_findings,
    "influx": influx_findings,
    "database": database_findings,
}

SUBJECTS = ("configuration", *CHECKS)


def examine(patient: Patient, say: Texts, only: Collection[str] = ()) -> Iterator[Finding]:
    """Look at everything, or at some subjects only. A check that breaks is a finding, and the others go on."""
    checks: dict[str, Check] = {"configuration": lambda one: configuration_findings(one, say), **CHECKS}
    for subject, check in checks.items():
        if only and subject not in only:
            continue
        try:
            yield from check(patient)
        except Exception as failure:
            yield error("failed", subject, reason=f"{type(failure).__name__}: {failure}")
