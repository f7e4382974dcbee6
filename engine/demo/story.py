"""The story of the demo: what happens in the district, scene by scene, and which alerts must come of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rules.alert import Step
from sensors.field.happenings import ClockAhead, Happening, LineNoise, LinkCut, PowerCut, Storm, Surge
from sensors.field.names import Text

MINUTE_MS = 60_000
DAY_MS = 86_400_000
START_MS = int((datetime(2026, 3, 10, tzinfo=UTC) - timedelta(hours=8)).timestamp()) * 1000
"""Local midnight of the story's day."""

O, R, V, W = Step.OPENED, Step.RETURNED, Step.REVISED, Step.WITHDRAWN  # noqa: E741


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One alert that must come, with the steps of its life in order. Times are minutes of the story's day."""

    rule: str
    outlet: str
    factor: str = ""
    steps: tuple[tuple[Step, float], ...]  # (step, the minute in which it happens at the latest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One scene. Minutes count from the start of the story's day."""

    id: str
    title: Text
    tells: Text
    start: float
    end: float
    happenings: tuple[tuple[str, Happening], ...]  # (outlet, what happens)
    expected: tuple[Expected, ...]


def at(clock: str) -> float:
    """Minutes of the story's day.

    >>> at("10:30"), at("24:01")
    (630.0, 1441.0)
    """
    hours, minutes = clock.split(":")
    return int(hours) * 60.0 + int(minutes)


def ms(clock: str) -> int:
    """A time of the story's day as UTC ms."""
    return START_MS + int(at(clock) * MINUTE_MS)


def surge(code: str, level: float, start: str, end: str) -> Surge:
    """A surge by the clock of the story's day."""
    return Surge(code=code, level=level, from_ms=ms(start), to_ms=ms(end))


def expect(rule: str, outlet: str, factor: str, *steps: tuple[Step, str]) -> Expected:
    """An alert by the clock of the story's day."""
    return Expected(rule=rule, outlet=outlet, factor=factor, steps=tuple((step, at(by)) for step, by in steps))


STORY = (
    Scene(
        id="stack",
        title=Text(zh="烟囱超标", en="A stack over its limit"),
        tells=Text(
            zh="脱硫泵跳闸：先是分钟值预警，整点后小时折算均值超标，下一小时恢复。",
            en="A scrubber pump trips: an early warning first, then the converted hourly mean, normal an hour later.",
        ),
        start=at("00:04"),
        end=at("02:01"),
        happenings=(("suiyan-s2", surge("a21026", 165.0, "00:04", "00:52")),),
        expected=(
            expect("gas-early", "suiyan-s2", "a21026", (O, "00:08"), (R, "00:54")),
            expect("gas-hour", "suiyan-s2", "a21026", (O, "01:01"), (R, "02:01")),
        ),
    ),
    Scene(
        id="dead",
        title=Text(zh="设备断电", en="A dead monitor"),
        tells=Text(zh="数采仪断电三个半小时，后恢复。", en="A logger loses power for three and a half hours."),
        start=at("02:10"),
        end=at("05:51"),
        happenings=(("yanxi-w1", PowerCut(from_ms=ms("02:10"), to_ms=ms("05:40"))),),
        expected=(expect("offline", "yanxi-w1", "", (O, "03:12"), (R, "05:51")),),
    ),
    Scene(
        id="storm",
        title=Text(zh="重复报文风暴", en="A storm of duplicates"),
        tells=Text(
            zh="数采仪收不到应答，每帧重发40次；预警仍只有一条，通知只发一次。",
            en="A logger misses its answers and sends every frame 40 times: one early warning all the same, one page.",
        ),
        start=at("08:00"),
        end=at("08:28"),
        happenings=(
            ("refuse-s1", Storm(from_ms=ms("08:00"), to_ms=ms("08:20"), copies=40)),
            ("refuse-s1", surge("a21002", 450.0, "08:05", "08:25")),
        ),
        expected=(expect("gas-early", "refuse-s1", "a21002", (O, "08:09"), (R, "08:27")),),
    ),
    Scene(
        id="effluent",
        title=Text(zh="废水日均值超标", en="A wastewater day over its limit"),
        tells=Text(
            zh="印染厂白天大流量高浓度排放：算术均值不超，流量加权日均值超标。",
            en="A dye works discharges much and strong by day: the flow-weighted mean is over, the plain one is not.",
        ),
        start=at("09:00"),
        end=at("24:02"),
        happenings=(
            ("landai-w1", surge("w01018", 130.0, "09:00", "17:00")),
            ("landai-w1", surge("w00000", 70.0, "09:00", "17:00")),
        ),
        expected=(
            expect("water-early", "landai-w1", "w01018", (O, "10:12"), (R, "17:12")),
            expect("water-day", "landai-w1", "w01018", (O, "24:02")),
        ),
    ),
    Scene(
        id="revised",
        title=Text(zh="补传修正已判小时", en="A late back-fill revises a judged hour"),
        tells=Text(
            zh="链路中断12分钟，该小时按48个有效分钟判为超标；补传后按60分钟修正。",
            en="The link drops for 12 minutes: the hour is judged with 48 minutes, and again when the rest comes.",
        ),
        start=at("11:00"),
        end=at("13:01"),
        happenings=(
            ("xiuqing-s1", LinkCut(from_ms=ms("11:21"), to_ms=ms("11:33"), back_ms=ms("12:40"))),
            ("xiuqing-s1", surge("a21026", 380.0, "11:00", "12:00")),
            ("xiuqing-s1", surge("a21026", 710.0, "11:20", "11:32")),
            ("xiuqing-s1", surge("a19001", 9.3, "11:00", "12:00")),
        ),
        expected=(
            expect("gas-early", "xiuqing-s1", "a21026", (O, "11:04"), (R, "12:02")),
            expect("gas-hour", "xiuqing-s1", "a21026", (O, "12:11"), (V, "12:42"), (R, "13:01")),
        ),
    ),
    Scene(
        id="clock",
        title=Text(zh="时钟错误", en="A wrong clock"),
        tells=Text(
            zh="数采仪时钟快一天：读数被隔离，不影响他人；校时后恢复。",
            en="A logger's clock is a day ahead: its readings are set aside, and nobody else is touched.",
        ),
        start=at("13:00"),
        end=at("15:41"),
        happenings=(("jipu-w1", ClockAhead(from_ms=ms("13:00"), to_ms=ms("15:30"), ahead_ms=DAY_MS)),),
        expected=(expect("clock", "jipu-w1", "", (O, "13:02"), (R, "15:32")),),
    ),
    Scene(
        id="withdrawn",
        title=Text(zh="补传撤销报警", en="A late back-fill withdraws an alert"),
        tells=Text(
            zh="47个有效分钟判为超标；补传的13分钟很低，报警撤销。",
            en="47 valid minutes say over; the 13 that come late were low, and the alert is withdrawn.",
        ),
        start=at("14:00"),
        end=at("15:42"),
        happenings=(
            ("kanlong-s1", LinkCut(from_ms=ms("14:01"), to_ms=ms("14:14"), back_ms=ms("15:40"))),
            ("kanlong-s1", surge("a21026", 220.0, "14:13", "15:00")),
            ("kanlong-s1", surge("a19001", 9.8, "14:00", "15:00")),
        ),
        expected=(
            expect("gas-early", "kanlong-s1", "a21026", (O, "14:17"), (R, "15:02")),
            expect("gas-hour", "kanlong-s1", "a21026", (O, "15:11"), (W, "15:42")),
        ),
    ),
    Scene(
        id="noise",
        title=Text(zh="线路干扰", en="A bad line"),
        tells=Text(
            zh="半小时内每帧都有一个字节出错：全部拒收、计数、留存原文。",
            en="For half an hour one byte of every frame is wrong: all are refused, counted and kept as they came.",
        ),
        start=at("18:00"),
        end=at("18:30"),
        happenings=(("muli-w1", LineNoise(from_ms=ms("18:00"), to_ms=ms("18:30"))),),
        expected=(),
    ),
)


def happenings() -> dict[str, tuple[Happening, ...]]:
    """Outlet -> all that happens there, in the order of the scenes."""
    found: dict[str, tuple[Happening, ...]] = {}
    for scene in STORY:
        for outlet, happening in scene.happenings:
            found[outlet] = (*found.get(outlet, ()), happening)
    return found


def playing(log_ms: int) -> tuple[Scene, ...]:
    """The scenes that play at an instant."""
    minute = (log_ms - START_MS) / MINUTE_MS
    return tuple(scene for scene in STORY if scene.start <= minute < scene.end)
