"""A process on Kafka by itself: what goes in comes out once, over holes and starts."""

from pathlib import Path

import pytest
from faust.types import TP

from engine.exit_codes import ExitCode
from engine.lifecycle import Host
from engine.log.kafka.settings import KafkaSettings
from tests.app_parts import Hand, Shelf, until
from tests.cluster_host import kept, session
from tests.servers import Kafka

pytestmark = pytest.mark.real

@pytest.fixture
def kafka_settings(kafka: Kafka, prefix: str) -> KafkaSettings:
    return KafkaSettings(servers=tuple(kafka.servers), partitions=1, prefix=prefix, session_s=6.0)


def test_a_consumer_that_skips_records_is_sent_back_and_nothing_is_judged_over_the_hole(
    tmp_path: Path, kafka_settings: KafkaSettings
) -> None:
    shelf, texts = Shelf(tmp_path / "shelf.db"), [f"p{n:02d}" for n in range(30)]

    async def act(host: Host, hand: Hand) -> None:
        assert host.app is not None
        frames = TP(f"{kafka_settings.prefix}frames", 0)
        for n, text in enumerate(texts):
            await hand.publish(text)
            if n % 10 == 5:
                await host.app.consumer.seek(frames, await host.app.consumer.position(frames) + 3)
        await until(lambda: len(kept(shelf)) == len(texts), 60)
        assert host.counts["detect.holes"] > 0

    assert session(tmp_path, kafka_settings, shelf, act) is ExitCode.OK
    assert kept(shelf) == [(text, n) for n, text in enumerate(texts, 1)]


def test_a_start_goes_on_where_the_snapshot_ends_and_counts_nothing_twice(
    tmp_path: Path, kafka_settings: KafkaSettings
) -> None:
    shelf, said = Shelf(tmp_path / "shelf.db"), []
    for round_ in range(3):

        async def act(host: Host, hand: Hand, round_: int = round_) -> None:
            for n in range(5):
                said.append(f"r{round_}n{n}")
                await hand.publish(said[-1])
            await until(lambda: len(kept(shelf)) == len(said), 60)

        assert session(tmp_path, kafka_settings, shelf, act) is ExitCode.OK
    assert kept(shelf) == [(text, n) for n, text in enumerate(said, 1)]
    assert [str(id) for (id,) in shelf.rows("select id from alert order by id")] == said
