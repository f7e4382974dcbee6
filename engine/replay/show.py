"""The result of a replay for people: counts, and a table of alerts."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from engine.texts import Texts

ROWS = 40
"""Alerts of the table; the page and the JSON have them all."""


def show(result: Mapping[str, Any], say: Texts, zone: str, console: Console) -> None:
    """Print it."""
    alerts = result["alerts"]
    refused = sum(result["refused"].values())
    console.print(say("replay.read", readings=f"{result['readings']:,}", refused=f"{refused:,}"))
    for name, counts in (("refused", result["refused"]), ("refused_whole", result["refused_whole"])):
        for reason, count in counts.items():
            example = result["examples"].get(reason, [""])[0]
            console.print(say(f"replay.{name}", reason=say(f"replay.reason.{reason}"), count=f"{count:,}", example=example))
    for note, values in result["notes"].items():
        console.print(say(f"replay.{note}", **values))
    if alerts:
        console.print(_table(alerts[:ROWS], say, zone))
    if len(alerts) > ROWS:
        console.print(say("replay.more_alerts", count=f"{len(alerts) - ROWS:,}"))
    console.print(say("replay.alerts", count=f"{len(alerts):,}", sha=result["alerts_sha256"]))


def _table(alerts: list[dict[str, Any]], say: Texts, zone: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for name in ("start", "outlet", "factor", "rule", "value", "limit", "state", "id"):
        justify: Literal["left", "right"] = "right" if name in ("value", "limit") else "left"
        table.add_column(say(f"replay.column.{name}"), justify=justify, no_wrap=True)
    for alert in alerts:
        table.add_row(
            local(alert["start_ms"], zone),
            alert["outlet"],
            alert["factor"] or alert["mn"],
            alert["rule"],
            number(alert["value"]),
            number(alert["limit"]),
            say(f"replay.state.{alert['state']}"),
            alert["id"],
        )
    return table


def local(ms: int, zone: str) -> str:
    """An instant in a zone.

    >>> local(1767196800000, "Asia/Shanghai")
    '2026-01-01 00:00'
    """
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def number(value: float | None) -> str:
    """A figure with no more digits than it needs.

    >>> number(4.2238620001), number(60.0), number(None)
    ('4.2239', '60', '')
    """
    return "" if value is None else f"{value:.5g}" if abs(value) < 1e5 else f"{value:,.0f}"
