"""A broker that asks for TLS and a user: who has both is let in, and whoever lacks one is told which."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.duty.settings import Secret
from engine.exit_codes import ExitCode
from engine.lifecycle import Host
from engine.log.api import Stored
from engine.log.errors import LogError
from engine.log.kafka.log import KafkaLog
from engine.log.kafka.settings import KafkaSettings, Mechanism, Sasl, Security, Tls
from engine.log.kafka.topics import Retention
from engine.log.record import RecordKind, Topic
from tests.app_parts import Hand, Shelf, until
from tests.cluster_host import session
from tests.servers import SecureKafka

pytestmark = pytest.mark.real


@pytest.fixture
def settings(secure_kafka: SecureKafka, prefix: str) -> KafkaSettings:
    return KafkaSettings(
        servers=tuple(secure_kafka.servers),
        partitions=1,
        prefix=prefix,
        security=Security.SASL_SSL,
        sasl=Sasl(mechanism=Mechanism.SCRAM_512, user=secure_kafka.user, password=Secret(secure_kafka.password)),
        tls=Tls(ca=secure_kafka.certificates.ca),
    )


def test_topics_are_made_and_records_go_in_and_out(settings: KafkaSettings) -> None:
    with KafkaLog(settings, Retention()) as log:
        assert isinstance(log.append(Topic.ALERTS, 0, RecordKind.DATA, b"[]").result(30), Stored)
        assert [record.body for record in log.reader.records(Topic.ALERTS, 0)] == [b"[]"]


def test_a_wrong_password_is_told_and_not_shown(settings: KafkaSettings, secure_kafka: SecureKafka) -> None:
    wrong = Sasl(user=secure_kafka.user, password=Secret("swordfish"))
    with pytest.raises(LogError, match="kafka ") as caught:
        KafkaLog(replace(settings, sasl=wrong), Retention())
    assert "swordfish" not in str(caught.value)


def test_a_broker_whose_certificate_is_not_believed_is_not_spoken_to(settings: KafkaSettings) -> None:
    with pytest.raises(LogError, match="kafka "):
        KafkaLog(replace(settings, tls=Tls()), Retention())


def test_a_certificate_that_is_none_is_named(settings: KafkaSettings, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(LogError, match=r"kafka\.tls: expected certificates and a key in PEM"):
        KafkaLog(replace(settings, tls=Tls(ca=tmp_path / "ca.pem")), Retention())


def test_a_worker_joins_its_group_and_works(settings: KafkaSettings, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf.db")

    async def act(host: Host, hand: Hand) -> None:
        await hand.publish("over TLS")
        await until(lambda: len(shelf.rows("select * from payload")) == 1, 60)

    assert session(tmp_path, settings, shelf, act) is ExitCode.OK
