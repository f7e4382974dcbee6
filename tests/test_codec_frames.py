"""Frames cut out of bytes and judged, on the sample frames and on payloads made of several."""

import pytest

from sensors.decoder import Decoder
from sensors.frames import FrameBatch
from sensors.hj212.area import read_area
from sensors.hj212.crc import Crc, crc, modbus
from sensors.hj212.edition import Edition
from sensors.hj212.encode import seal
from sensors.hj212.frame import Verdict, cut
from sensors.hj212.header import MalformedError, read_frame
from sensors.refusal import Reason
from sensors.registry import Binding, Enterprise, Medium, Monitor, Outlet, Registry
from tests.codec_world import FRAMES, adds_up, both, told


def samples() -> list[tuple[str, str, str, bytes]]:
    """(name, verdict, note, frame) of every sample."""
    found, comment = [], [""]
    for line in FRAMES.read_text("utf-8").splitlines():
        if line.startswith("# "):
            comment = line[2:].split(" | ")
        elif line.startswith("##"):
            found.append((comment[0], comment[2], comment[3], line.encode()))
    return found


SAMPLES = samples()
IDS = [f"{n}: {name}" for n, (name, _, _, _) in enumerate(SAMPLES)]


def sample(part: str) -> bytes:
    """The first sample whose name has this part."""
    return next(data for name, _, _, data in SAMPLES if part in name)


def test_the_file_has_all_samples() -> None:
    assert len(SAMPLES) == 49


@pytest.mark.parametrize(("name", "verdict", "note", "data"), SAMPLES, ids=IDS)
def test_every_sample_frame_gets_its_verdict(name: str, verdict: str, note: str, data: bytes) -> None:
    found = cut(data)
    assert [one.verdict for one in found.frames] == [verdict], found.frames[0].complaint()
    assert found.garbage == 0
    if "right CRC " in note:
        assert note.split("right CRC ")[1][:4] in found.frames[0].complaint()
    if verdict == Verdict.SWAPPED_CRC:
        expected = Crc.MODBUS_SWAPPED if "MODBUS" in note else Crc.SWAPPED
        assert found.frames[0].crc is expected
    if "CRC is right" in note:
        assert found.frames[0].crc is Crc.RIGHT


def everybody(frames: list[bytes]) -> Registry:
    """All MNs of some frames, each with a water or gas outlet, by what its first frame says."""
    mns: dict[str, Medium] = {}
    for data in frames:
        head = read_frame(cut(data).frames[0].data)
        mns.setdefault(head.mn.strip(), Medium.WATER if head.st in {"32", "21"} else Medium.GAS)
    codes = {
        Medium.WATER: ["w00000", "w01001", "w01010", "w01018", "w21001", "w21003", "w21011"],
        Medium.GAS: ["a00000", "a19001", "a21026", "a21002", "a34013", "a24088", "a34001", "a34004"],
    }
    return Registry(
        enterprises=(Enterprise(id="e", name="e", home=0),),
        outlets=tuple(Outlet(id=mn, enterprise="e", name=mn, medium=medium) for mn, medium in mns.items()),
        monitors=tuple(Monitor(mn=mn, outlet=mn) for mn in mns),
        bindings=tuple(Binding(outlet=mn, factor=code) for mn, medium in mns.items() for code in codes[medium]),
    )


def test_all_samples_together_add_up_and_only_valid_frames_give_readings() -> None:
    batch = FrameBatch.of([(1_741_760_000_000 + n, "", "", data) for n, (_, _, _, data) in enumerate(SAMPLES)])
    decoded = both(batch, everybody([data for _, _, _, data in SAMPLES]))
    adds_up(decoded, len(SAMPLES))
    valid = [verdict == "valid" for _, verdict, _, _ in SAMPLES]
    assert all(valid[row] for row in decoded.payload_row.tolist())
    refused = {r.row: r.reason for r in decoded.refused if r.reason in {Reason.BAD_CRC, Reason.BAD_LENGTH}}
    assert sorted(refused) == [row for row, is_valid in enumerate(valid) if not is_valid]
    assert (decoded.monitor >= 0).all()


SAID = [
    ("wastewater real-time, no QN, no Flag, B01", {"w01001": 7.31, "w00000": 4.2, "w01018": 41.872, "w21003": 0.913}),
    ("stray comma after PW", {"w01001": 7.284, "w21003": 12.6, "w01018": 86.417, "w00000": 51.3}),
    ("CEMS real-time, 2005 codes, ZsRtd sent", {"a19001": 8.5, "a21026": 22.1, "a21002": 38.4, "a34013": 4.2}),
    ("Flag=N sent as its own item", {"a34001": 0.000087}),
    ("2025 shape: stack gas hour data", {"a00000": 12.5, "a21026": 22.5, "a21002": 37.5, "a19001": 8.5}),
    ("stack gas minute data; ZsAvg", {"a21026": 34.2, "a19001": 8.5}),
]


@pytest.mark.parametrize(("name", "expected"), SAID, ids=[name for name, _ in SAID])
def test_what_a_sample_frame_says(name: str, expected: dict[str, float]) -> None:
    data = next(data for text, _, note, data in SAMPLES if name in f"{text} | {note}")
    registry = everybody([data])
    readings = told(both(FrameBatch.of([(1_741_760_000_000, "", "", data)]), registry), registry)
    values = {reading.factor: reading.value for reading in readings}
    assert {factor: values[factor] for factor in expected} == expected


def test_several_frames_in_one_payload_are_cut_whatever_stands_between_them() -> None:
    first, second = SAMPLES[0][3], SAMPLES[1][3]
    found = cut(b"\r\n" + first + b"\r\n\r\n junk ##12 " + second + second + b" tail")
    assert [one.verdict for one in found.frames] == [Verdict.VALID] * 3
    assert found.garbage == len(b"junk ##12") + len(b"tail")


def test_a_frame_cut_short_does_not_swallow_the_next_one() -> None:
    first, second = SAMPLES[0][3], SAMPLES[1][3]
    found = cut(first[:50] + second)
    assert [one.verdict for one in found.frames] == [Verdict.WRONG_LENGTH, Verdict.VALID]


def test_encrypted_content_is_cut_by_its_length_even_where_it_looks_like_the_end_of_a_frame() -> None:
    head = b"QN=20260301100000001;ST=31;CN=2011;PW=123456;MN=010000A8900016F0A1000020;Flag=9;CP=&&"
    data = head + b"\xe4\x3e&&1234\r\n##0012\x00\xff" + b"&&"
    found = cut(b"##%04d%b0000\r\n" % (len(data), data))
    assert [one.data for one in found.frames] == [data]


def test_the_crc_of_nothing_is_the_start_value() -> None:
    assert crc(b"") == modbus(b"") == 0xFFFF


@pytest.mark.parametrize("size", range(40))
def test_the_crc_by_eight_bytes_is_the_crc_bit_by_bit(size: int) -> None:
    data = bytes((n * 37 + size) % 256 for n in range(size))
    register = 0xFFFF
    for byte in data:
        register = (register >> 8) ^ byte
        for _ in range(8):
            register = (register >> 1) ^ (0xA001 if register & 1 else 0)
    assert crc(data) == register


EDITIONS = [
    ("2025 shape: heartbeat", Edition.Y2025),
    ("fresh", Edition.Y2017),
    ("HJ/T 212-2005 wastewater real-time", Edition.Y2005),
    ("surface-water station real-time", None),
]


@pytest.mark.parametrize(("name", "edition"), EDITIONS, ids=[name for name, _ in EDITIONS])
def test_the_edition_is_told_by_flag_and_the_surface_water_protocol_by_its_system_code(
    name: str, edition: Edition | None
) -> None:
    assert read_frame(cut(sample(name)).frames[0].data).edition is edition


def test_log_text_with_separators_does_not_disturb_other_commands() -> None:
    area = read_area("DataTime=20240101100000;i11001-Info=//泵1;停=2,开//")
    assert area.plain["DataTime"] == "20240101100000"


STRICT = [
    ("a stray comma", b"ST=91;CN=9014;PW=123456;,MN=88;Flag=4;CP=&&&&"),
    ("a name in another case", b"ST=91;CN=9014;PW=123456;MN=88;FLAG=4;CP=&&&&"),
    ("fields in another order", b"CN=9014;ST=91;PW=123456;MN=88;Flag=4;CP=&&&&"),
    ("no semicolon before CP", b"ST=91;CN=9014;PW=123456;MN=88;Flag=4CP=&&&&"),
]


@pytest.mark.parametrize(("name", "data"), STRICT, ids=[name for name, _ in STRICT])
def test_strict_reading_refuses_what_tolerant_reading_counts(name: str, data: bytes) -> None:
    assert len(read_frame(data).tolerances) == 1
    with pytest.raises(MalformedError, match="strict reading"):
        read_frame(data, strict=True)


SECRETS = [
    ("a placeholder for the CRC", b"##0099ST=32;CN=2011;PW=s3cret;MN=88;CP=&&&&0000"),
    ("no ##", b"PW=s3cret;ST=32"),
    ("no = behind PW", seal("PW:s3cret;ST=32;CN=2011;MN=88;CP=&&&&")),
    ("PW twice", seal("PW=s3cret;PW=s3cret;ST=32;CN=2011;MN=88;CP=&&&&")),
    ("no CP", seal("PW=s3cret;ST=32;CN=2011;MN=88;&&")),
]


@pytest.mark.parametrize("payload", [secret[1] for secret in SECRETS], ids=[secret[0] for secret in SECRETS])
def test_a_password_is_never_shown(payload: bytes) -> None:
    decoded = Decoder(everybody([])).decode(FrameBatch.of([(0, "", "", payload)]))
    assert len(decoded.refused) == 1
    assert "s3c" not in repr(decoded.refused)


def test_a_frame_shows_itself_without_its_password() -> None:
    assert "s3cret" not in repr(read_frame(b"ST=32;CN=2011;PW=s3cret;MN=88;CP=&&&&"))
