"""The law of what follows in time: revisions, returns, early warnings, silence and wrong clocks."""

from dataclasses import replace

from rules.reference import Mark
from rules.rule import Judging, RuleKind
from sensors.reading import Flag, Kind
from sensors.registry import Medium
from tests.diary import O2, Diary, Example, daily, hourly_so2, rule
from tests.law_windows import CONVERTED, OPENED, so2, so2_o2

EARLY = replace(hourly_so2(), rules=(rule(RuleKind.INSTANT, in_a_row=3),))
SILENCE = replace(hourly_so2(), rules=(rule(RuleKind.OFFLINE, silence_s=3600),))
CLOCK = replace(hourly_so2(), rules=(rule(RuleKind.CLOCK),))

LATE = "11:20:30"
REVISIONS = [
    Example("late readings revise an alert at the next full minute",
            so2([120] * 45).send("10:45", [180] * 15, at=LATE).tick("11:21"),
            (OPENED, "11:21 revised 10:00 135 60/60 !2")),
    Example("a reading on the full minute waits for the next one",
            so2([120] * 45).send("10:45", [180] * 15, at="11:20").tick("11:20:59", "11:22"),
            (OPENED, "11:21 revised 10:00 135 60/60 !2")),
    Example("a reading at the deadline comes too late for it",
            Diary(hourly_so2()).send("10:00", [120] * 45).send("10:45", [180] * 15, at="11:10").tick("11:12"),
            (OPENED, "11:11 revised 10:00 135 60/60 !2")),
    Example("late readings withdraw an alert that never was",
            so2([120] * 45).send("10:45", [0] * 15, at=LATE).tick("11:21"),
            (OPENED, "11:21 withdrawn 10:00")),
    Example("late readings open an alert, marked as late",
            so2([120] * 44).send("10:50", [120], at="11:30:10").tick("11:31"),
            ("11:31 opened 10:00 120 45/60 !2 late",)),
    Example("an hour sent after its deadline as a whole is judged at the next full minute",
            Diary(hourly_so2()).tick("11:10").send("10:00", [120] * 60, at="12:00:30").tick("12:01"),
            ("12:01 opened 10:00 120 60/60 !2 late",)),
    Example("a withdrawn alert that comes back is revised",
            so2([120] * 45).send("10:45", [0] * 15, at=LATE).tick("11:21")
            .send("10:45", [180] * 15, at="11:30:30").tick("11:31"),
            (OPENED, "11:21 withdrawn 10:00", "11:31 revised 10:00 135 60/60 !2")),
    Example("missing data is not good news",
            so2_o2([100] * 45, [11] * 45).send("10:00", [20] * 45, O2, at=LATE).tick("11:21"),
            ("11:10 opened 10:00 150 45/60 !3",)),
    Example("a revision with the same numbers makes no event",
            so2([120] * 45).send("10:00", [110, 130], at=LATE).tick("11:21"), (OPENED,)),
    Example("more valid minutes with the same mean make one",
            so2([120] * 45).send("10:50", [120], at=LATE).tick("11:21"), (OPENED, "11:21 revised 10:00 120 46/60 !2")),
    Example("duplicates change nothing", so2([120] * 45).send("10:00", [120] * 45, at=LATE).tick("11:21"), (OPENED,)),
    Example("a reading that is not normal does not take the place of one that is",
            so2([120] * 45).send("10:00", [0] * 45, at=LATE, flag=Flag.FAULT).tick("11:21"), (OPENED,)),
    Example("late device hours revise, too",
            so2([50] * 44).send("10:00", [130], kind=Kind.HOUR, at=LATE).tick("11:21"),
            ("11:21 opened 10:00 130 44/60 !2 late device",)),
]  # fmt: skip

AFTER_COMPLETION = [
    Example("a device hour that follows a complete but invalid hour is a revision",
            Diary(hourly_so2()).send("10:00", [120] * 40).send("10:40", [0] * 20, flag=Flag.CALIBRATION)
            .send("10:00", [130], kind=Kind.HOUR, at="10:59:30").tick("11:10"),
            ("11:00 opened 10:00 130 40/60 !2 late device",)),
    Example("oxygen corrected after the hour was complete is a revision",
            Diary(hourly_so2(o2=True, **CONVERTED)).send("10:00", [100] * 60).send("10:00", [11] * 60, O2)
            .send("10:00", [6] * 60, O2, at="11:02").tick("11:10"),
            ("10:59:01 opened 10:00 150 60/60 !3", "11:03 withdrawn 10:00")),
    Example("oxygen that was complete before is one, too",
            Diary(hourly_so2(o2=True, **CONVERTED)).send("10:00", [11] * 60, O2).send("10:00", [100] * 59)
            .send("10:59", [100], at="11:01").send("10:00", [6] * 60, O2, at="11:02").tick("11:10"),
            ("11:01 opened 10:00 150 60/60 !3", "11:03 withdrawn 10:00")),
    Example("an hour corrected after its day was complete is a revision of the day",
            Diary(daily(Medium.GAS)).send("00:00", [40] * 24).send("05:00", [16], at="23:10").tick("23:20"),
            ("23:00:01 opened 00:00 40 24/24 !2", "23:11 revised 00:00 39 24/24 !2")),
    Example("a late last hour completes its day and touches no other hour, however short the memory for late data",
            Diary(daily(Medium.GAS, judging=Judging(late_bound_h=6, patience_hour_s=0, revise_every_s=420)))
            .send("00:00", [40] * 23).send("23:00", [88], at="2 00:00:20").tick("2 00:30"),
            ("2 00:00:20 opened 00:00 42 24/24 !2",)),
    Example("a device day that follows a complete but invalid day is a revision",
            Diary(daily(Medium.GAS)).send("00:00", [40] * 19).send("19:00", [0] * 5, flag=Flag.FAULT)
            .send("00:00", [45], kind=Kind.DAY, at="23:10").tick("23:20"),
            ("23:11 opened 00:00 45 19/24 !3 late device",)),
]  # fmt: skip

RETURNS = [
    Example("a normal hour returns the alert of the hour before",
            Diary(hourly_so2()).send("10:00", [120] * 60 + [50] * 60),
            ("10:59:01 opened 10:00 120 60/60 !2", "11:59:01 returned 10:00")),
    Example("and those of all hours before", Diary(hourly_so2()).send("10:00", [120] * 120 + [50] * 60),
            ("10:59:01 opened 10:00 120 60/60 !2", "11:59:01 opened 11:00 120 60/60 !2",
             "12:59:01 returned 10:00", "12:59:01 returned 11:00")),
    Example("an hour that is not judgeable returns nothing",
            Diary(hourly_so2()).send("10:00", [120] * 60 + [50] * 44).tick("12:10"),
            ("10:59:01 opened 10:00 120 60/60 !2",)),
    Example("an alert opened late behind a normal hour returns at once",
            Diary(hourly_so2()).send("10:00", [120] * 44).send("11:00", [50] * 60).send("10:50", [120], at="12:10:30")
            .tick("12:11"),
            ("12:11 opened 10:00 120 45/60 !2 late", "12:11 returned 10:00")),
    Example("a returned alert can be revised",
            Diary(hourly_so2()).send("10:00", [120] * 45).send("11:00", [50] * 60)
            .send("10:45", [180] * 15, at="12:10:30")
            .tick("12:11"),
            ("11:10 opened 10:00 120 45/60 !2", "11:59:01 returned 10:00", "12:11 revised 10:00 135 60/60 !2")),
    Example("a returned alert can be withdrawn",
            Diary(hourly_so2()).send("10:00", [120] * 45).send("11:00", [50] * 60)
            .send("10:45", [0] * 15, at="12:10:30")
            .tick("12:11"),
            ("11:10 opened 10:00 120 45/60 !2", "11:59:01 returned 10:00", "12:11 withdrawn 10:00")),
    Example("a withdrawn alert that comes back behind a normal hour returns again",
            Diary(hourly_so2()).send("10:00", [120] * 45).send("11:00", [50] * 60).send("10:45", [0] * 15, at="12:10:30")
            .tick("12:11").send("10:45", [180] * 15, at="12:11:30").tick("12:12"),
            ("11:10 opened 10:00 120 45/60 !2", "11:59:01 returned 10:00", "12:11 withdrawn 10:00",
             "12:12 revised 10:00 135 60/60 !2", "12:12 returned 10:00")),
    Example("an alert withdrawn is not returned",
            Diary(hourly_so2()).send("10:00", [120] * 45).send("10:45", [0] * 15, at="11:11:30")
            .send("11:12", [50] * 48),
            ("11:10 opened 10:00 120 45/60 !2", "11:12 withdrawn 10:00")),
]  # fmt: skip

SO2_50, SO2_150 = (hourly_so2(ceiling=ceiling).limits for ceiling in (50.0, 150.0))
DAY_30 = daily(Medium.GAS).limits
CHANGES = [
    Example("a stricter limit takes over for an hour that is not due yet",
            Diary(hourly_so2()).send("10:00", [80] * 45).rules("11:05", limits=SO2_50).tick("11:10"),
            ("11:10 opened 10:00 80 45/60 !3",)),
    Example("what was due before a change is judged under what was in force",
            Diary(hourly_so2()).send("10:00", [80] * 45).rules("11:15", limits=SO2_50).tick("11:30")),
    Example("what is due at a change is not lost",
            Diary(hourly_so2()).send("10:00", [120] * 45).rules("11:15", limits=SO2_50), (OPENED,)),
    Example("the same rules again change nothing",
            so2([120] * 45).rules("11:15").send("10:45", [180] * 15, at=LATE).tick("11:21"),
            (OPENED, "11:21 revised 10:00 135 60/60 !2")),
    Example("a day goes on under a new limit with the hours that were there",
            Diary(daily(Medium.GAS, ceiling=50.0)).send("00:00", [40] * 24).rules("12:30", limits=DAY_30),
            ("23:00:01 opened 00:00 40 24/24 !2",)),
    Example("late readings under another limit revise the alert that was opened under the old one",
            so2([120] * 45).rules("11:15", limits=SO2_50).send("10:45", [120] * 15, at=LATE).tick("11:21"),
            (OPENED, "11:21 revised 10:00 120 60/60 !4")),
    Example("a normal hour under another limit returns the alert that was opened under the old one",
            so2([120] * 45).rules("11:15", limits=SO2_150).send("11:00", [110] * 60),
            (OPENED, "11:59:01 returned 10:00")),
    Example("a row of early warnings goes on under another limit",
            Diary(EARLY).send("10:00", [120] * 2).rules("10:01:30", limits=SO2_50).send("10:02", [60, 40]),
            ("10:02:01 opened 10:00 60 !2", "10:03:01 returned 10:00 ..10:03")),
    Example("an alert goes on when its rule comes back",
            so2([120] * 45).rules("11:15", rules=EARLY.rules).rules("11:16")
            .send("10:45", [180] * 15, at=LATE).tick("11:21"),
            (OPENED, "11:21 revised 10:00 135 60/60 !2")),
]  # fmt: skip

EARLY_WARNINGS = [
    Example("three in a row over the ceiling open, the next below returns",
            Diary(EARLY).send("10:00", [50, 120, 130, 140, 150, 90]),
            ("10:03:01 opened 10:01 140 !2", "10:05:01 returned 10:01 ..10:05")),
    Example("two in a row do not", Diary(EARLY).send("10:00", [120, 120, 90, 120, 120, 90])),
    Example("a reading equal to the threshold is not over it", Diary(EARLY).send("10:00", [120, 120, 100, 120, 100])),
    Example("readings that are not normal neither count nor break the row",
            Diary(EARLY).send("10:00", [120, 120]).send("10:02", [0, 900], flag=Flag.FAULT).send("10:04", [120]),
            ("10:04:01 opened 10:00 120 !2",)),
    Example("readings back-filled behind the last do not count",
            Diary(EARLY).send("10:00", [120, 120]).send("09:50", [900, 10], at="10:01:30").send("10:02", [120]),
            ("10:02:01 opened 10:00 120 !2",)),
    Example("a later reading of the same slot counts",
            Diary(EARLY).send("10:00", [120, 120]).send("10:01:30", [125]), ("10:01:31 opened 10:00 125 !2",)),
    Example("a duplicate does not count", Diary(EARLY).send("10:00", [120, 120]).send("10:01", [120], at="10:01:30")),
    Example("after its return a warning needs a whole new row",
            Diary(EARLY).send("10:00", [120] * 3 + [90] + [120] * 2 + [90] + [120] * 3),
            ("10:02:01 opened 10:00 120 !2", "10:03:01 returned 10:00 ..10:03", "10:09:01 opened 10:07 120 !2")),
    Example("0.57 of a ceiling of 100 is 57",
            Diary(replace(EARLY, rules=(rule(RuleKind.INSTANT, fraction=0.57),))).send("10:00", [57.0] * 3)),
    Example("a fraction of the ceiling is the threshold, the ceiling the measure of severity",
            Diary(replace(EARLY, rules=(rule(RuleKind.INSTANT, fraction=0.57),))).send("10:00", [57.1] * 3),
            ("10:02:01 opened 10:00 57.1 !1",)),
    Example("on the converted basis each reading is converted with the oxygen of its slot",
            Diary(replace(hourly_so2(o2=True, **CONVERTED), rules=EARLY.rules))
            .send("10:00", [80] * 4).send("10:00", [11, 11, 20, 11], O2), ("10:03:01 opened 10:00 120 !2",)),
    Example("without the oxygen of its slot a reading does not count",
            Diary(replace(hourly_so2(o2=True, **CONVERTED), rules=EARLY.rules))
            .send("10:00", [80] * 4).send("10:01", [11, 11, 11], O2), ("10:03:01 opened 10:01 120 !2",)),
]  # fmt: skip

MONITORS = [
    Example("an hour of silence opens an alert, the next payload returns it",
            Diary(SILENCE).babble("10:00").tick("10:59:59", "11:00").babble("12:00"),
            ("11:00 opened 10:00 !3", "12:00 returned 10:00 ..12:00")),
    Example("silence is noticed whenever the log goes on", Diary(SILENCE).babble("10:00").tick("11:30"),
            ("11:00 opened 10:00 !3",)),
    Example("a payload at the very end of an hour of silence finds the alert open",
            Diary(SILENCE).babble("10:00").babble("11:00"), ("11:00 opened 10:00 !3", "11:00 returned 10:00 ..11:00")),
    Example("a monitor never heard is not judged", Diary(SILENCE).tick("10:00", "20:00")),
    Example("time in which no host listened is not silence",
            Diary(SILENCE).babble("10:00").tick("10:30").tick("12:30", mark=Mark.HOST_STARTED)
            .tick("12:59:59", "13:00"),
            ("13:00 opened 10:00 !3",)),
    Example("two restarts are both left out",
            Diary(SILENCE).babble("10:00").tick("10:30").tick("12:30", mark=Mark.HOST_STARTED).tick("12:40")
            .tick("13:40", mark=Mark.HOST_STARTED).tick("14:30"),
            ("14:00 opened 10:00 !3",)),
    Example("a silence that was over before the host stopped stays where it was",
            Diary(SILENCE).babble("10:00").tick("11:00")
            .tick("12:30", mark=Mark.HOST_STARTED), ("11:00 opened 10:00 !3",)),
    Example("the end of an imported history is no silence",
            Diary(SILENCE).babble("10:00").tick("23:00", mark=Mark.END_OF_INPUT)),
    Example("a clock more than 5 minutes ahead opens an alert, a right one returns it",
            Diary(CLOCK).send("11:00", [50], at="10:00").send("10:05", [50]),
            ("10:00 opened 10:00 3600 !3", "10:05:01 returned 10:00 ..10:05:01")),
    Example("5 minutes ahead are allowed", Diary(CLOCK).send("10:05", [50], at="10:00")),
    Example("a second wrong payload opens no second alert",
            Diary(CLOCK).send("11:00", [50], at="10:00").send("11:01", [50], at="10:01").send("10:05", [50]),
            ("10:00 opened 10:00 3600 !3", "10:05:01 returned 10:00 ..10:05:01")),
    Example("a payload that says nothing of the time returns nothing",
            Diary(CLOCK).send("11:00", [50], at="10:00").babble("10:01"), ("10:00 opened 10:00 3600 !3",)),
]  # fmt: skip
