"""For any payload: no error, nothing lost, and the compiled way says what the tolerant way says."""

import sys

import orjson
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from sensors.decoder import Decoder
from sensors.frames import FrameBatch
from sensors.hj212.encode import seal
from sensors.hj212.scan import Scanner, scan_all
from sensors.lookup import Lookup
from sensors.refusal import Reason
from sensors.registry import Registry
from tests.codec_world import GAS_MN, NOW_MS, OLD_MN, REGISTRY, WATER_MN, adds_up, both, frame, same, told


def mostly(usual: list[str], odd: list[str]) -> st.SearchStrategy[str]:
    """Nine times of ten one of the usual."""
    return st.integers(0, 9).flatmap(lambda n: st.sampled_from(odd if n == 9 else usual))


FACTORS = {
    WATER_MN: ["w01018", "w21003", "w20111", "011", "w01001"],
    GAS_MN: ["a21026", "a21001", "a34013", "02", "a19001"],
    OLD_MN: ["a00000", "a21026", "02"],
    "nobody": ["w01018"],
}
ODD_CODES = ["x", "w99999", "01018", "w010180000", "a34013", "LA", "w01018", "W01018", "a_b", "é"]
ODD_VALUES = ["", "-", "--", ".5", "5.", "+1", "NaN", "St", "1 ", "0.1e-400", "1.2.3", "٣", "-.", "1-2", "99999.9", "-0",
              "9007199254740993", "123456789012345678", "1234567890123456789", "1e3", "0.30000000000000004"]  # fmt: skip
values = st.one_of(
    st.floats(-99, 99).map(repr), st.decimals(-99, 99, places=3).map(str), mostly(["0", "7.31", "-0.5", "007"], ODD_VALUES)
)
flags = mostly(["N", "F", "T", "P"], ["n", "X", "", "NN", "1"])
others = st.lists(
    mostly(["Min=1", "Max=1.5", "Cou=0", "ZsAvg=2"], ["LA=1", "AVG=2", "Rtd=", "SampleTime=a b", "Flag=N"]), max_size=2
)


@st.composite
def items(draw: st.DrawFn, code: str) -> str:
    """One factor, mostly as it should be."""
    fields = [f"Avg={draw(values)}", f"Flag={draw(flags)}", *draw(others)]
    kept = fields[: draw(st.sampled_from([9, 9, 9, 1]))]
    return ",".join(f"{code}-{field}" for field in (reversed(kept) if draw(st.booleans()) else kept))


times = mostly(
    ["20240101100000", "20240229235959", "20991231235959"],
    ["20230229000000", "21000101000000", "20240101100000123", "20241301000000", "20240101240000", "20240101006000",
     "19991231235959", "2024010110000", "", "20240101100000;", "20240431000000"],
)  # fmt: skip
heads = mostly(
    [
        "QN=20240101100500000;ST=32;CN={cn};PW=123456;MN={mn};Flag=5;",
        "ST=32;CN={cn};PW=123456;MN={mn};",
        "QN=20240101100500000;ST=32;CN={cn};PW=123456;MN={mn};Flag=9;RF=1;",
    ],
    [
        "QN=20240101100500000;ST=32;CN={cn};PW=123456;MN={mn};Flag=7;PNUM=2;PNO=2;",
        "QN=2024010110050000;ST=32;CN={cn};MN={mn};PW=123456;Flag=5;",
        "QN=20240101100500000;ST=32;CN={cn};PW=123456;MN={mn};Flag=6;",
        "QN=20240101100500000;ST=32;CN={cn};PW=123456;MN={mn};RF=0;",
        "QN=20240101100500000;ST=32;CN={cn};PW=123456;MN={mn};Flag=1234;",
    ],
)


@st.composite
def frames(draw: st.DrawFn, mn: str) -> bytes:
    """A frame with right length and CRC, its text now and then damaged before that."""
    head = draw(heads).format(cn=draw(mostly(["2051", "2061", "2031"], ["2011", "2081", "7777"])), mn=mn)
    codes = draw(st.lists(mostly(FACTORS[mn], ODD_CODES), max_size=4, unique=draw(st.integers(0, 9)) < 9))
    text = f"{head}CP=&&DataTime={draw(times)}{''.join(';' + draw(items(code)) for code in codes)}&&"
    if draw(st.integers(0, 9)) == 9:
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from("&;,=- \r\n#0N\x00é")) + text[at + draw(st.integers(0, 2)) :]
    return seal(text)


def noisy(data: bytes, at: int, noise: bytes) -> bytes:
    """A byte replaced, behind the CRC's back."""
    return data[:at] + noise + data[at + 1 :]


@st.composite
def payloads(draw: st.DrawFn, mn: str) -> bytes:
    """Mostly one frame."""
    what = draw(st.integers(0, 9))
    if what < 6:
        return draw(frames(mn))
    if what == 6:
        return noisy(draw(frames(mn)), draw(st.integers(0, 300)), draw(st.binary(max_size=2)))
    if what == 7:
        return draw(st.binary(max_size=9)) + draw(st.sampled_from([b"{", b"##0100", b""]))
    ends = mostly(["", "\r\n"], ["\n", "noise", "##0100"]).map(str.encode)
    other = draw(st.sampled_from([mn, mn, WATER_MN]))
    return draw(frames(mn))[:-2] + draw(ends) + draw(frames(other))[:-2] + draw(ends)


@st.composite
def sent(draw: st.DrawFn) -> tuple[int, tuple[str, str], bytes]:
    """(delay, (login, claimed), payload)"""
    mn = draw(mostly([WATER_MN, GAS_MN, OLD_MN], ["nobody"]))
    who = draw(st.integers(0, 9))
    login, claimed = (
        ("", "")
        if who < 2
        else (GAS_MN, mn)
        if who == 9
        else ("gateway", mn)
        if who == 8
        else (mn, draw(st.sampled_from([mn, mn, "", GAS_MN])))
    )
    return draw(mostly(["0", "1000"], ["3000000"]).map(int)), (login, claimed), draw(payloads(mn))


rows = st.lists(sent(), max_size=6)


def as_batch(parts: list[tuple[int, tuple[str, str], bytes]]) -> FrameBatch:
    """The payloads in the order of their log times."""
    at = sorted(NOW_MS + delay for delay, _, _ in parts)
    return FrameBatch.of([(ms, *who, data) for ms, (_, who, data) in zip(at, parts, strict=True)])


@settings(max_examples=150, deadline=None)
@given(rows)
def test_both_ways_say_the_same_of_any_batch_and_nothing_is_lost(parts: list[tuple[int, tuple[str, str], bytes]]) -> None:
    decoded = both(as_batch(parts))
    event("readings" if len(decoded.readings) else "no readings")


@settings(max_examples=60, deadline=None)
@given(rows, st.integers(0, 6))
def test_a_log_decoded_in_two_batches_says_what_it_says_in_one(
    parts: list[tuple[int, tuple[str, str], bytes]], cut: int
) -> None:
    whole = as_batch(parts)
    rows = [(int(ms), whole.names[a], whole.names[b], whole.payload(n)) for n, (ms, a, b) in enumerate(
        zip(whole.log_ms, whole.login, whole.claimed, strict=True))]  # fmt: skip
    decoder = Decoder(REGISTRY)
    first, second = decoder.decode(FrameBatch.of(rows[:cut])), decoder.decode(FrameBatch.of(rows[cut:]))
    together = Decoder(REGISTRY).decode(whole)
    for name in ("series", "device_ms", "value", "flag", "log_ms"):
        parts_ = [getattr(each.readings, name).tolist() for each in (first, second)]
        assert parts_[0] + parts_[1] == getattr(together.readings, name).tolist()
    counted = {name: first.counts.get(name, 0) + second.counts.get(name, 0) for name in first.counts | second.counts}
    assert counted == together.counts
    assert len(first.refused) + len(second.refused) == len(together.refused)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["value", "flag", "unit", "a"]), inner),
    max_leaves=6,
)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A JSON v1 message with something in it replaced."""
    message = {
        "v": 1, "mn": WATER_MN, "kind": "minute", "time": NOW_MS,
        "readings": {"w01018": {"value": 1.5, "flag": "N", "unit": "mg/L"}, "w21003": {"value": 2}},
    } if draw(st.booleans()) else {
        "v": 1, "mn": WATER_MN, "kind": "hour", "times": [NOW_MS, NOW_MS + 1],
        "columns": {"w01018": {"values": [1, None], "flags": "N-"}},
    }  # fmt: skip
    part = draw(st.sampled_from([message, *(p for p in message.values() if isinstance(p, dict))]))
    part[draw(st.sampled_from([*part, "more"]))] = draw(json_values)
    return orjson.dumps(message)


@settings(max_examples=100, deadline=None)
@given(messages())
def test_any_json_gives_readings_or_refusals(message: bytes) -> None:
    both(FrameBatch.of([(NOW_MS, WATER_MN, WATER_MN, message)]))


SIZES = [8, 9, 10, 100, 9999]


@pytest.mark.parametrize("size", SIZES)
def test_a_declared_length_at_the_edge_of_the_payload_is_not_read_past(size: int) -> None:
    for tail in (b"", b"&&", b"&&FFFF", b"&&FFFF\r"):
        both(FrameBatch.of([(NOW_MS, "", "", b"##%04d" % size + b"Q" * (size - 2) + tail)]))


def test_the_same_batch_twice_says_the_same() -> None:
    batch = FrameBatch.of([(NOW_MS, "", "", frame("DataTime=20240101100000;w01018-Avg=1"))] * 3)
    decoder = Decoder(REGISTRY)
    one = decoder.decode(batch)
    same(one, decoder.decode(batch))
    adds_up(one, 3)


def test_an_empty_batch_says_nothing() -> None:
    decoded = Decoder(REGISTRY).decode(FrameBatch.of([]))
    assert (len(decoded.readings), decoded.refused, decoded.counts) == (0, (), {})


def test_a_batch_whose_starts_do_not_fit_its_bytes_is_no_input_but_a_broken_invariant() -> None:
    good = FrameBatch.of([(NOW_MS, "", "", b"abc")])
    broken = FrameBatch(**{**good.__dict__, "start": good.start + 1})
    with pytest.raises(ValueError, match="starts that rise from 0 to 3"):
        Decoder(REGISTRY).decode(broken)


@st.composite
def exact_frames(draw: st.DrawFn) -> tuple[bytes, list[str]]:
    """A frame in the exact grammar, and its values as text."""
    codes = draw(st.lists(st.sampled_from(["w21003", "w20111", "011", "w01001"]), unique=True, max_size=5))
    numbers = st.one_of(st.integers(-99, 99).map(str), st.decimals(-99, 99, places=9).map(lambda d: f"{d:f}"))
    texts = [draw(numbers) for _ in codes]
    flag = st.sampled_from(["", ",{}-Flag=N", ",{}-Flag=T"])
    more = st.sampled_from(["", ",{}-Min=1,{}-Max=x//y", ",{}-SampleTime=20240101095500", ",{}-ZsAvg=-1.0,{}-Cou=0.5"])
    parts = [f";{c}-Avg={t}{draw(flag).format(c)}{draw(more).format(c, c)}" for c, t in zip(codes, texts, strict=True)]
    flags_ = draw(st.sampled_from(["", "Flag=4;", "Flag=9;", "Flag=9;RF=1;"]))
    head = f"{draw(st.sampled_from(['', 'QN=20240101100500000;']))}ST=32;CN=2051;PW=123456;MN={WATER_MN};{flags_}"
    return seal(f"{head}CP=&&DataTime=20240101100000{''.join(parts)}&&"), texts


@settings(max_examples=150, deadline=None)
@given(st.lists(exact_frames(), min_size=1, max_size=4))
def test_frames_in_the_exact_grammar_all_go_the_compiled_way(made: list[tuple[bytes, list[str]]]) -> None:
    batch = FrameBatch.of([(NOW_MS, WATER_MN, WATER_MN, data) for data, _ in made])
    assert Scanner(Lookup(REGISTRY)).scan(batch).done.all()
    decoded = both(batch)
    in_ug = [n for n, reading in enumerate(told(decoded)) if reading.factor == "w20111"]
    expected = [float(text) for _, texts in made for text in texts]
    assert [value for n, value in enumerate(decoded.readings.value.tolist()) if n not in in_ug] == [
        value for n, value in enumerate(expected) if n not in in_ug
    ]


HOSTILE = [
    ("empty frames", b"##0000"),
    ("semicolons", b";"),
    ("hashes", b"#"),
    ("endings", b"&&1234"),
    ("beginnings without an end", b"##0100QN="),
    ("MNs", b"MN="),
    ("quotes and blanks", b'{" '),
    ("open braces", b'{"a":'),
    ("open brackets", b"{["),
    ("one name again and again", b'{"v":1,'),
]


def calls(payload: bytes) -> int:
    """Function calls, of Python and of C, that decoding one payload takes."""
    decoder = Decoder(REGISTRY)
    batch = FrameBatch.of([(NOW_MS, WATER_MN, WATER_MN, payload)])
    decoder.decode(batch)
    count = 0

    def counting(frame: object, event: str, arg: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(counting)
    try:
        decoder.decode(batch)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("unit", [h[1] for h in HOSTILE], ids=[h[0] for h in HOSTILE])
def test_work_grows_no_faster_than_a_hostile_payload(unit: bytes) -> None:
    half, whole = unit * (16_000 // len(unit)), unit * (32_000 // len(unit))
    assert calls(whole) < 2.2 * calls(half) + 500
    assert calls(whole) < 20 * len(whole) + 500


ITEMS = [
    ("the same value again and again", "w01018-Avg={n};"),
    ("the same flag again and again", "w01018-Flag={n};"),
    ("factors nobody has", "x{n}-Avg=1;"),
    ("fields without =", "x{n};"),
    ("long numbers", "w01018-Avg=" + "9" * 400 + ";"),
    ("plain fields", "P{n}=1;"),
]


@pytest.mark.parametrize("item", [i[1] for i in ITEMS], ids=[i[0] for i in ITEMS])
def test_work_grows_no_faster_than_a_frame_of_hostile_items(item: str) -> None:
    def filled(size: int) -> bytes:
        text = "".join(item.format(n=n) for n in range(size // len(item)))[: size - 200]
        return frame(f"DataTime=20240101100000;{text}") * 2

    assert calls(filled(8000)) < 2.2 * calls(filled(4000)) + 500


def test_a_register_without_monitors_knows_nobody() -> None:
    payload = frame("DataTime=20240101100000;w01018-Avg=1")
    decoded = both(FrameBatch.of([(NOW_MS, WATER_MN, WATER_MN, payload), (NOW_MS, "", "", b"")]), Registry())
    assert [refusal.reason for refusal in decoded.refused] == [Reason.UNKNOWN_MN, Reason.NOT_A_FRAME]


def test_a_batch_read_from_a_log_runs_the_same_compiled_code_as_one_made_in_memory() -> None:
    made = FrameBatch.of([(NOW_MS, WATER_MN, "abc", frame("DataTime=20240101100000;w01018-Avg=1"))] * 2)
    read = FrameBatch.decode(made.encode())
    same(both(made), both(read))
    assert len(vars(scan_all)["overloads"]) == 1
