"""Split uploads: packets with and without a time of their own, in any order, lost, doubled, over a restart."""

import json

import pytest

from sensors.decoder import Decoded, Decoder
from sensors.frames import FrameBatch
from sensors.hj212.encode import encode_data
from sensors.hj212.packets import GROUPS_MAX, WAIT_MS, WAITING_MAX
from sensors.refusal import Reason
from tests.codec_world import NOW_MS, REGISTRY, TEN_MS, WATER_MN, adds_up, decode, frame, told

AT = "DataTime=20240101100000"


def packet(no: int, of: int, area: str) -> bytes:
    """One packet of a minute upload."""
    head = f"QN=2024010110050000{no % 10};ST=32;CN=2051;PW=123456;MN={WATER_MN};Flag=7;PNUM={of};PNO={no};"
    return frame(area, head=head)


COD, NH3, TP = "w01018-Avg=1,w01018-Flag=N", "w21003-Avg=2,w21003-Flag=N", "w21011-Avg=3,w21011-Flag=N"


class Log:
    """Payloads decoded one by one, each at its log time, with a restart (through JSON) before each if asked for."""

    def __init__(self, *, restart: bool = False) -> None:
        self.decoder = Decoder(REGISTRY)
        self.restart = restart

    def say(self, payload: bytes, log_ms: int) -> Decoded:
        """Decode one payload."""
        if self.restart:
            state = json.loads(json.dumps(self.decoder.state()))
            self.decoder = Decoder(REGISTRY)
            self.decoder.restore(state)
        return self.decoder.decode(FrameBatch.of([(log_ms, WATER_MN, WATER_MN, payload)]))


def test_packets_with_a_time_are_decoded_each_on_its_own() -> None:
    decoded = decode(packet(2, 2, f"{AT};{NH3}"), packet(1, 2, f"{AT};{COD}"))
    assert [(r.factor, r.device_ms) for r in told(decoded)] == [("w21003", TEN_MS), ("w01018", TEN_MS)]
    assert decoded.refused == ()


@pytest.mark.parametrize("restart", [False, True], ids=["without a restart", "with a restart before each packet"])
def test_packets_without_a_time_take_that_of_the_first(restart: bool) -> None:
    log = Log(restart=restart)
    early = log.say(packet(2, 3, NH3), NOW_MS)
    assert (len(early.readings), early.counts["frame.waiting"], early.refused) == (0, 1, ())
    first = log.say(packet(1, 3, f"{AT};{COD}"), NOW_MS + 1000)
    assert [(r.factor, r.device_ms) for r in told(first)] == [("w01018", TEN_MS), ("w21003", TEN_MS)]
    assert first.readings.log_ms.tolist() == [NOW_MS + 1000] * 2
    late = log.say(packet(3, 3, TP), NOW_MS + 2000)
    assert [(r.factor, r.device_ms) for r in told(late)] == [("w21011", TEN_MS)]
    assert log.decoder.expire(NOW_MS + 10 * WAIT_MS) == ()
    for decoded in (early, first, late):
        adds_up(decoded, 1)


@pytest.mark.parametrize("restart", [False, True], ids=["without a restart", "with a restart before each packet"])
def test_a_packet_whose_first_never_comes_is_refused_when_its_time_is_over(restart: bool) -> None:
    log = Log(restart=restart)
    log.say(packet(2, 2, f"{NH3};{TP}"), NOW_MS)
    almost = log.say(b"noise", NOW_MS + WAIT_MS - 1)
    assert [r.reason for r in almost.refused] == [Reason.NOT_A_FRAME]
    over = log.say(b"noise", NOW_MS + WAIT_MS)
    orphan = over.refused[0]
    assert (orphan.reason, orphan.count, orphan.row, orphan.log_ms) == (Reason.ORPHAN_PACKET, 2, -1, NOW_MS + WAIT_MS)
    assert orphan.detail == "CN 2051: expected 2 packets, got packet 2"
    adds_up(over, 1)


def test_an_incomplete_group_is_reported_although_its_packets_were_read() -> None:
    log = Log()
    assert len(log.say(packet(2, 2, f"{AT};{NH3}"), NOW_MS).readings) == 1
    orphans = log.decoder.expire(NOW_MS + WAIT_MS)
    assert [(r.reason, r.count, r.mn) for r in orphans] == [(Reason.ORPHAN_PACKET, 0, WATER_MN)]
    assert log.decoder.expire(NOW_MS + 10 * WAIT_MS) == ()


def test_packets_sent_again_after_their_group_was_complete_open_no_new_group() -> None:
    log = Log()
    for again in range(3):
        for no, area in ((1, COD), (2, NH3)):
            assert len(log.say(packet(no, 2, f"{AT};{area}"), NOW_MS + again).readings) == 1
    assert log.decoder.expire(NOW_MS + 10 * WAIT_MS) == ()


def test_two_groups_that_come_mixed_keep_their_times() -> None:
    log = Log()
    later = "DataTime=20240101101000"
    said = [packet(1, 2, f"{AT};{COD}"), packet(1, 2, f"{later};{COD}"), packet(2, 2, NH3), packet(2, 2, NH3)]
    times = [told(log.say(payload, NOW_MS + n))[0].device_ms for n, payload in enumerate(said)]
    assert times == [TEN_MS, TEN_MS + 600_000, TEN_MS + 600_000, TEN_MS]
    assert log.decoder.expire(NOW_MS + 10 * WAIT_MS) == ()


def test_the_time_may_stand_in_any_packet() -> None:
    log = Log()
    log.say(packet(1, 2, COD), NOW_MS)
    assert [r.factor for r in told(log.say(packet(2, 2, f"{AT};{NH3}"), NOW_MS))] == ["w21003", "w01018"]


def test_a_device_that_never_finishes_its_groups_is_bounded_and_each_is_reported() -> None:
    log, reported = Log(), 0
    for n in range(3 * GROUPS_MAX):
        said = log.say(packet(1, 2, f"DataTime=202401011{n // 60:01d}{n % 60:02d}00;{COD}"), NOW_MS + n)
        reported += sum(r.reason is Reason.ORPHAN_PACKET for r in said.refused)
    assert reported == 2 * GROUPS_MAX
    assert len(log.decoder.state()["packets"]) == GROUPS_MAX


def test_more_waiting_packets_than_there_is_room_for_are_refused() -> None:
    log = Log()
    for n in range(2, WAITING_MAX + 2):
        assert log.say(packet(n, 99, NH3), NOW_MS).refused == ()
    full = log.say(packet(98, 99, NH3), NOW_MS)
    assert [(r.reason, r.count) for r in full.refused] == [(Reason.ORPHAN_PACKET, 1)]
    adds_up(full, 1)


def test_a_new_version_of_the_registry_keeps_what_waits() -> None:
    log = Log()
    log.say(packet(2, 2, NH3), NOW_MS)
    log.decoder = log.decoder.with_registry(REGISTRY)
    assert len(log.say(packet(1, 2, f"{AT};{COD}"), NOW_MS).readings) == 2


def test_what_the_encoder_splits_the_decoder_joins() -> None:
    items = [(f"x{n:05d}", {"Avg": "1.00", "Min": "1.00", "Max": "1.00", "Flag": "N"}) for n in range(40)]
    sent = encode_data(WATER_MN, 2051, TEN_MS, [*items, ("w01018", {"Avg": "5"})], qn_ms=NOW_MS)
    assert sent.count(b"##") > 1
    assert all(len(part) <= 1024 + 14 for part in sent.split(b"\r\n"))
    decoded = decode(sent)
    assert [r.value for r in told(decoded)] == [5.0]
    assert sum(r.count for r in decoded.refused) == 40
