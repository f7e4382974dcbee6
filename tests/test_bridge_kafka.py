"""From a real Mosquitto over a bridge into a real Kafka: the broker is told when Kafka has it, and not before."""

from pathlib import Path

import pytest

from engine.log.kafka.log import KafkaLog
from engine.log.kafka.settings import KafkaSettings
from engine.log.kafka.topics import Retention
from engine.log.record import Topic
from sensors.frames import FrameBatch
from tests.bridge_rig import Broker, bridging
from tests.intake_rig import MN, soon
from tests.servers import Kafka
from tests.test_bridge_messages import publish

pytestmark = pytest.mark.real


def payloads(log: KafkaLog) -> list[bytes]:
    """All that the log holds, partition by partition."""
    records = (record for p in range(log.partitions(Topic.FRAMES)) for record in log.reader.records(Topic.FRAMES, p))
    batches = (FrameBatch.decode(record.body) for record in records)
    return [batch.payload(row) for batch in batches for row in range(len(batch))]


def test_a_message_is_acknowledged_to_the_broker_when_kafka_has_it(tmp_path: Path) -> None:
    with Kafka.running() as kafka, Broker.running() as broker:
        settings = KafkaSettings(servers=tuple(kafka.servers), partitions=2)
        with KafkaLog(settings, Retention()) as log, bridging(log, tmp_path, broker.bridge()) as rig:
            assert soon(lambda: rig.counts["broker_logins"] == 1)
            with broker.client() as monitor:
                sent = publish(monitor, MN, 300)
                assert soon(lambda: rig.counts["acknowledged"] == 300, 20)
                kafka.freeze()
                sent += publish(monitor, MN, 300, first=300)
                assert soon(lambda: rig.counts["received"] == 600)
                assert rig.counts["acknowledged"] == 300
                kafka.thaw()
                assert soon(lambda: rig.counts["acknowledged"] == 600, 30)
            assert payloads(log) == sent
