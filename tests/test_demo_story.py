"""The story holds: the oracle, given what the field sends, finds the alerts that the scenes promise and no others."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest

from engine.demo.play import STEP_JSON_S, STEP_S
from engine.demo.rulebook import make_rulebook
from engine.demo.story import MINUTE_MS, START_MS, STORY, Scene, happenings, playing
from rules.alert import AlertEvent, Step
from rules.reference import Entry, Payload, Sent, judge
from sensors.field.district import HOUR_MS, District, make_district
from sensors.field.monitors import FieldFrame
from sensors.reading import Kind

CHINA = timezone(timedelta(hours=8))


def decoded(frame: FieldFrame, outlet: str) -> Payload:
    """The payload as the oracle wants it, by a reader of its own: minute, hour and day means."""
    if frame.damaged or frame.kind is Kind.REALTIME:
        return Payload(mn=frame.mn)
    text = frame.payload.decode()
    time = re.search(r"DataTime=(\d+)", text)
    assert time
    device_ms = int(datetime.strptime(time[1], "%Y%m%d%H%M%S").replace(tzinfo=CHINA).timestamp()) * 1000
    means = re.findall(r"(\w+)-Avg=([-\d.]+)", text)
    sent = (Sent(outlet=outlet, factor=c, kind=frame.kind, device_ms=device_ms, value=float(v)) for c, v in means)
    return Payload(mn=frame.mn, readings=tuple(sent))


def history(district: District, outlets: set[str], hours: float, step_s: int) -> Iterator[Entry]:
    """One record for each step in which something is sent."""
    yield Entry(log_ms=START_MS - 2, said=district.registry)
    yield Entry(log_ms=START_MS - 1, said=make_rulebook(district.registry))
    monitors = [m for m in district.monitors if m.monitor.outlet in outlets]
    steps: dict[int, list[Payload]] = {}
    for monitor in monitors:
        for frame in monitor.frames(START_MS, START_MS + int(hours * HOUR_MS)):
            steps.setdefault((frame.at_ms - START_MS) // (step_s * 1000), []).append(decoded(frame, monitor.monitor.outlet))
    for step, said in sorted(steps.items()):
        yield Entry(log_ms=START_MS + (step + 1) * step_s * 1000, said=tuple(said))


def lives(events: tuple[AlertEvent, ...]) -> dict[str, tuple[str, str, str, list[tuple[Step, float]]]]:
    found: dict[str, tuple[str, str, str, list[tuple[Step, float]]]] = {}
    for e in events:
        life = found.setdefault(e.alert_id, (e.rule, e.outlet, e.factor, []))
        life[3].append((e.step, (e.at_ms - START_MS) / MINUTE_MS))
    return found


@pytest.mark.parametrize("step_s", [STEP_S, STEP_JSON_S], ids=["on the board", "as fast as it can"])
@pytest.mark.parametrize("scene", STORY, ids=[scene.id for scene in STORY])
def test_a_scene_makes_the_alerts_it_promises_and_no_others(scene: Scene, step_s: int) -> None:
    district = make_district(seed=4, happenings=happenings())
    outlets = {outlet for outlet, _ in scene.happenings}
    came = list(lives(judge(list(history(district, outlets, scene.end / 60 + 0.5, step_s))).events).values())
    assert [(c[0], c[1], c[2]) for c in came] == [(e.rule, e.outlet, e.factor) for e in scene.expected]
    for life, expected in zip(came, scene.expected, strict=True):
        assert [step for step, _ in life[3]] == [step for step, _ in expected.steps]
        assert all(when < by + max(1, step_s / 60) for (_, when), (_, by) in zip(life[3], expected.steps, strict=True)), life


def test_scenes_happen_at_outlets_of_their_own() -> None:
    outlets = [outlet for scene in STORY for outlet in {o for o, _ in scene.happenings}]
    assert len(outlets) == len(set(outlets))


def test_the_first_alert_is_due_in_the_first_ten_minutes() -> None:
    assert min(by for scene in STORY for e in scene.expected for _, by in e.steps) <= 10


def test_what_plays_is_told_by_the_clock() -> None:
    assert [s.id for s in playing(START_MS + 5 * MINUTE_MS)] == ["stack"]
    assert [s.id for s in playing(START_MS + 11 * HOUR_MS)] == ["effluent", "revised"]
    assert playing(START_MS) == ()


def test_every_limit_of_the_district_has_a_source_and_the_unconfirmed_ones_say_so() -> None:
    rules = make_rulebook(make_district().registry)
    assert all(limit.source for limit in rules.limits)
    assert {limit.source for limit in rules.limits if not limit.unverified} == {
        "GB 3544-2008 table 2, paper",
        "GB 13223-2011 table 1, coal",
        "GB 18485-2014 table 4, 1 h",
    }
