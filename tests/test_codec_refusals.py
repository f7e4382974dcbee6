"""What is refused, with which reason, what it says, and whose monitor was heard all the same."""

import pytest

from sensors.frames import FrameBatch
from sensors.hj212.crc import modbus
from sensors.hj212.encode import seal
from sensors.refusal import Reason
from tests.codec_world import GAS_MN, NOW_MS, OLD_MN, WATER_MN, both, decode, frame, told

AT = "DataTime=20240101100000"
COD = "w01018-Avg=1,w01018-Flag=N"
GOOD = frame(f"{AT};{COD}")
HEAD = f"QN=20240101100500000;ST=32;CN=2051;PW=123456;MN={WATER_MN};Flag=5;"
ENCRYPTED = HEAD.replace("Flag=5", "Flag=9").encode() + b"CP=&&\xe4\x3e\x00##0012\r\n&&1234&&"


def with_crc(crc: int) -> bytes:
    """The good frame with another CRC."""
    return GOOD[:-6] + b"%04X\r\n" % crc


PAYLOADS = [
    ("nothing", b"", Reason.NOT_A_FRAME, 0, "expected ##"),
    ("no frame at all", b"hello", Reason.NOT_A_FRAME, 0, "got 5 bytes that begin with 'he'"),
    ("more than 64 KiB", b"x" * 65_537, Reason.TOO_LARGE, 0, "at most 65536 bytes, got 65537"),
    ("more than 1000 frames", b"##0000" * 2_000, Reason.TOO_LARGE, 0, "at most 1000 frames"),
    ("more than 10,000 fields", b";" * 10_001, Reason.TOO_MANY_FACTORS, 0, "at most 10000 fields, got 10001"),
    ("a length too small", GOOD.replace(b"##01", b"##00"), Reason.BAD_LENGTH, 0, "the CRC is right"),
    ("a frame cut short", GOOD[:60], Reason.BAD_LENGTH, 0, "as declared, got 54"),
    ("a byte changed", GOOD.replace(b"Avg=1", b"Avg=2"), Reason.BAD_CRC, 0, "no known algorithm"),
    ("a placeholder for the CRC", GOOD[:-6] + b"?A\r\n", Reason.BAD_CRC, 0, "got ?A"),
    ("Modbus CRC, not agreed", with_crc(modbus(GOOD[6:-6])), Reason.BAD_CRC, 0, "which is CRC-16/MODBUS"),
    ("encrypted content", b"##%04d%b0000" % (len(ENCRYPTED), ENCRYPTED), Reason.ENCRYPTED, 0, "SM4"),
    ("no CP", seal("ST=32;CN=2011;PW=1;MN=88;&&"), Reason.BAD_GRAMMAR, 0, "expected CP=&& ... && at the end"),
    ("no MN", frame(AT, head="ST=32;CN=2011;PW=123456;"), Reason.BAD_GRAMMAR, 0, "MN: expected one"),
    ("two MNs", frame(AT, head=HEAD + "MN=88;"), Reason.BAD_GRAMMAR, 0, "MN: given twice"),
    ("CN with letters", frame(AT, head=HEAD.replace("2051", "20a1")), Reason.BAD_GRAMMAR, 0, "got '20a1'"),
    ("an answer out of grammar", frame("", head=HEAD.replace("2051", "9014") + ";"), Reason.BAD_GRAMMAR, 0, "strictly"),
    ("a command of no edition", frame(AT, cn=7777), Reason.UNKNOWN_COMMAND, 0, "7777"),
    ("no DataTime", frame(COD), Reason.BAD_TIME, 1, "expected a DataTime"),
    ("30 February", frame(f"DataTime=20240230100000;{COD}"), Reason.BAD_TIME, 1, "got '20240230100000'"),
    ("the year 1970", frame(f"DataTime=19700101000000;{COD}"), Reason.BAD_TIME, 1, "2000 to 2099"),
    ("the year 9999", frame(f"DataTime=99991231235959;{COD}"), Reason.BAD_TIME, 1, "2000 to 2099"),
    ("two times folded", frame(f"{AT}-20240101100500;{COD}"), Reason.BAD_TIME, 1, "20240101100000-2024"),
    ("two different DataTimes", frame(f"{AT};{COD};DataTime=20240101100001"), Reason.BAD_TIME, 1, "given twice"),
    ("the MN of another", frame(f"{AT};{COD}", mn=GAS_MN), Reason.MN_NOT_LOGIN, 1, "as in its login"),
    ("JSON that is none", b'{"v":1,', Reason.BAD_JSON, 0, "payload:"),
]  # fmt: skip


@pytest.mark.parametrize(("payload", "reason", "readings", "says"), [p[1:] for p in PAYLOADS], ids=[p[0] for p in PAYLOADS])
def test_a_refused_payload_says_why_and_its_monitor_counts_as_heard(
    payload: bytes, reason: Reason, readings: int, says: str
) -> None:
    decoded = decode(payload)
    assert [(r.reason, r.count, r.row, r.log_ms) for r in decoded.refused] == [(reason, readings, 0, NOW_MS)]
    assert says in decoded.refused[0].detail
    assert decoded.counts["payload.refused"] == 1
    assert decoded.monitor.tolist() == [0]


READINGS = [
    ("a factor the outlet does not have", "w99999-Avg=1", Reason.UNKNOWN_FACTOR, "outlet outfall does not have 'w99999'"),
    ("a factor of the other medium", "a21026-Avg=1", Reason.UNKNOWN_FACTOR, "'a21026'"),
    ("a 2005 code of the other medium", "02-Avg=1", Reason.UNKNOWN_FACTOR, "'02'"),
    ("a code in capitals", "W01018-Avg=1", Reason.UNKNOWN_FACTOR, "'W01018'"),
    ("a long code", "w010180000-Avg=1", Reason.UNKNOWN_FACTOR, "'w010180000'"),
    ("not a number", "w01018-Avg=NaN", Reason.BAD_VALUE, "w01018: expected a finite number, got 'NaN'"),
    ("infinity", "w01018-Avg=1e999", Reason.BAD_VALUE, "got '1e999'"),
    ("dashes", "w01018-Avg=--", Reason.BAD_VALUE, "got '--'"),
    ("nothing", "w01018-Avg=", Reason.BAD_VALUE, "got ''"),
    ("letters", "w01018-Avg=St", Reason.BAD_VALUE, "got 'St'"),
    ("digits of another script", "w01018-Avg=٣", Reason.BAD_VALUE, "expected a finite number"),
    ("too many digits for the type", "w01001-Avg=100", Reason.OUT_OF_TYPE, "at most 99.99 by its type, got '100'"),
    ("a sentinel", "w01019-Avg=-9999", Reason.OUT_OF_TYPE, "at most 999.9"),
    ("a field without =", "w01018Avg1", Reason.BAD_GRAMMAR, "field 'w01018Avg1': expected name=value"),
    ("the same factor with another value", "w21003-Avg=2", Reason.BAD_VALUE, "given again, as '2'"),
]


@pytest.mark.parametrize(("item", "reason", "says"), [r[1:] for r in READINGS], ids=[r[0] for r in READINGS])
def test_a_refused_reading_leaves_the_others_of_its_frame(item: str, reason: Reason, says: str) -> None:
    decoded = decode(frame(f"{AT};w21003-Avg=1,w21003-Flag=N;{item}"))
    assert [reading.factor for reading in told(decoded)] == ["w21003"]
    assert [(r.reason, r.count, r.mn) for r in decoded.refused] == [(reason, 1, WATER_MN)]
    assert says in decoded.refused[0].detail
    assert decoded.counts["payload.decoded"] == 1


def test_a_binding_whose_unit_does_not_fit_its_factor_gives_no_reading() -> None:
    decoded = decode(frame(f"{AT};a34013-Avg=1", mn=OLD_MN), login=OLD_MN)
    assert [r.reason for r in decoded.refused] == [Reason.WRONG_UNIT]
    assert "'furlong' does not measure this factor" in decoded.refused[0].detail


def test_many_refused_readings_of_one_reason_are_one_refusal_that_counts_them() -> None:
    strange = ";".join(f"x{n}-Avg=1" for n in range(30))
    decoded = decode(frame(f"{AT};{strange}"))
    assert [(r.reason, r.count) for r in decoded.refused] == [(Reason.UNKNOWN_FACTOR, 30)]
    assert decoded.refused[0].detail.endswith("'x4' and 25 more")


SPEAKERS = [
    ("login and topic are its own", WATER_MN, WATER_MN, None),
    ("no topic", WATER_MN, "", None),
    ("a trusted import may speak for anybody", "", "", None),
    ("a trusted import is not asked for its topic", "", GAS_MN, None),
    ("another login", GAS_MN, GAS_MN, Reason.MN_NOT_LOGIN),
    ("its own login in another's topic", WATER_MN, GAS_MN, Reason.MN_NOT_LOGIN),
    ("a gateway in the topic of the MN", "gateway", WATER_MN, None),
    ("a gateway in the topic of another MN", "gateway", GAS_MN, Reason.MN_NOT_LOGIN),
    ("a gateway without a topic", "gateway", "", Reason.MN_NOT_LOGIN),
    ("a device that is not registered", "somebody", "somebody", Reason.MN_NOT_LOGIN),
]


@pytest.mark.parametrize(("login", "claimed", "reason"), [s[1:] for s in SPEAKERS], ids=[s[0] for s in SPEAKERS])
def test_who_may_speak_for_an_mn(login: str, claimed: str, reason: Reason | None) -> None:
    decoded = decode(GOOD, login=login, claimed=claimed)
    assert [r.reason for r in decoded.refused] == ([] if reason is None else [reason])
    heard = {WATER_MN: 0, GAS_MN: 1}
    speaks = login if login in heard else claimed if login else WATER_MN
    assert decoded.monitor.tolist() == [heard.get(speaks, -1)]


def test_an_unknown_mn_is_refused_with_its_readings() -> None:
    decoded = decode(frame(f"{AT};{COD};w21003-Avg=1", mn="nobody"), login="nobody")
    assert [(r.reason, r.count, r.mn) for r in decoded.refused] == [(Reason.UNKNOWN_MN, 2, "nobody")]
    assert "not registered" in decoded.refused[0].detail
    assert decoded.monitor.tolist() == [-1]


def test_a_monitor_is_judged_by_the_log_time_of_each_payload() -> None:
    times = [NOW_MS, NOW_MS + 999_999, NOW_MS + 1_000_000, NOW_MS + 2_000_000]
    so2 = frame(f"{AT};a21026-Avg=1,a21026-Flag=N")
    decoded = both(FrameBatch.of([(ms, WATER_MN, WATER_MN, so2 if ms == times[3] else GOOD) for ms in times]))
    assert decoded.monitor.tolist() == [0, 0, -1, 3]
    assert [(r.row, r.reason) for r in decoded.refused] == [(2, Reason.UNKNOWN_MN)]
    assert "not valid at that time" in decoded.refused[0].detail
    assert [reading.factor for reading in told(decoded)] == ["w01018", "w01018", "a21026"]


def test_a_payload_with_one_good_frame_is_decoded_and_its_bad_frame_refused() -> None:
    decoded = decode(GOOD + with_crc(0x1234) + GOOD)
    assert len(decoded.readings) == 2
    assert [r.reason for r in decoded.refused] == [Reason.BAD_CRC]
    counts = decoded.counts
    assert (counts["payload.decoded"], counts["frame.in"], counts["frame.decoded"], counts["frame.refused"]) == (1, 3, 2, 1)


def test_one_import_payload_may_hold_frames_of_several_monitors() -> None:
    gas = frame(f"{AT};a21026-Avg=1;x-Avg=2", mn=GAS_MN)
    decoded = decode(GOOD + gas, login="")
    assert [reading.factor for reading in told(decoded)] == ["w01018", "a21026"]
    assert [r.mn for r in decoded.refused] == [GAS_MN]
    assert decoded.monitor.tolist() == [0]
