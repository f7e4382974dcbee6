"""What becomes of one item of a frame: value, unit, flag, kind, tolerance. Each case is decoded both ways."""

import pytest

from sensors.hj212.crc import modbus
from sensors.reading import Flag, Kind
from tests.codec_world import GAS_MN, NOW_MS, OLD_MN, TEN_MS, WATER_MN, Told, decode, frame, told

AT = "DataTime=20240101100000"


def values(area: str, *, mn: str = WATER_MN, cn: int = 2051) -> dict[str, tuple[float, Flag]]:
    """Factor -> (value, flag) of a frame with this content."""
    decoded = decode(frame(f"{AT};{area}", mn=mn, cn=cn), login=mn)
    return {reading.factor: (reading.value, reading.flag) for reading in told(decoded)}


UNITS = [
    ("mercury is sent in ug/L and judged in mg/L", WATER_MN, "w20111-Avg=50,w20111-Flag=N", "w20111", 0.05),
    ("hexavalent chromium likewise", WATER_MN, "w20117-Avg=12.345,w20117-Flag=N", "w20117", 0.012345),
    ("COD is in mg/L already", WATER_MN, "w01018-Avg=38.6,w01018-Flag=N", "w01018", 38.6),
    ("flow of water stays in L/s", WATER_MN, "w00000-Avg=12.5,w00000-Flag=N", "w00000", 12.5),
    ("ammonia in mg/m3 where the binding says so", GAS_MN, "a21001-Avg=5.5,a21001-Flag=N", "a21001", 5.5),
    ("gas flow in m3/h where the binding says so", OLD_MN, "a00000-Avg=36000,a00000-Flag=N", "a00000", 10.0),
    ("TN is w21001", WATER_MN, "w21001-Avg=14,w21001-Flag=N", "w21001", 14.0),
    ("TP is w21011", WATER_MN, "w21011-Avg=0.5,w21011-Flag=N", "w21011", 0.5),
    ("a 2005 code at a water outlet: 001 is pH", WATER_MN, "001-Avg=7.1,001-Flag=N", "w01001", 7.1),
    ("a 2005 code at a gas outlet: 01 is particulate matter", GAS_MN, "01-Avg=7.1,01-Flag=N", "a34013", 7.1),
    ("a 2005 code at a gas outlet: 02 is SO2", GAS_MN, "02-Avg=35,02-Flag=N", "a21026", 35.0),
    ("12 digits are the nearest double", WATER_MN, "w01018-Avg=38.6000000001,w01018-Flag=N", "w01018", 38.6000000001),
    ("17 digits too", WATER_MN, "w01018-Avg=0.30000000000000004,w01018-Flag=N", "w01018", 0.30000000000000004),
    ("a negative value", GAS_MN, "a01012-Avg=-12.5,a01012-Flag=N", "a01012", -12.5),
    ("an exponent", WATER_MN, "w01018-Avg=3.86E1,w01018-Flag=N", "w01018", 38.6),
    ("a plus sign", WATER_MN, "w01018-Avg=+38.6,w01018-Flag=N", "w01018", 38.6),
    ("a point without digits before it", WATER_MN, "w01018-Avg=.5,w01018-Flag=N", "w01018", 0.5),
]  # fmt: skip


@pytest.mark.parametrize(("mn", "area", "factor", "value"), [u[1:] for u in UNITS], ids=[u[0] for u in UNITS])
def test_a_value_arrives_in_the_unit_it_is_judged_in(mn: str, area: str, factor: str, value: float) -> None:
    assert values(area, mn=mn) == {factor: (value, Flag.NORMAL)}


FLAGS = [
    ("a stopped instrument", "w01018-Avg=1,w01018-Flag=F", Flag.STOPPED),
    ("over range", "w01018-Avg=1,w01018-Flag=T", Flag.OVER_RANGE),
    ("power failure of the 2005 edition", "w01018-Avg=1,w01018-Flag=P", Flag.POWER),
    ("the flag before the value", "w01018-Flag=D,w01018-Avg=1", Flag.FAULT),
    ("no flag is not normal", "w01018-Avg=1", Flag.UNSTATED),
    ("an empty flag is not normal", "w01018-Avg=1,w01018-Flag=", Flag.UNSTATED),
    ("a letter nobody defined", "w01018-Avg=1,w01018-Flag=X", Flag.UNKNOWN),
    ("a digit of air stations", "w01018-Avg=1,w01018-Flag=1", Flag.UNKNOWN),
    ("two flags that disagree", "w01018-Avg=1,w01018-Flag=N;w01018-Flag=D", Flag.UNKNOWN),
    ("a small letter", "w01018-Avg=1,w01018-Flag=n", Flag.NORMAL),
    ("a flag as its own item of the same factor", "w01018-Avg=1;w01018-Flag=C", Flag.CALIBRATION),
]


@pytest.mark.parametrize(("area", "flag"), [f[1:] for f in FLAGS], ids=[f[0] for f in FLAGS])
def test_the_flag_of_a_reading(area: str, flag: Flag) -> None:
    assert values(area) == {"w01018": (1.0, flag)}


def test_a_missing_flag_counts_as_normal_where_the_monitor_is_registered_so() -> None:
    assert values("a21026-Avg=1", mn=GAS_MN) == {"a21026": (1.0, Flag.NORMAL)}


KINDS = [
    (2011, Kind.REALTIME, 1.5),
    (2051, Kind.MINUTE, 2.5),
    (2061, Kind.HOUR, 2.5),
    (2031, Kind.DAY, 2.5),
]


@pytest.mark.parametrize(("cn", "kind", "value"), KINDS, ids=[kind.name for _, kind, _ in KINDS])
def test_the_command_says_the_kind_and_which_field_is_the_reading(cn: int, kind: Kind, value: float) -> None:
    area = f"{AT};w01018-Rtd=1.5,w01018-Avg=2.5,w01018-Min=0.1,w01018-Flag=N"
    decoded = decode(frame(area, cn=cn))
    assert told(decoded) == [Told("w01018", kind, TEN_MS, value, Flag.NORMAL)]
    assert decoded.counts["field.other"] == 2
    assert decoded.counts[f"command.{cn}"] == 1
    assert decoded.readings.log_ms.tolist() == [NOW_MS]


def test_a_factor_without_its_value_field_yields_no_reading_and_its_fields_are_counted() -> None:
    decoded = decode(frame(f"{AT};w01018-ZsAvg=3,w01018-Flag=N;w21003-Avg=1,w21003-Flag=N"))
    assert [reading.factor for reading in told(decoded)] == ["w21003"]
    assert decoded.counts["field.other"] == 2


NO_READINGS = [2021, 2041, 2081, 2111, 3019, 3020, 1013, 1011, 9011, 9012, 9013, 9014, 9015]


@pytest.mark.parametrize("cn", NO_READINGS)
def test_a_command_without_readings_is_counted_and_not_refused(cn: int) -> None:
    decoded = decode(frame(f"{AT};SB1-RS=1;SB2-RS=0", cn=cn))
    assert decoded.refused == ()
    assert decoded.counts == {
        f"command.{cn}": 1, "frame.decoded": 1, "frame.in": 1, "payload.decoded": 1, "payload.in": 1,
    }  # fmt: skip


REQUESTS = [
    ("empty content", ""),
    ("a history request of the host", "BeginTime=20240101000000,EndTime=20240102000000"),
]


@pytest.mark.parametrize("area", [r[1] for r in REQUESTS], ids=[r[0] for r in REQUESTS])
def test_a_request_for_data_is_not_data(area: str) -> None:
    decoded = decode(frame(area, cn=2051))
    assert decoded.refused == ()
    assert len(decoded.readings) == 0


HEAD = "QN=20240101100500000;ST=32;CN=2051;PW=123456;MN=" + WATER_MN + ";Flag=5;"
COD = "w01018-Avg=1,w01018-Flag=N"
TOLERANCES = [
    ("exact", None, HEAD, f"{AT};{COD}"),
    ("2005: no QN, no Flag", None, HEAD[21:-7], f"{AT};{COD}"),
    ("Flag=5CP= without a semicolon", "missing_semicolon", HEAD[:-1], f"{AT};{COD}"),
    ("QN=..., with a comma", "header_separator", HEAD.replace("0;ST", "0,ST"), f"{AT};{COD}"),
    ("a stray comma behind PW", "header_separator", HEAD.replace(";MN", ";,MN"), f"{AT};{COD}"),
    ("FLAG in capitals", "name_case", HEAD.replace("Flag", "FLAG"), f"{AT};{COD}"),
    ("MN before PW", "header_order", HEAD.replace(f"PW=123456;MN={WATER_MN}", f"MN={WATER_MN};PW=123456"), f"{AT};{COD}"),
    ("a QN of 13 digits", "qn_form", HEAD.replace("20240101100500000", "1741752069734"), f"{AT};{COD}"),
    ("no PW", "no_pw", HEAD.replace("PW=123456;", ""), f"{AT};{COD}"),
    ("a field of the head nobody knows", "header_unknown", HEAD + "Ver=2;", f"{AT};{COD}"),
    ("PNUM and PNO although Flag does not say so", "packet_flag", HEAD + "PNUM=1;PNO=1;", f"{AT};{COD}"),
    ("a packet number past the last", "packet_number", HEAD.replace("=5", "=7") + "PNUM=2;PNO=3;", f"{AT};{COD}"),
    ("a blank behind &&", "blank", HEAD, f" {AT};{COD}"),
    ("a blank inside a name", "blank", HEAD, f"{AT};w01018- Avg=1,w01018-Flag=N"),
    ("a semicolon before the closing &&", "empty_item", HEAD, f"{AT};{COD};"),
    ("xxxxxx--Avg", "double_hyphen", HEAD, f"{AT};w01018--Avg=1,w01018-Flag=N"),
    ("01018 without its letter", "code_without_letter", HEAD, f"{AT};01018-Avg=1,01018-Flag=N"),
    ("Flag=N as an item of its own", "flag_without_code", HEAD, f"{AT};w01018-Avg=1;Flag=N"),
    ("w01018=N for w01018-Flag=N", "flag_without_name", HEAD, f"{AT};w01018-Avg=1,w01018=N"),
    ("-AVG in capitals", "name_case", HEAD, f"{AT};w01018-AVG=1,w01018-Flag=N"),
    ("a small flag letter", "flag_case", HEAD, f"{AT};w01018-Avg=1,w01018-Flag=n"),
    ("two factors in one item", "item_comma", HEAD, f"{AT};{COD},w99999-Min=1"),
    ("DataTime with milliseconds", "datatime_ms", HEAD, f"{AT}000;{COD}"),
    ("a value sent twice", "repeated_field", HEAD, f"{AT};{COD};w01018-Avg=1"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "head", "area"), [t[1:] for t in TOLERANCES], ids=[t[0] for t in TOLERANCES])
def test_each_tolerance_is_counted_by_name_and_the_reading_arrives(name: str | None, head: str, area: str) -> None:
    decoded = decode(frame(area, head=head))
    assert told(decoded) == [Told("w01018", Kind.MINUTE, TEN_MS, 1.0, Flag.NORMAL)]
    used = {key: n for key, n in decoded.counts.items() if key.startswith("tolerance.")}
    assert used == ({} if name is None else {f"tolerance.{name}": 1})


def test_garbage_between_frames_and_a_lone_line_feed_are_counted() -> None:
    good = frame(f"{AT};{COD}")
    decoded = decode(good[:-2] + b"\n" + b"noise" + good)
    assert len(decoded.readings) == 2
    assert (decoded.counts["tolerance.garbage"], decoded.counts["tolerance.line_end"]) == (1, 1)


def test_a_blank_between_content_and_crc_is_counted() -> None:
    good = frame(f"{AT};{COD}")
    decoded = decode(good[:-6] + b" " + good[-6:])
    assert len(decoded.readings) == 1
    assert decoded.counts["tolerance.blank"] == 1


def test_modbus_crc_is_accepted_from_the_monitor_registered_so_and_counted() -> None:
    good = frame(f"{AT};a21026-Avg=1,a21026-Flag=N", mn=OLD_MN)
    odd = good[:-6] + b"%04X\r\n" % modbus(good[6:-6])
    decoded = decode(odd, login=OLD_MN)
    assert (len(decoded.readings), decoded.counts["tolerance.crc_modbus"]) == (1, 1)


def test_a_resent_frame_of_the_2025_edition_is_counted() -> None:
    head = HEAD.replace("Flag=5", "Flag=9") + "RF=1;"
    decoded = decode(frame(f"{AT};{COD}", head=head))
    assert (len(decoded.readings), decoded.counts["frame.resent"]) == (1, 1)


def test_a_crc_in_small_letters_is_right() -> None:
    good = frame(f"{AT};{COD}")
    assert len(decode(good[:-6] + good[-6:].lower()).readings) == 1


def test_readings_stand_in_the_order_of_their_payloads_whichever_way_each_was_read() -> None:
    exact, odd = frame(f"{AT};{COD}"), frame(f"{AT};w01018-Avg=+2,w01018-Flag=N")
    decoded = decode(exact, odd, exact + odd, b"{", exact)
    assert decoded.payload_row.tolist() == [0, 1, 2, 2, 4]
    assert [reading.value for reading in told(decoded)] == [1.0, 2.0, 1.0, 2.0, 1.0]
