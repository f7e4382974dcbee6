"""Contradictions between the settings of a Kafka log, and between them and the rest."""

from collections.abc import Iterator
from pathlib import Path

from engine.config.doc import ConfigDoc
from engine.config.problem import Problem
from engine.config.validate import YamlWhere
from engine.settings import LogKind


def kafka_problems(doc: ConfigDoc, where: YamlWhere, folder: Path) -> Iterator[Problem]:
    """Everything in `kafka` and in what depends on it that cannot be."""
    kafka, here = doc.kafka, where.at("kafka")
    if doc.host.log is LogKind.KAFKA and kafka is None:
        yield where.at("host").problem("log", "no_kafka")
    if kafka is None:
        return
    if kafka.security.asks_who and kafka.sasl is None:
        yield here.problem("security", "no_sasl", value=kafka.security.value)
    if kafka.sasl is not None and not kafka.security.asks_who:
        yield here.problem("sasl", "sasl_unused", value=kafka.security.value)
    if kafka.tls is not None and not kafka.security.encrypts:
        yield here.problem("tls", "tls_unused", value=kafka.security.value)
    if kafka.rebalance_s < kafka.session_s:
        yield here.problem("rebalance_s", "rebalance", value=f"{kafka.rebalance_s:g}", bound=f"{kafka.session_s:g}")
    for name, file in (kafka.tls.given() if kafka.tls else {}).items():
        if file is not None and not (folder / file).is_file():
            yield here.at("tls").problem(name, "no_file", value=file)


def kafka_warnings(doc: ConfigDoc, where: YamlWhere) -> Iterator[Problem]:
    """What is allowed but should be meant."""
    if doc.host.log is LogKind.KAFKA and doc.kafka is not None and doc.kafka.replication == 1:
        yield where.at("kafka").problem("replication", "one_replica")
