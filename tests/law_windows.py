"""The law of one window: validity, comparing, conversion, days, ranges."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rules.limits import Averaging, Basis, Weighting
from rules.rule import Judging, RuleKind
from sensors.reading import Flag, Kind
from sensors.registry import Medium
from tests.diary import COD, FLOW, O2, PH, SO2, Diary, Example, World, daily, hourly_cod, hourly_so2, limit, ph, rule

GAS, WATER, AIR = Medium.GAS, Medium.WATER, Medium.AIR
CONVERTED: dict[str, Any] = {"basis": Basis.CONVERTED, "reference_o2": 6.0}
FLOW_DAY: dict[str, Any] = {"factors": {COD: Kind.HOUR, FLOW: Kind.HOUR}, "weighting": Weighting.FLOW}


def so2(values: Sequence[float], start: str = "10:00", **world: Any) -> Diary:
    """Minutes of SO2 from `start`, and a tick at the deadline of the hour from 10:00."""
    return Diary(hourly_so2(**world)).send(start, values).tick("11:10")


def so2_o2(values: Sequence[float], oxygen: Sequence[float]) -> Diary:
    """Minutes of SO2 and O2 from 10:00, judged on the converted basis, O2 reference 6 %."""
    return Diary(hourly_so2(o2=True, **CONVERTED)).send("10:00", values).send("10:00", oxygen, O2).tick("11:10")


def hours(world: World, values: Sequence[float]) -> Diary:
    """Hours from midnight, and a tick at the deadline of the day."""
    return Diary(world).send("00:00", values).tick("2 01:00")


def flow_day(values: Sequence[float], flow: Sequence[float], **more: Any) -> Diary:
    """Hours of COD and flow from midnight, judged as a flow-weighted day."""
    return hours(daily(WATER, **{**FLOW_DAY, **more}), values).send("00:00", flow, FLOW)


def of_zone(zone: str, day_one: tuple[int, int, int]) -> World:
    """A daily limit of an outfall elsewhere."""
    return replace(daily(WATER), judging=Judging(zone=zone), day_one=day_one)


OPENED = "11:10 opened 10:00 120 45/60 !2"

VALIDITY = [
    Example("an hour of readings every two seconds is judged by its minutes",
            Diary(hourly_so2(realtime_s=2)).send("10:00", [120] * 1800), ("10:59:59 opened 10:00 120 60/60 !2",)),
    Example("45 valid minutes of 60 make an hour of gas valid", so2([120] * 45), (OPENED,)),
    Example("44 valid minutes of 60 do not", so2([120] * 44)),
    Example("minutes need not follow one another", so2([120] * 30).send("10:45", [120] * 15), (OPENED,)),
    Example(
        "a complete hour is judged as soon as its last slot is filled",
        so2([120] * 60),
        ("10:59:01 opened 10:00 120 60/60 !2",),
    ),
    Example(
        "a reading that is not normal fills its slot and does not count",
        so2([120] * 45).send("10:45", [0] * 15, flag=Flag.MAINTENANCE),
        ("10:59:01 opened 10:00 120 45/60 !2",),
    ),
    Example("40 normal minutes and 20 of calibration are not judgeable",
            so2([120] * 40).send("10:40", [500] * 20, flag=Flag.CALIBRATION)),
    Example("a minute with one of its two half-minute slots is valid",
            Diary(hourly_so2(realtime_s=30)).send("10:00", [120] * 45, every_s=60).tick("11:10"), (OPENED,)),
    Example(
        "an hour is the mean of its minutes, not of their slots",
        Diary(hourly_so2(realtime_s=30)).send("10:00", [100, 140] * 30).send("10:30", [61] * 15, every_s=60)
            .tick("11:10"),
        ("11:10 opened 10:00 100.333333 45/60 !1",),
    ),
    Example("9 slots of 5 minutes are 45 minutes",
            Diary(hourly_so2(cells=Kind.MINUTE, minute_min=5)).send("10:00", [120] * 9).tick("11:10"),
            ("11:10 opened 10:00 120 9/12 !2",)),
    Example("8 slots of 5 minutes are 40 minutes",
            Diary(hourly_so2(cells=Kind.MINUTE, minute_min=5)).send("10:00", [120] * 8).tick("11:10")),
    Example("5 of 6 slots make an hour of water valid", Diary(hourly_cod()).send("10:00", [40] * 5).tick("11:10"),
            ("11:10 opened 10:00 40 5/6 !2",)),
    Example("4 of 6 slots do not", Diary(hourly_cod()).send("10:00", [40] * 4).tick("11:10")),
    Example("the device's own hour stands in for one that is not valid",
            so2([50] * 44).send("10:00", [130], kind=Kind.HOUR, at="11:02"),
            ("11:10 opened 10:00 130 44/60 !2 device",)),
    Example("the device's own hour does not overrule a valid one",
            so2([50] * 45).send("10:00", [130], kind=Kind.HOUR, at="11:02")),
    Example("the device's own hour counts only as normal",
            so2([50] * 44).send("10:00", [130], kind=Kind.HOUR, at="11:02", flag=Flag.SET_VALUE)),
    Example("the device's own hour alone is enough",
            Diary(hourly_so2()).send("10:00", [130], kind=Kind.HOUR, at="11:02").tick("11:10"),
            ("11:10 opened 10:00 130 0/60 !2 device",)),
]  # fmt: skip

COMPARING = [
    Example("a mean equal to the ceiling is allowed", so2([100] * 60)),
    Example("a seventh decimal does not make an exceedance", so2([100.0000004] * 60)),
    Example("a sixth decimal does", so2([100.0000006] * 60), ("10:59:01 opened 10:00 100.000001 60/60 !1",)),
    Example("a limit with one decimal rounds half to even: 35.05 is 35.0", so2([35.05] * 60, ceiling=35.0, decimals=1)),
    Example("a limit with one decimal rounds half to even: 35.15 is 35.2",
            so2([35.15] * 60, ceiling=35.1, decimals=1), ("10:59:01 opened 10:00 35.2 60/60 !1",)),
    Example("a limit without decimals takes 34.5 for 34", so2([34.5] * 60, ceiling=34.0, decimals=0)),
    Example("a limit without decimals takes 35.5 for 36",
            so2([35.5] * 60, ceiling=35.0, decimals=0), ("10:59:01 opened 10:00 36 60/60 !1",)),
    Example("one tenth over is severity 2", so2([3.3] * 60, ceiling=3.0), ("10:59:01 opened 10:00 3.3 60/60 !2",)),
    Example("a half over is severity 3", so2([150] * 60), ("10:59:01 opened 10:00 150 60/60 !3",)),
    Example("twice the ceiling is severity 4", so2([200] * 60), ("10:59:01 opened 10:00 200 60/60 !4",)),
    Example("three times the ceiling is severity 5", so2([300] * 60), ("10:59:01 opened 10:00 300 60/60 !5",)),
    Example("anything over a ceiling of zero is severity 5", so2([1] * 60, ceiling=0.0),
            ("10:59:01 opened 10:00 1 60/60 !5",)),
    Example("a rule's own severity stands above all", so2([300] * 60, rules=(rule(RuleKind.EXCEEDANCE, severity=1),)),
            ("10:59:01 opened 10:00 300 60/60 !1",)),
    Example("a window is judged against the limit in force when it starts",
            Diary(replace(hourly_so2(), limits=(
                limit(SO2, Averaging.HOUR, 100.0, valid_to_ms=hourly_so2().ms("11:00")),
                limit(SO2, Averaging.HOUR, 50.0, valid_from_ms=hourly_so2().ms("11:00")),
            ))).send("10:00", [80] * 120),
            ("11:59:01 opened 11:00 80 60/60 !3",)),
]  # fmt: skip

CONVERSION = [
    Example("100 at 11 % O2 are 150 at the reference of 6 %", so2_o2([100] * 45, [11] * 45),
            ("11:10 opened 10:00 150 45/60 !3",)),
    Example("at the reference oxygen the measured value stands", so2_o2([100] * 45, [6] * 45)),
    Example("18.5 % O2 is still converted: 20 become 120", so2_o2([20] * 45, [18.5] * 45), (OPENED,)),
    Example("from 19 % O2 on an hour is not judgeable", so2_o2([500] * 45, [19] * 45)),
    Example("the mean of the oxygen counts, not its single minutes", so2_o2([20] * 48, [17, 20] * 24),
            ("11:10 opened 10:00 120 48/60 !2",)),
    Example("without a valid hour of O2 nothing is converted", so2_o2([100] * 45, [11] * 44)),
    Example("the device's own hour of O2 stands in", so2_o2([100] * 45, [11] * 44).send(
        "10:00", [11], O2, kind=Kind.HOUR, at="11:02"), ("11:10 opened 10:00 150 45/60 !3",)),
    Example("the device's own hour is converted like any other", so2_o2([50] * 44, [11] * 45).send(
        "10:00", [100], kind=Kind.HOUR, at="11:02"), ("11:10 opened 10:00 150 44/60 !3 device",)),
]  # fmt: skip

DAYS = [
    Example("20 valid hours make a day of gas valid",
            hours(daily(GAS), [40] * 20), ("2 01:00 opened 00:00 40 20/24 !2",)),
    Example("19 do not", hours(daily(GAS), [40] * 19)),
    Example("20 valid hours make a day of air valid",
            hours(daily(AIR), [40] * 20), ("2 01:00 opened 00:00 40 20/24 !2",)),
    Example("a complete day is judged at once", hours(daily(GAS), [40] * 24), ("23:00:01 opened 00:00 40 24/24 !2",)),
    Example("the device's own day stands in for one that is not valid",
            hours(daily(GAS), [40] * 19).send("00:00", [45], kind=Kind.DAY, at="2 00:30"),
            ("2 01:00 opened 00:00 45 19/24 !3 device",)),
    Example("a converted day is the mean of converted hours",
            hours(daily(GAS, factors={SO2: Kind.HOUR, O2: Kind.HOUR}, **CONVERTED), [100] * 24)
            .send("00:00", [11] * 10 + [16] * 14, O2),
            ("23:00:01 opened 00:00 237.5 24/24 !5",)),
    Example("hours with too much oxygen are not valid hours of a day",
            hours(daily(GAS, factors={SO2: Kind.HOUR, O2: Kind.HOUR}, **CONVERTED), [40] * 24)
            .send("00:00", [20] * 4 + [6] * 20, O2),
            ("23:00:01 opened 00:00 40 20/24 !2",)),
    Example("with five such hours the day is not judgeable",
            hours(daily(GAS, factors={SO2: Kind.HOUR, O2: Kind.HOUR}, **CONVERTED), [40] * 24)
            .send("00:00", [20] * 5 + [6] * 19, O2)),
    Example("18 of 24 make a day of water valid",
            hours(daily(WATER), [40] * 18), ("2 01:00 opened 00:00 40 18/24 !2",)),
    Example("17 do not", hours(daily(WATER), [40] * 17)),
    Example("a flow-weighted day weighs each hour by what flowed",
            flow_day([10] * 12 + [40] * 12, [1] * 12 + [3] * 12), ("23:00:01 opened 00:00 32.5 24/24 !1",)),
    Example("hours in which nothing flows are neither counted nor due",
            flow_day([100] * 12 + [40] * 12, [0] * 12 + [3] * 12), ("23:00:01 opened 00:00 40 12/12 !2",)),
    Example("hours in which nothing flows can be made due",
            flow_day([100] * 12 + [40] * 12, [0] * 12 + [3] * 12, judging=Judging(zero_flow_due=True))),
    Example("a day on which nothing flows is not judgeable", flow_day([100] * 24, [0] * 24)),
    Example("18 hours of flow are enough", flow_day([40] * 24, [2] * 18), ("2 01:00 opened 00:00 40 18/24 !2",)),
    Example("17 are not", flow_day([40] * 24, [2] * 17)),
    Example("a flow sent every 10 minutes is first averaged to the hours of the concentration",
            Diary(daily(WATER, factors={COD: Kind.HOUR, FLOW: Kind.MINUTE}, weighting=Weighting.FLOW))
            .send("00:00", [10] * 12 + [40] * 12).send("00:00", [0, 1, 2] * 24 + [3] * 72, FLOW),
            ("23:50:01 opened 00:00 32.5 24/24 !1",)),
    Example("a day of 23 hours needs 18", hours(of_zone("Europe/Rome", (2024, 3, 31)), [40] * 18),
            ("2 01:00 opened 00:00 40 18/23 !2",)),
    Example("a day of 23 hours is not judgeable with 17", hours(of_zone("Europe/Rome", (2024, 3, 31)), [40] * 17)),
    Example("a day of 25 hours needs 19", hours(of_zone("Europe/Rome", (2024, 10, 27)), [40] * 19),
            ("2 01:00 opened 00:00 40 19/25 !2",)),
    Example("a day of 25 hours is not judgeable with 18", hours(of_zone("Europe/Rome", (2024, 10, 27)), [40] * 18)),
]  # fmt: skip

RANGES = [
    Example("a quarter of the cells outside is allowed", Diary(ph()).send("10:00", [7.0] * 9 + [9.5] * 3)),
    Example("a third is not",
            Diary(ph()).send("10:00", [7.0] * 8 + [9.5] * 4), ("10:55:01 opened 10:00 9.5 12/12 !3",)),
    Example("the alert shows the cell farthest outside", Diary(ph()).send("10:00", [9.5, 5.2, 9.9, 9.6] + [7.0] * 8),
            ("10:55:01 opened 10:00 9.9 12/12 !3",)),
    Example("of equally far cells it shows the first", Diary(ph()).send("10:00", [5.7, 9.3, 9.3, 5.7] + [7.0] * 8),
            ("10:55:01 opened 10:00 5.7 12/12 !3",)),
    Example("a cell equal to a bound lies inside", Diary(ph()).send("10:00", [6.0, 9.0] * 6)),
    Example("a cell is rounded before it is compared", Diary(ph()).send("10:00", [9.0000004] * 12)),
    Example("8 of 12 cells are not judgeable", Diary(ph()).send("10:00", [4.0] * 8).tick("11:10")),
    Example("9 of 12 cells are", Diary(ph()).send("10:00", [4.0] * 9).tick("11:10"), ("11:10 opened 10:00 4 9/12 !3",)),
    Example("the device's own hour does not stand in for a share",
            Diary(ph()).send("10:00", [4.0] * 8).send("10:00", [4.0], PH, kind=Kind.HOUR, at="11:02").tick("11:10")),
    Example("the share of a day is taken over all its cells",
            Diary(ph(Averaging.DAY)).send("00:00", [7.0] * 200 + [5.0] * 88), ("23:55:01 opened 00:00 5 288/288 !3",)),
]  # fmt: skip
