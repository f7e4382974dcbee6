"""docs/influx.md: its three questions are asked of a real server, and it names every tag and field that is written."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.detect.facts import VerdictCode
from engine.store.influx import InfluxStore
from engine.store.influx_settings import InfluxSettings
from engine.store.influx_sift import CONFIRM, SUSPECT_AFTER
from engine.store.lines import lines_of
from engine.store.reasons import SinkReason
from rules.alert import Step
from sensors.reading import Flag
from tests.influx_rig import minutes, settings_of
from tests.servers import Influx
from tests.store_cases import COD, HOUR, MINUTE, NAMES, NOON, RULES, facts_of, verdict
from tests.test_store_lines import ALERT, LIMITS

PAGE = (Path(__file__).parent.parent / "docs" / "influx.md").read_text("utf-8")
QUERIES = re.findall(r"```flux\n(.*?)```", PAGE, re.DOTALL)
NAMED = replace(NAMES, rules=replace(RULES, limits=LIMITS))
FACTS = replace(
    facts_of(
        [
            *minutes(30, value=10.0),
            (COD, NOON + 10_000, 999.0, Flag.FAULT, NOON + HOUR),
            *minutes(30, value=20.0, start_ms=NOON + 30 * MINUTE),
        ],
        verdicts=verdict(start_ms=NOON, at_ms=NOON + HOUR, value=68.0, code=VerdictCode.EXCEEDED),
    ),
    events=(replace(ALERT, step=Step.OPENED, seq=0),),
)


@pytest.fixture
def ask(influx: Influx, bucket: str, tmp_path: Path) -> Any:
    store = InfluxStore(settings_of(influx, bucket), NAMED, tmp_path)
    assert store.write(FACTS) is None
    store.close()

    def ask(query: str) -> list[dict[str, Any]]:
        with influx.client() as client:
            tables = client.query_api().query(query.replace('"outfall"', f'"{bucket}"'))
        return [record.values for table in tables for record in table.records]

    return ask


@pytest.mark.real
def test_the_questions_have_their_answers(ask: Any) -> None:
    means, judged, marks = (ask(query) for query in QUERIES)
    assert [row["value"] for row in means] == [15.0]
    assert {row["_field"]: row["_value"] for row in judged} == {"value": 68.0, "ceiling": 50.0}
    assert [(row["text"], row["end"], row["severity"]) for row in marks] == [
        ("gas-hour opened: stack,2 a21026 68 mg/m3, limit <= 50 (unverified)", NOON + HOUR, 3)
    ]


def test_every_tag_and_field_is_named() -> None:
    for line in lines_of(FACTS, NAMED):
        measurement, *tags = re.split(r"(?<!\\),", line.series)
        names = [tag.partition("=")[0] for tag in tags] + re.findall(r"(?:^|,)([a-z_]+)=", line.rest)
        row = next(row for row in PAGE.splitlines() if row.startswith(f"| `{measurement}` |"))
        assert [name for name in names if f"`{name}`" not in row] == []


def test_bounds_and_reasons_are_as_stated() -> None:
    settings = InfluxSettings(url="", token="", org="", bucket="")
    assert f"at most {settings.lines_max:,} lines and {settings.bytes_max // 1_000_000} MB" in PAGE
    assert f"`store.influx.series_max` series ({settings.series_max:,})" in PAGE
    assert f"(`{SinkReason.REFUSED}`" in PAGE and f"(`{SinkReason.SERIES_MAX}`)" in PAGE
    assert (SUSPECT_AFTER, CONFIRM) == (3, 2)  # the fourth 500 in a row asks for a probe; a line is refused three times
