"""A frame log replayed: as it stands, regrouped, by several detectors; and frames in a text file."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.demo.rulebook import make_rulebook
from engine.demo.story import START_MS, STORY, happenings
from engine.log.record import Control, ControlKind, RecordKind, Topic
from engine.log.sqlite import SqliteLog
from engine.replay.account import Account
from engine.replay.frame_log import Entry, log_file, regrouped, replay_entries, replay_log
from engine.replay.frame_text import Line, entries_of_text, with_log_time
from rules.ruleset_json import ruleset_to_json
from sensors.field.district import District, make_district
from sensors.frames import FrameBatch
from sensors.registry_json import registry_to_json

HOURS = 3
TICK_MS = 20_000


@pytest.fixture(scope="module")
def district() -> District:
    return make_district(seed=4, happenings=happenings())


@pytest.fixture(scope="module")
def sent(district) -> list[tuple[int, str, bytes]]:
    """(when, MN, payload) of a few outlets of the story, some of it damaged, some with unknown MNs."""
    early = {outlet for scene in STORY if scene.happenings for outlet, _ in scene.happenings}
    chosen = {m.monitor.mn for m in district.monitors if m.monitor.outlet in early}
    chosen |= {m.monitor.mn for m in district.monitors[:4]}
    frames = [f for f in district.frames(START_MS, START_MS + HOURS * 3_600_000) if f.mn in chosen]
    rows = [(f.at_ms, f.mn, f.payload) for f in frames if f.at_ms % 60_000 < 30_000 or not f.payload.count(b"CN=2011")]
    rows += [(START_MS + 61_000, "9" * 24, b"##0007garbage0000\r\n"), (START_MS + 62_000, "8" * 24, b"nothing")]
    return sorted(rows)


def entries(district, sent) -> list[Entry]:
    """Frames by the second they were received in, and ticks."""
    rules = make_rulebook(district.registry)
    controls = [(ControlKind.REGISTRY, registry_to_json(district.registry)), (ControlKind.RULES, ruleset_to_json(rules))]
    log = [
        Entry(log_ms=START_MS - 2 + n, kind=RecordKind.CONTROL, body=Control(kind=kind, content=content).encode())
        for n, (kind, content) in enumerate(controls)
    ]
    seconds: dict[int, list[tuple[int, str, str, bytes]]] = {}
    for at_ms, mn, payload in sent:
        log_ms = (at_ms // 1000 + 1) * 1000
        seconds.setdefault(log_ms, []).append((log_ms, mn, mn, payload))
    log += [Entry(log_ms=ms, kind=RecordKind.FRAMES, frames=FrameBatch.of(rows)) for ms, rows in seconds.items()]
    last = max(seconds)
    log += [Entry(log_ms=ms + 1, kind=RecordKind.TICK) for ms in range(START_MS + 500, last, TICK_MS)]
    return sorted(log, key=lambda entry: entry.log_ms)


@pytest.fixture(scope="module")
def log(tmp_path_factory, district, sent) -> Path:
    """A data directory with a log of one partition."""
    data = tmp_path_factory.mktemp("data")
    with SqliteLog(data, now_ms=lambda: 0) as log:
        waiting = [
            log.append(Topic.FRAMES, 0, e.kind, e.body if e.frames is None else e.frames.encode(), log_ms=e.log_ms)
            for e in entries(district, sent)
        ]
        for future in waiting:
            future.result()
    return data


@pytest.fixture(scope="module")
def usual(log):
    return replay_log(log_file(log), Account()).result()


def test_a_log_gives_readings_alerts_and_counts(usual, sent):
    assert usual["readings"] > 5_000
    assert usual["payloads"]["in"] == len(sent)
    assert usual["payloads"]["in"] == usual["payloads"]["decoded"] + usual["payloads"]["refused"]
    assert {"not_a_frame"} <= usual["refused_whole"].keys()
    assert usual["alerts"] and usual["rule_versions"]


@pytest.mark.parametrize("batch", [1, 7, 500])
@pytest.mark.parametrize("partitions", [1, 3, 8])
def test_one_hash_whatever_the_batch_and_the_partitions(log, usual, batch, partitions):
    found = replay_log(log_file(log), Account(), batch=batch, partitions=partitions).result()
    assert found["alerts_sha256"] == usual["alerts_sha256"]
    assert (found["readings"], found["payloads"]) == (usual["readings"], usual["payloads"])


def test_a_log_of_three_partitions_gives_what_one_gives(tmp_path, district, sent, usual):
    registry = district.registry
    with SqliteLog(tmp_path, partitions=3, now_ms=lambda: 0) as log:
        waiting = []
        for e in entries(district, sent):
            for partition in range(3):
                if e.frames is None:
                    waiting.append(log.append(Topic.FRAMES, partition, e.kind, e.body, log_ms=e.log_ms))
                    continue
                rows = [
                    (e.log_ms, name, name, e.frames.payload(n))
                    for n, name in enumerate(e.frames.names[c] for c in e.frames.claimed)
                    if registry.home_of_mn(name) % 3 == partition
                ]
                if rows:
                    waiting.append(
                        log.append(Topic.FRAMES, partition, e.kind, FrameBatch.of(rows).encode(), log_ms=e.log_ms)
                    )
        assert all(future.result() for future in waiting)
    for partitions in (1, 2):
        found = replay_log(log_file(tmp_path), Account(), partitions=partitions).result()
        assert found["alerts_sha256"] == usual["alerts_sha256"]


def test_input_after_the_end_that_was_asked_for_is_not_read(log, usual):
    half = replay_log(log_file(log), Account(), to_ms=START_MS + 3_600_000).result()
    assert 0 < half["readings"] < usual["readings"]
    assert {a["id"] for a in half["alerts"]} <= {a["id"] for a in usual["alerts"]}


def test_regrouping_keeps_payloads_their_times_and_the_last_tick(district, sent):
    log = entries(district, sent)[:300]
    for size in (1, 50, 10_000):
        found = list(regrouped(log, size))
        assert [x for e in found if e.frames for x in e.frames.log_ms.tolist()] == [
            x for e in log if e.frames for x in e.frames.log_ms.tolist()
        ]
        assert [e.log_ms for e in found] == sorted(e.log_ms for e in found)
        assert found[-1].log_ms == log[-1].log_ms


def test_a_text_file_of_frames_gives_the_alerts_of_the_log(tmp_path, district, sent, usual):
    def line(at_ms: int, payload: bytes) -> bytes:
        stamp = datetime.fromtimestamp(at_ms // 1000 + 1, UTC).isoformat()
        return stamp.encode() + b" " + payload.strip()

    whole = [row for row in sent if payload_of(row).count(b"\r\n") < 2 and row[1][0] not in "89"]
    file = tmp_path / "frames.txt"
    file.write_bytes(b"\n".join(line(at_ms, payload) for at_ms, _, payload in whole))
    rules = make_rulebook(district.registry)
    found = replay_entries(entries_of_text(file, district.registry, rules), Account()).result()
    assert found["readings"] >= usual["readings"] * 0.99
    assert {a["id"] for a in found["alerts"] if a["kind"] == "exceedance"} >= {
        a["id"] for a in usual["alerts"] if a["kind"] == "exceedance"
    }


def payload_of(row: tuple[int, str, bytes]) -> bytes:
    return row[2]


def lines(*sent_ms: int | None) -> list[Line]:
    return [Line(frame=b"%d" % n, received_ms=None, sent_ms=at) for n, at in enumerate(sent_ms)]


@pytest.mark.parametrize(
    ("sent_ms", "log_ms"),
    [
        pytest.param((1000, 2000, 2000), [1000, 2000, 2001], id="log time rises strictly"),
        pytest.param(
            (5000, 4000, None, 6000), [5000, 5001, 5002, 6000], id="no time, or an earlier one: right after the frame above"
        ),
        pytest.param(
            (1000, 9_000_000, 2000), [1000, 1001, 2000], id="a clock hours ahead of both neighbours is not believed"
        ),
        pytest.param((1000, 9_000_000, 9_001_000), [1000, 9_000_000, 9_001_000], id="a gap of hours is"),
    ],
)
def test_log_times_of_frames_without_a_receive_time(sent_ms, log_ms):
    assert [at for at, _ in with_log_time(lines(*sent_ms))] == log_ms
