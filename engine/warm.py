"""Compile what has to be compiled, once, when the environment is made: `python -m engine.warm`.

The compiled loops are kept on disk beside their source; without this the first frames of a new installation would wait
for them.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engine.detect.detector import Detector
from engine.log.record import Control, ControlKind, Record, RecordKind, Topic
from engine.replay.account import Account
from engine.replay.command import recording_of
from engine.replay.recording import Recording, replay_recording
from rules.limits import Averaging, Basis, Limit, Weighting
from rules.rule import AlertClass, Judging, Rule, RuleKind
from rules.ruleset_json import make_ruleset, ruleset_to_json
from sensors.frames import FrameBatch
from sensors.hj212.encode import encode_data
from sensors.reading import Kind
from sensors.registry import Binding, Enterprise, Medium, Monitor, Outlet, Registry
from sensors.registry_json import registry_to_json

START_MS = 1_704_038_400_000  # 2024-01-01 00:00 in UTC+8
STEP_MS = 600_000
GAS, WATER = "010000A8900016F000169DC0", "010000A8900016F000169DC1"
CODES = {GAS: ("a21026", "a19001"), WATER: ("w01018", "w00000", "w01001")}


def main() -> None:
    """Run a small history through the detector, as frames and as recordings: every compiled loop is used."""
    began = perf_counter()
    detector = Detector()
    records = [_control(ControlKind.REGISTRY, registry_to_json(_registry())), _control(ControlKind.RULES, _rules())]
    records += [(RecordKind.FRAMES, _frames(START_MS + n * STEP_MS)) for n in range(150)]
    records.append(_control(ControlKind.RULES, _rules(more=True)))  # a check that is new learns of the hours before it
    for offset, (kind, body) in enumerate(records):
        log_ms = START_MS - 1 + offset * STEP_MS
        detector.process(Record(topic=Topic.FRAMES, partition=0, offset=offset, log_ms=log_ms, kind=kind, body=body))
    detector.changes()
    with tempfile.TemporaryDirectory(prefix="outfall-warm-") as folder:
        for recording in _recordings(Path(folder)):
            replay_recording(recording, Account())
    print(f"compiled in {perf_counter() - began:.1f} s", file=sys.stderr)


MAPPING = """
time: {column: at}
every: 10 min
outlet_column: outlet
factor: {factor: a21026, unit: mg/m3}
value_column: value
limits: [{factor: a21026, averaging: hour, ceiling: 5, source: warm}]
"""


def _recordings(folder: Path) -> Iterator[Recording]:
    """The same readings in every format: JSON lines, CSV, Parquet with names and with numbers."""
    rows = [(n % 2, START_MS + n // 2 * STEP_MS, 1.5 * n) for n in range(20)]
    texts = [(f"o{outlet}", np.datetime_as_string(np.datetime64(at, "ms")) + "Z", value) for outlet, at, value in rows]
    lines = [f'{{"outlet":"{outlet}","at":"{at}","value":{value}}}\n' for outlet, at, value in texts]
    (folder / "a.jsonl").write_text("".join(lines), encoding="utf-8")
    table = ["outlet,at,value\n", *(f"{outlet},{at},{value}\n" for outlet, at, value in texts)]
    (folder / "a.csv").write_text("".join(table), encoding="utf-8")
    outlet, at, value = (list(column) for column in zip(*rows, strict=True))
    times = pa.array(at, pa.timestamp("ms", tz="UTC"))
    for name, outlets in (("a", pa.array(outlet, pa.int32())), ("b", pa.array([f"o{n}" for n in outlet]))):
        pq.write_table(pa.table({"outlet": outlets, "at": times, "value": value}), folder / f"{name}.parquet")
    mapping = folder / "m.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    for name in ("a.jsonl", "a.csv", "a.parquet", "b.parquet"):
        yield recording_of(folder / name, mapping)


def _control(kind: ControlKind, content: object) -> tuple[RecordKind, bytes]:
    return RecordKind.CONTROL, Control(kind=kind, content=content).encode()


def _registry() -> Registry:
    return Registry(
        enterprises=(Enterprise(id="e", name="E", home=0),),
        outlets=(
            Outlet(id=GAS, enterprise="e", name="stack", medium=Medium.GAS),
            Outlet(id=WATER, enterprise="e", name="outfall", medium=Medium.WATER),
        ),
        monitors=(Monitor(mn=GAS, outlet=GAS), Monitor(mn=WATER, outlet=WATER)),
        bindings=tuple(
            Binding(outlet=mn, factor=code, judged_from=Kind.MINUTE) for mn, codes in CODES.items() for code in codes
        ),
    )


def _rules(*, more: bool = False) -> object:
    kinds = {"hour": Averaging.HOUR, "day": Averaging.DAY}
    rules = [
        Rule(id=f"{kind}-{name}", kind=kind, alert_class=AlertClass.LEGAL, averaging=averaging)
        for kind in (RuleKind.EXCEEDANCE, RuleKind.RANGE)
        for name, averaging in kinds.items()
    ]
    rules.append(Rule(id="early", kind=RuleKind.INSTANT, alert_class=AlertClass.EARLY_WARNING))
    limits = (
        Limit(outlet=GAS, factor="a21026", averaging=Averaging.HOUR, ceiling=1, basis=Basis.CONVERTED, reference_o2=6),
        Limit(outlet=WATER, factor="w01018", averaging=Averaging.DAY, ceiling=1, weighting=Weighting.FLOW),
        Limit(outlet=WATER, factor="w01001", averaging=Averaging.HOUR, floor=6, ceiling=9),
    )
    another = (Limit(outlet=GAS, factor="a21026", averaging=Averaging.DAY, ceiling=1),) if more else ()
    return ruleset_to_json(make_ruleset(judging=Judging(), rules=tuple(rules), limits=limits + another))


def _frames(at_ms: int) -> bytes:
    rows = []
    for mn, codes in CODES.items():
        items = [(code, {"Avg": "5.1", "Flag": "N"}) for code in codes]
        frame = encode_data(mn, 2051, at_ms, items, qn_ms=at_ms, st="31" if mn == GAS else "32")
        rows.append((at_ms + STEP_MS - 1, mn, mn, frame))
    return FrameBatch.of(rows).encode()


if __name__ == "__main__":
    main()
