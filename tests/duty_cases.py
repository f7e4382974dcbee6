"""Alerts, people and a registry for the tests of duty."""

from dataclasses import replace
from datetime import datetime

from engine.database.open import open_database
from engine.database.place import Place
from engine.duty.desk import Desk
from engine.duty.roster import Person, Roster, Shift
from engine.duty.settings import ChannelKind, ChannelSettings, DutySettings, Policy, Sending
from rules.alert import AlertEvent, Evidence, Step, alert_id
from rules.rule import AlertClass, RuleKind
from sensors.registry import Binding, Enterprise, Medium, Outlet, Registry

HOUR = 3_600_000
NOON = 1_772_337_600_000  # 2026-03-01 12:00 in Shanghai

REGISTRY = Registry(
    enterprises=(Enterprise(id="mill", name="清源造纸厂", home=0),),
    outlets=(Outlet(id="stack-1", enterprise="mill", name="1号锅炉烟囱", medium=Medium.GAS),),
    bindings=(Binding(outlet="stack-1", factor="a21026"),),
)
LI = Person(id="li", name="李强", channels=("bot", "terminal"))
WANG = Person(id="wang", name="王芳", channels=("bot",), lang="en")
ROSTER = Roster(
    people=(LI, WANG),
    shifts=(Shift(id="squad", squads=(("li",), ("wang",)), anchor=datetime(2026, 3, 1, 8)),),
)
SETTINGS = DutySettings(
    roster=ROSTER,
    channels=(
        ChannelSettings(name="bot", kind=ChannelKind.WEBHOOK),
        ChannelSettings(name="terminal", kind=ChannelKind.TERMINAL),
    ),
    policy=Policy(),
    sending=Sending(backoff_first_s=0.001, backoff_max_s=0.002, attempts_max=3),
)


def window(hour: int = 0, *, value: float = 68.0, severity: int = 2, late: bool = False) -> AlertEvent:
    """An hour's exceedance of SO2, the hour counted from noon; known 10 minutes after its end."""
    start_ms = NOON + hour * HOUR
    return AlertEvent(
        alert_id=alert_id("gas-hour", "stack-1", "a21026", start_ms),
        seq=0,
        step=Step.OPENED,
        at_ms=start_ms + HOUR + HOUR // 6,
        rule="gas-hour",
        kind=RuleKind.EXCEEDANCE,
        rule_version="r1",
        alert_class=AlertClass.LEGAL,
        severity=severity,
        outlet="stack-1",
        factor="a21026",
        start_ms=start_ms,
        end_ms=start_ms + HOUR,
        value=value,
        ceiling=50.0,
        unit="mg/m3",
        source="GB 13271-2014 table 2",
        late=late,
        evidence=Evidence(n_valid=60, n_due=60),
    )


def silence(hour: int = 0) -> AlertEvent:
    """A monitor that fell silent."""
    return replace(
        window(hour),
        alert_id=alert_id("offline", "stack-1", "MN1", NOON + hour * HOUR),
        rule="offline",
        kind=RuleKind.OFFLINE,
        alert_class=AlertClass.INTEGRITY,
        severity=3,
        factor="",
        mn="MN1",
        end_ms=None,
        value=None,
        ceiling=None,
        unit="",
        source="",
        evidence=Evidence(),
    )


def step(event: AlertEvent, step: Step, *, hours_later: float = 1, **changes: object) -> AlertEvent:
    """The next event of the same alert."""
    later = replace(event, seq=event.seq + 1, step=step, at_ms=event.at_ms + round(hours_later * HOUR))
    return replace(later, **changes)  # type: ignore[arg-type]


def desk_in(place: Place, settings: DutySettings = SETTINGS) -> Desk:
    """A desk on the database of that place."""
    return Desk(open_database(place), settings, REGISTRY)
