"""Every query of every dashboard runs on a real InfluxDB with what Outfall wrote there, and finds something."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from influxdb_client import InfluxDBClient
from influxdb_client.client.flux_table import FluxRecord

from engine.detect.facts import Outcome, VerdictCode
from engine.store.influx import InfluxStore
from engine.store.influx_settings import InfluxSettings
from engine.store.names import Names
from rules.alert import AlertEvent, Step, alert_id
from rules.limits import Averaging, Limit
from rules.rule import AlertClass, RuleKind
from sensors.reading import Flag, Kind
from sensors.registry import series_no
from tests.dashboards import FILES, FOLDER, Query, as_sent, load, queries
from tests.first_run import script
from tests.servers import Influx
from tests.store_cases import HOUR, MINUTE, REGISTRY, RULES, facts_of, verdict

OUTLET, FACTOR = "stack,2", "a21026"
NOW = int(time.time() * 1000) // HOUR * HOUR
LIMITS = (Limit(outlet=OUTLET, factor=FACTOR, averaging=Averaging.HOUR, ceiling=35.0, source="permit"),)
NAMES = Names(registry=REGISTRY, rules=replace(RULES, limits=LIMITS))


def event(step: Step, seq: int, *, rule: str = "gas-hour", start_ms: int = NOW - 3 * HOUR) -> AlertEvent:
    """A step in the life of an alert of the stack."""
    return AlertEvent(
        alert_id=alert_id(rule, OUTLET, FACTOR, start_ms),
        seq=seq,
        step=step,
        at_ms=start_ms + HOUR + seq * MINUTE,
        rule=rule,
        kind=RuleKind.EXCEEDANCE,
        rule_version="r1",
        alert_class=AlertClass.LEGAL,
        severity=3,
        outlet=OUTLET,
        factor=FACTOR,
        start_ms=start_ms,
        end_ms=start_ms + HOUR,
        value=52.0,
        ceiling=35.0,
        unit="mg/m3",
        source="permit",
    )


def write(store: InfluxStore) -> None:
    """Three hours of a stack: readings, a correction, verdicts, an alert that stands and one that is over."""
    for kind in (Kind.REALTIME, Kind.MINUTE):
        rows = [
            (series_no(1, kind), at, 50.0 + at % 7, Flag.NORMAL, at + 4_000)
            for at in range(NOW - 3 * HOUR, NOW, 10 * MINUTE)
        ]
        assert store.write(facts_of(rows)) is None
        assert store.write(facts_of([(*rows[3][:2], 99.0, Flag.NORMAL, NOW)], outcome=Outcome.CORRECTED)) is None
    judgements = ((VerdictCode.EXCEEDED, 52.0), (VerdictCode.NORMAL, 30.0), (VerdictCode.NOT_JUDGEABLE, None))
    for hour, (code, value) in enumerate(judgements):
        start_ms = NOW - (3 - hour) * HOUR
        judged = verdict(start_ms=start_ms, at_ms=start_ms + HOUR + MINUTE, value=value, code=code)
        assert store.write(facts_of(verdicts=judged, log_ms=start_ms + HOUR + MINUTE)) is None
    stands = (event(Step.OPENED, 0), event(Step.REVISED, 1))
    over = (event(Step.OPENED, 0, start_ms=NOW - 2 * HOUR), event(Step.RETURNED, 1, start_ms=NOW - 2 * HOUR))
    assert store.write(replace(facts_of(log_ms=NOW), events=(*stands, *over))) is None


@pytest.fixture(scope="module")
def reader(influx: Influx, written: str) -> str:
    """The token that the first start makes for Grafana: it may read this bucket, and nothing else."""
    first_start = script("influx")
    server = first_start.Influx(influx.url, influx.token)
    token: str = first_start.token_for(server, "grafana", influx.org, written, ("read",))
    return token


@pytest.fixture(scope="module")
def written(influx: Influx, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A bucket with what the sink wrote."""
    with influx.fresh_bucket() as bucket:
        settings = InfluxSettings(url=influx.url, token=influx.token, org=influx.org, bucket=bucket)
        store = InfluxStore(settings, NAMES, tmp_path_factory.mktemp("data"))
        write(store)
        store.close()
        yield bucket


def rows(influx: Influx, bucket: str, query: str, token: str) -> list[FluxRecord]:
    """What a dashboard would show, of the last six hours."""
    sent = as_sent(
        query,
        bucket=bucket,
        start=moment(NOW - 6 * HOUR),
        stop=moment(NOW + HOUR),
        window="1m0s",
        variables={"outlet": OUTLET, "factor": FACTOR, "kind": "minute"},
    )
    with influx.client(token) as client:
        return found(client, sent)


def moment(at_ms: int) -> str:
    """As Grafana writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ms / 1000))


def found(client: InfluxDBClient, flux: str) -> list[FluxRecord]:
    """All records of all tables."""
    return [record for table in client.query_api().query(flux) for record in table.records]


CASES = [pytest.param(query, id=f"{file.stem}: {query.place}") for file in FILES for query in queries(load(file))]


@pytest.mark.real
@pytest.mark.parametrize("query", CASES)
def test_a_query_finds_what_outfall_wrote(influx: Influx, written: str, reader: str, query: Query) -> None:
    assert rows(influx, written, query.text, reader), query.text


@pytest.mark.real
def test_an_alert_that_has_returned_does_not_stand(influx: Influx, written: str, reader: str) -> None:
    board = load(FOLDER / "overview.json")
    panels = {panel["title"]: panel["targets"][0]["query"] for panel in board["panels"]}
    (standing,) = rows(influx, written, panels["报警 · Alerts that stand"], reader)
    assert standing["id"] == alert_id("gas-hour", OUTLET, FACTOR, NOW - 3 * HOUR)
    assert standing["text"] == "gas-hour revised: stack,2 a21026 52 mg/m3, limit <= 35"
    (count,) = rows(influx, written, panels["报警未恢复 · Alerts that stand"], reader)
    assert count["alerts"] == 1


@pytest.mark.real
def test_the_limit_of_an_hour_is_drawn_beside_its_readings(influx: Influx, written: str, reader: str) -> None:
    panels = load(FOLDER / "outlet.json")["panels"]
    readings, limits = (rows(influx, written, target["query"], reader) for target in panels[0]["targets"])
    assert max(record["reading"] for record in readings) == 99.0
    assert {(record["_field"], record.get_value()) for record in limits} == {("ceiling", 35.0)}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dashboard_is_whole(file: Path) -> None:
    board = load(file)
    assert board["uid"] == f"outfall-{file.stem}"
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    source = {"type": "influxdb", "uid": "outfall-influx"}
    used = [board["templating"]["list"], board["annotations"]["list"], board["panels"]]
    assert all(one["datasource"] == source for part in used for one in part)
    assert all(panel["description"] for panel in board["panels"])
    taken = {(x, y) for panel in board["panels"] for x, y in cells(panel["gridPos"])}
    assert len(taken) == sum(panel["gridPos"]["w"] * panel["gridPos"]["h"] for panel in board["panels"])  # none over another


def cells(grid: dict[str, int]) -> Iterator[tuple[int, int]]:
    """The squares that a panel takes; a dashboard is 24 wide."""
    assert grid["x"] + grid["w"] <= 24
    yield from ((x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"]))
