"""A packet whose other half never comes is reported when its time is over, not when something else arrives."""

from engine.detect.detector import Detector
from engine.log.record import Control, ControlKind, Record, RecordKind, Topic
from rules.rule import Judging
from rules.ruleset_json import make_ruleset, ruleset_to_json
from sensors.frames import FrameBatch
from sensors.hj212.encode import seal
from sensors.refusal import Reason
from sensors.registry import Binding, Enterprise, Medium, Monitor, Outlet, Registry
from sensors.registry_json import registry_to_json

MN = "010000A8900016F000169DC0"
START_MS = 1_704_067_200_000
SECOND_OF_TWO = seal(
    f"QN=20240101080000000;ST=32;CN=2051;PW=123456;MN={MN};Flag=7;PNUM=2;PNO=2;CP=&&w01018-Avg=38.6,w01018-Flag=N&&"
)


def test_an_orphan_packet_is_refused_at_a_tick() -> None:
    registry = Registry(
        enterprises=(Enterprise(id="e", name="E", home=0),),
        outlets=(Outlet(id="o", enterprise="e", name="O", medium=Medium.WATER),),
        monitors=(Monitor(mn=MN, outlet="o"),),
        bindings=(Binding(outlet="o", factor="w01018"),),
    )
    rules = ruleset_to_json(make_ruleset(judging=Judging(), rules=(), limits=()))
    bodies = [
        (RecordKind.CONTROL, Control(kind=ControlKind.REGISTRY, content=registry_to_json(registry)).encode()),
        (RecordKind.CONTROL, Control(kind=ControlKind.RULES, content=rules).encode()),
        (RecordKind.FRAMES, FrameBatch.of([(START_MS + 2, MN, MN, SECOND_OF_TWO)]).encode()),
        (RecordKind.TICK, b""),
        (RecordKind.TICK, b""),
    ]
    times = [START_MS, START_MS + 1, START_MS + 2, START_MS + 1000, START_MS + 3_600_000]
    detector, said = Detector(), []
    for offset, ((kind, body), log_ms) in enumerate(zip(bodies, times, strict=True)):
        record = Record(topic=Topic.FRAMES, partition=0, offset=offset, log_ms=log_ms, kind=kind, body=body)
        said.append([refusal.reason for refusal in detector.process(record).refused])
    assert said == [[], [], [], [], [Reason.ORPHAN_PACKET]]
