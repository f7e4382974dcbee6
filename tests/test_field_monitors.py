"""The simulated monitors: what they send is HJ 212, the same every time, and what happens to them shows in it."""

import re
from dataclasses import replace

import numpy as np
import pytest

from sensors.field.district import District, make_district, mn_of
from sensors.field.happenings import ClockAhead, Happening, LineNoise, LinkCut, PowerCut, Storm, Surge
from sensors.field.monitors import FieldFrame, FieldMonitor
from sensors.field.signals import Signal, sample
from sensors.hj212.crc import crc
from sensors.reading import Kind
from sensors.registry import Medium

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
T0 = 1_773_072_000_000  # 2026-03-10 00:00 in Shanghai
STACK = "suiyan-s2"


def stack(*happenings: Happening, seed: int = 1) -> FieldMonitor:
    return make_district(seed=seed, happenings={STACK: happenings}).monitor_of(STACK)


def of_kind(kind: Kind, frames: list[FieldFrame]) -> list[FieldFrame]:
    return [frame for frame in frames if frame.kind is kind]


def data_time(frame: FieldFrame) -> str:
    found = re.search(rb"DataTime=(\d{14})", frame.payload)
    assert found
    return found[1].decode()


def value(frame: FieldFrame, code: str) -> float:
    found = re.search(rf"{code}-(?:Avg|Rtd)=([-\d.]+)".encode(), frame.payload)
    assert found
    return float(found[1])


def crc_is_right(frame: FieldFrame) -> bool:
    return int(frame.payload[-6:-2], 16) == crc(frame.payload[6:-6])


def test_a_district_has_25_wastewater_outlets_8_stacks_and_one_special_air_monitor() -> None:
    registry = make_district().registry
    assert [sum(o.medium is m for o in registry.outlets) for m in Medium] == [25, 8, 1]
    assert len({m.mn for m in registry.monitors}) == 34
    assert all(re.fullmatch("[0-9A-F]{24}", m.mn) for m in registry.monitors)


def test_names_come_in_the_language_asked_for_and_nothing_else_changes() -> None:
    zh, en = make_district(lang="zh"), make_district(lang="en")
    assert all(re.search("[一-鿿]", o.name) for o in zh.registry.outlets)
    assert not any(re.search("[一-鿿]", o.name) for o in en.registry.outlets)
    assert zh.monitors == en.monitors


@pytest.mark.parametrize("split", [HOUR, 7 * MINUTE, 13_000], ids=["an hour", "7 minutes", "13 seconds"])
def test_the_frames_of_a_span_do_not_depend_on_how_it_is_cut(split: int) -> None:
    monitor = stack(LinkCut(from_ms=T0 + 5 * MINUTE, to_ms=T0 + 9 * MINUTE, back_ms=T0 + 30 * MINUTE))
    whole = monitor.frames(T0, T0 + HOUR)
    parts = [f for at in range(T0, T0 + HOUR, split) for f in monitor.frames(at, min(at + split, T0 + HOUR))]
    assert parts == whole


def test_two_seeds_give_two_fields() -> None:
    assert stack(seed=1).frames(T0, T0 + MINUTE) == stack(seed=1).frames(T0, T0 + MINUTE)
    assert stack(seed=1).frames(T0, T0 + MINUTE) != stack(seed=2).frames(T0, T0 + MINUTE)


def test_an_hour_of_a_stack_is_120_instants_60_minutes_and_one_hour() -> None:
    frames = stack().frames(T0, T0 + HOUR)
    assert [len(of_kind(kind, frames)) for kind in Kind] == [120, 60, 1, 1]
    assert all(crc_is_right(frame) for frame in frames)
    assert data_time(of_kind(Kind.DAY, frames)[0]) == "20260309000000"
    assert data_time(of_kind(Kind.HOUR, frames)[0]) == "20260309230000"
    assert data_time(of_kind(Kind.MINUTE, frames)[-1]) == "20260310005800"


def test_the_hour_a_monitor_sends_is_the_mean_of_the_minutes_it_sent() -> None:
    frames = stack().frames(T0, T0 + HOUR + MINUTE)
    hour = of_kind(Kind.HOUR, frames)[-1]
    minutes = [f for f in of_kind(Kind.MINUTE, frames) if data_time(f).startswith("2026031000")]
    assert len(minutes) == 60
    assert value(hour, "a21026") == pytest.approx(np.mean([value(f, "a21026") for f in minutes]), abs=0.0051)


def test_an_analyser_holds_its_result() -> None:
    held = Signal(code="w01018", level=40.0, hold_min=60)
    values = sample(held, 1, np.arange(T0, T0 + 3 * HOUR, MINUTE))
    assert len(np.unique(values)) == 3
    assert all(len(np.unique(hour)) == 1 for hour in values.reshape(3, 60))


def test_a_surge_shows_in_its_span_only() -> None:
    monitor = stack(Surge(code="a21026", level=165.0, from_ms=T0 + 10 * MINUTE, to_ms=T0 + 20 * MINUTE))
    minutes = of_kind(Kind.MINUTE, monitor.frames(T0 + MINUTE, T0 + 31 * MINUTE))
    high = [value(f, "a21026") > 100 for f in minutes]
    assert high == [False] * 10 + [True] * 10 + [False] * 10


def test_a_dead_monitor_sends_nothing_and_no_mean_of_a_period_it_missed_a_part_of() -> None:
    frames = stack(PowerCut(from_ms=T0 + 10 * MINUTE, to_ms=T0 + 20 * MINUTE)).frames(T0, T0 + 2 * HOUR)
    assert not [f for f in frames if T0 + 10 * MINUTE <= f.at_ms < T0 + 20 * MINUTE]
    assert [data_time(f) for f in of_kind(Kind.HOUR, frames)] == ["20260309230000"]


def test_a_cut_link_keeps_the_minutes_and_sends_them_later_as_they_were() -> None:
    cut = LinkCut(from_ms=T0 + 10 * MINUTE, to_ms=T0 + 20 * MINUTE, back_ms=T0 + 40 * MINUTE)
    plain, with_cut = stack().frames(T0, T0 + HOUR), stack(cut).frames(T0, T0 + HOUR)
    back = [f for f in with_cut if f.back_filled]
    assert len(back) == 10
    assert all(cut.back_ms <= f.at_ms < cut.back_ms + MINUTE for f in back)
    assert {f.payload for f in of_kind(Kind.MINUTE, with_cut)} == {f.payload for f in of_kind(Kind.MINUTE, plain)}


def test_a_storm_sends_the_same_bytes_again() -> None:
    frames = stack(Storm(from_ms=T0, to_ms=T0 + MINUTE, copies=40)).frames(T0, T0 + MINUTE)
    assert len(frames) == 40 * len({f.payload for f in frames})
    assert sum(f.copy for f in frames) == 39 * len(frames) // 40


def test_a_wrong_clock_moves_device_times_and_nothing_else() -> None:
    clock = ClockAhead(from_ms=T0, to_ms=T0 + HOUR, ahead_ms=DAY)
    plain, ahead = stack().frames(T0, T0 + HOUR), stack(clock).frames(T0, T0 + HOUR)
    assert [f.at_ms for f in ahead] == [f.at_ms for f in plain]
    assert {data_time(f)[:8] for f in of_kind(Kind.REALTIME, ahead)} == {"20260311"}
    assert all(f.ahead for f in ahead)
    assert [value(f, "a21026") for f in ahead] == [value(f, "a21026") for f in plain]


def test_a_bad_line_breaks_every_crc() -> None:
    frames = stack(LineNoise(from_ms=T0, to_ms=T0 + HOUR)).frames(T0, T0 + HOUR)
    assert frames
    assert all(f.damaged and not crc_is_right(f) for f in frames)


def test_the_field_speaks_in_order_of_time() -> None:
    times = [frame.at_ms for frame in make_district().frames(T0, T0 + HOUR + MINUTE)]
    assert times == sorted(times)
    assert len({at % 1000 for at in times}) > 30  # monitors do not speak all at the full second


def test_happenings_at_an_outlet_that_is_not_there_are_refused() -> None:
    with pytest.raises(KeyError, match="nowhere-w1"):
        make_district(happenings={"nowhere-w1": ()})


def test_every_outlet_stays_below_its_level_and_a_quarter_without_happenings() -> None:
    district: District = make_district(seed=5)
    for monitor in district.monitors:
        for signal in monitor.trade.signals:
            shown = sample(signal, monitor.seed, np.arange(T0, T0 + DAY, 5 * MINUTE))
            reach = signal.level * (1 + signal.swing + signal.walk + signal.jitter)
            assert shown.min() > 0 and shown.max() <= reach


def test_numbers_make_mns() -> None:
    assert mn_of(0) == "010000A8900016F0D0000000"
    assert replace(stack().monitor, mn=mn_of(33)).mn == "010000A8900016F0D0000021"
