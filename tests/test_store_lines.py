"""Facts as lines for InfluxDB: what stands in them, and that a real server reads them as they were meant."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.detect.facts import Facts, Outcome, VerdictCode
from engine.log.facts_codec import decode_facts, encode_facts
from engine.store.influx import InfluxStore
from engine.store.lines import lines_of
from engine.store.names import Names
from rules.alert import AlertEvent, Evidence, Step, alert_id
from rules.limits import Averaging, Limit
from rules.rule import AlertClass, RuleKind
from sensors.reading import Flag
from sensors.registry import Binding
from tests.influx_rig import held, minutes, settings_of
from tests.servers import Influx
from tests.store_cases import COD, HOUR, NAMES, NOON, RULES, SO2, Row, facts_of, verdict

N, D = Flag.NORMAL, Flag.FAULT
LIMITS = (
    Limit(outlet="stack,2", factor="a21026", averaging=Averaging.HOUR, ceiling=100.0, valid_to_ms=NOON),
    Limit(outlet="stack,2", factor="a21026", averaging=Averaging.HOUR, ceiling=50.0, valid_from_ms=NOON),
    Limit(outlet="stack,2", factor="a21026", averaging=Averaging.DAY, ceiling=35.0),
)
ALERT = AlertEvent(
    alert_id=alert_id("gas-hour", "stack,2", "a21026", NOON), seq=1, step=Step.REVISED, at_ms=NOON + 2 * HOUR,
    rule="gas-hour", kind=RuleKind.EXCEEDANCE, rule_version="r1", alert_class=AlertClass.LEGAL, severity=3,
    outlet="stack,2", factor="a21026", start_ms=NOON, end_ms=NOON + HOUR, value=68.0, ceiling=50.0, unit="mg/m3",
    source='GB 13223-2011, "table 1"', unverified=True, evidence=Evidence(slot_ms=(NOON,), value=(68.0,), flag=(1,)),
)  # fmt: skip


def test_readings_as_lines() -> None:
    rows: list[Row] = [(COD, NOON, 12.5, N, NOON + 5), (SO2, NOON + 1, 1e-07, D, NOON + 5)]
    assert [str(line) for line in lines_of(facts_of(rows), NAMES)] == [
        f'reading,factor=w01018,kind=minute,outlet=out\\ 1 value=12.5,flag="N",rev=0i,recv={NOON + 5}i {NOON}',
        f'reading,factor=a21026,kind=minute,outlet=stack\\,2 value=1e-07,flag="D",rev=0i,recv={NOON + 5}i {NOON + 1}',
    ]


def test_a_corrected_reading_says_so_and_a_refused_one_is_no_line() -> None:
    assert "rev=1i" in str(next(lines_of(facts_of(minutes(1), outcome=Outcome.CORRECTED), NAMES)))
    assert list(lines_of(facts_of(minutes(1), outcome=Outcome.FUTURE), NAMES)) == []


def test_a_resend_with_a_flag_that_the_judge_left_aside_takes_no_good_value_s_place() -> None:
    later: Row = (COD, NOON, 0.0, D, NOON + 9)
    assert list(lines_of(facts_of([later], outcome=Outcome.SUPERSEDED), NAMES)) == []
    earlier_in_the_slot: Row = (COD, NOON, 3.0, N, NOON + 9)
    assert len(list(lines_of(facts_of([earlier_in_the_slot], outcome=Outcome.SUPERSEDED), NAMES))) == 1


def hour_line(value: float | None, code: VerdictCode, names: Names = NAMES, start_ms: int = NOON) -> str:
    (line,) = lines_of(
        facts_of(log_ms=1, verdicts=verdict(start_ms=start_ms, at_ms=start_ms + HOUR, value=value, code=code)), names
    )
    return str(line)


def test_verdicts_as_lines() -> None:
    head, tail = "verdict,factor=a21026,outlet=stack\\,2,rule=gas-hour,window=hour ", f"recv={NOON + HOUR}i {NOON}"
    assert hour_line(68.0, VerdictCode.EXCEEDED) == f'{head}value=68.0,code="exceeded",valid=60i,due=60i,rev=0i,{tail}'
    assert hour_line(None, VerdictCode.NOT_JUDGEABLE) == f'{head}code="not_judgeable",valid=60i,due=60i,rev=0i,{tail}'


def test_a_verdict_carries_the_limit_that_was_in_force_for_the_line_in_a_chart() -> None:
    names = replace(NAMES, rules=replace(RULES, limits=LIMITS))
    assert ' value=68.0,ceiling=50.0,code="exceeded"' in hour_line(68.0, VerdictCode.EXCEEDED, names)
    assert ' value=68.0,ceiling=100.0,code="normal"' in hour_line(68.0, VerdictCode.NORMAL, names, NOON - HOUR)


def test_a_step_of_an_alert_as_a_line() -> None:
    (line,) = lines_of(Facts(log_ms=1, events=(ALERT,)), NAMES)
    assert str(line) == (
        r"alert,class=legal,factor=a21026,outlet=stack\,2,rule=gas-hour,step=revised "
        rf'value=68.0,ceiling=50.0,id="{ALERT.alert_id}",'
        r'text="gas-hour revised: stack,2 a21026 68 mg/m3, limit <= 50 (unverified)",unit="mg/m3",'
        r'source="GB 13223-2011, \"table 1\"",'
        f"seq=1i,severity=3i,recv={NOON + 2 * HOUR}i,end={NOON + HOUR}i,late=false,unverified=true {NOON}"
    )


def test_alerts_reach_the_store_with_the_facts_of_their_record_without_their_evidence() -> None:
    facts = decode_facts(encode_facts(Facts(log_ms=1, events=(ALERT,))))
    assert facts.events == (replace(ALERT, evidence=Evidence()),)


def test_a_series_the_registry_does_not_know_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="series 9: expected one of the 2 bindings of the registry"):
        next(lines_of(facts_of([(9, NOON, 1.0, N, NOON)]), NAMES))


NASTY = [
    "plain", "two words", "a,b", "a=b", "a\\b", "ends with \\", "\\", 'a "quote"', "总排口", "# no remark", "a\nb", "a\r\nb",
    "tab\there", "'", " ", "{}", "$x", "-1", "\u0000", "🏭", "a\\ b", "x" * 300,
]  # fmt: skip


@pytest.mark.real
def test_whatever_an_outlet_is_called_a_real_server_stores_its_lines(influx: Influx, bucket: str, tmp_path: Path) -> None:
    bindings = tuple(Binding(outlet=f"{n}{name}", factor="w01018") for n, name in enumerate(NASTY))
    names = replace(NAMES, registry=replace(NAMES.registry, bindings=bindings))
    rows = [(4 * n + COD, NOON + n, n + 0.1, N, NOON) for n in range(len(NASTY))]
    alerts = tuple(replace(ALERT, outlet=b.outlet, source=b.outlet, start_ms=NOON + n) for n, b in enumerate(bindings))
    store = InfluxStore(settings_of(influx, bucket, lines_max=1000), names, tmp_path)
    assert store.write(replace(facts_of(rows), events=alerts)) is None
    store.close()
    assert [value for _, value in held(influx, bucket)] == [n + 0.1 for n in range(len(NASTY))]
    one_line = [f"{n}{name}".replace("\r", " ").replace("\n", " ") for n, name in enumerate(NASTY)]
    assert [text for _, text in held(influx, bucket, "alert", "source")] == one_line
    assert outlets_in(influx, bucket) == sorted(text.rstrip("\\") for text in one_line)


def outlets_in(influx: Influx, bucket: str) -> list[str]:
    """The outlets of readings, as the server names them."""
    tags = f'measurementTagValues(bucket: "{bucket}", measurement: "reading", tag: "outlet", start: 1970-01-02T00:00:00Z)'
    with influx.client() as client:
        found = client.query_api().query(f'import "influxdata/influxdb/schema"\nschema.{tags}')
    return sorted(str(record.get_value()) for table in found for record in table.records)
