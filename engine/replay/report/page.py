"""Writes the page of a replay."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from engine.replay.report.chart import Shown, chart, legend
from engine.replay.report.overview import overview
from engine.replay.report.surroundings import NO_POINTS, Points
from engine.replay.show import local, number
from engine.texts import Texts
from rules.alert import AlertEvent
from rules.plan import FLOW_FACTOR
from rules.rule import RuleKind
from sensors.factors import factor as catalogue

CHARTS = 100
"""Alerts drawn; all of them are in the table."""

PointsOf = Callable[[AlertEvent], Points]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What the page is about."""

    file: str
    judged_by: str  # mapping or configuration; "": the log's own rules
    zone: str
    lang: str
    result: Mapping[str, Any]  # `Account.result`
    events: Sequence[AlertEvent]  # the last of each alert, in the order of result["alerts"]
    names: Mapping[str, str]  # of factors that are not in the catalogue


def drawn(events: Sequence[AlertEvent]) -> list[AlertEvent]:
    """The alerts that get a chart."""
    return [event for event in events if event.factor][:CHARTS]


def page(replay: Replay, points_of: PointsOf = lambda event: NO_POINTS) -> str:
    """The page as HTML. Nothing in it comes from anywhere else; text from files is escaped."""
    say = Texts(lang=replay.lang)
    alerts = replay.result["alerts"]
    with_chart = {event.alert_id for event in drawn(replay.events)}
    sections = [
        _section(replay, event, alert, points_of(event), say)
        for event, alert in zip(replay.events, alerts, strict=True)
        if event.alert_id in with_chart
    ]
    result = replay.result
    span = (result["from_ms"] or 0, result["to_ms"] or 0)
    return _template().render(
        replay=replay,
        result=result,
        alerts=[_row(replay, alert, alert["id"] in with_chart, say) for alert in alerts],
        sections=sections,
        span=[local(ms, replay.zone) for ms in span if ms],
        overview=overview(replay.events, span, say, replay.zone),
        legend=legend(say),
        charts=CHARTS,
        style=Markup(_style()),
        say=say,
        lang={"zh": "zh-CN"}.get(replay.lang, replay.lang),
    )


def _row(replay: Replay, alert: Mapping[str, Any], linked: bool, say: Texts) -> dict[str, Any]:
    return {
        **alert,
        "start": local(alert["start_ms"], replay.zone),
        "end": "" if alert["end_ms"] is None else local(alert["end_ms"], replay.zone),
        "factor_name": factor_name(alert["factor"], replay),
        "value": number(alert["value"]),
        "limit": number(alert["limit"]),
        "over": over(alert),
        "state_word": say(f"replay.state.{alert['state']}"),
        "linked": linked,
    }


def _section(replay: Replay, event: AlertEvent, alert: Mapping[str, Any], around: Points, say: Texts) -> dict[str, Any]:
    shown = Shown(event=event, around=around, zone=replay.zone, unit=shown_unit(alert), helper_label=_helper(event, say))
    return {
        **_row(replay, alert, True, say),
        "svg": chart(shown, say, id_=f"chart-{event.alert_id}"),
        "facts": [(say(f"replay_page.fact.{name}"), text) for name, text in _facts(event, alert, say) if text],
    }


def _facts(event: AlertEvent, alert: Mapping[str, Any], say: Texts) -> list[tuple[str, str]]:
    evidence, unit = event.evidence, shown_unit(alert)
    bounds = [f"{number(alert[name])} {unit}".strip() for name in ("floor", "ceiling") if alert[name] is not None]
    mark = f" ({say('replay_page.unverified')})" if event.unverified else ""
    return [
        ("value", f"{number(event.value)} {unit}".strip() if event.value is not None else ""),
        ("limit", " – ".join(bounds) + mark if bounds else ""),
        ("over", over(alert)),
        ("cells", say("replay_page.cells", valid=evidence.n_valid, due=evidence.n_due) if evidence.n_due else ""),
        ("measured", number(evidence.measured) if evidence.o2 is not None else ""),
        ("basis", say("replay_page.converted") if evidence.o2 is not None else ""),
        ("o2", f"{number(evidence.o2)} %" if evidence.o2 is not None else ""),
        ("from_device", say("replay_page.from_device") if evidence.from_device else ""),
        ("source", event.source),
        ("class", say(f"replay_page.class.{event.alert_class.value}")),
        ("severity", str(event.severity)),
        ("late", say("replay_page.late") if event.late else ""),
        ("mn", event.mn),
        ("rule", f"{event.rule} @ {event.rule_version}"),
        ("id", event.alert_id),
    ]


def shown_unit(alert: Mapping[str, Any]) -> str:
    """The unit behind a figure; pH has none."""
    return "" if alert["unit"] == "pH" else str(alert["unit"])


def over(alert: Mapping[str, Any]) -> str:
    """How far the value is beyond its limit, as a share of it.

    >>> over({"value": 6.0, "limit": 4.0}), over({"value": None, "limit": 4.0}), over({"value": 51.0, "limit": 60.0})
    ('+50 %', '', '−15 %')
    """
    value, limit = alert["value"], alert["limit"]
    if value is None or not limit:
        return ""
    share = 100 * (value - limit) / abs(limit)
    return f"{'+' if share >= 0 else '−'}{abs(share):.0f} %"


def factor_name(code: str, replay: Replay) -> str:
    """The name of a factor in the page's language."""
    known = catalogue(code)
    if known is None:
        return replay.names.get(code, code)
    return known.name_zh if replay.lang == "zh" else known.name_en


def _helper(event: AlertEvent, say: Texts) -> str:
    if not event.evidence.helper or event.kind is not RuleKind.EXCEEDANCE:
        return ""
    name = "oxygen" if event.evidence.o2 is not None else "flow"
    known = catalogue(FLOW_FACTOR)
    return say(f"replay_page.helper.{name}", unit=known.unit if known else "")


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("engine.replay.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")


@cache
def _style() -> str:
    return resources.files("engine.replay.report").joinpath("page.css").read_text("utf-8")
