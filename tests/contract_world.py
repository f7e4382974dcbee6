"""One scripted history, and what each kind of host makes of it: frames in, alerts out."""

import asyncio
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.app import Parts
from engine.config.load import load_config
from engine.exit_codes import ExitCode
from engine.lifecycle import Host
from engine.log.events_codec import decode_events
from engine.log.reader import LogReader
from engine.log.record import Record, Topic
from engine.replay.account import Account
from engine.settings import HostSettings
from rules.alert import AlertEvent
from rules.rule import RuleSet
from rules.ruleset_json import ruleset_to_json
from sensors.hj212.encode import encode_data
from sensors.registry import Registry
from sensors.registry_json import registry_to_json
from tests.app_parts import Hand, Shelf

PARTITIONS = 4
HOUR_MS = 3_600_000
STEP_MS = 600_000
MNS = [f"{0xC0117AC7 << 64 | n:024X}" for n in range(6)]
LIMITS = [
    {"factor": "a21026", "averaging": "hour", "ceiling": 100, "basis": "converted", "reference_o2": 6},
    {"factor": "a21002", "averaging": "hour", "ceiling": 200},
]
CONFIG = {
    "registry": ["registry.yaml"],
    "judging": {"revise_every_s": 1},
    "rules": [
        {"id": "gas-hour", "kind": "exceedance"},
        {"id": "early", "kind": "instant", "in_a_row": 2, "select": {"factors": ["a21002"]}},
        {"id": "silent", "kind": "offline", "silence_s": 3600},
    ],
    "duty": {
        "people": [{"id": "li", "name": "Li"}],
        "shifts": [{"id": "all", "squads": [["li"]], "anchor": "2026-01-01 08:00", "turn_h": 24}],
        "channels": [{"name": "room", "kind": "terminal"}],
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A payload, and the monitor that sent it."""

    mn: str
    payload: bytes


def write_files(folder: Path) -> None:
    """The register."""
    outlets = [
        {
            "id": f"works-{n}",
            "outlets": [
                {
                    "id": f"stack-{n}",
                    "medium": "gas",
                    "monitors": [{"mn": mn, "realtime_s": 30, "minute_min": 10}],
                    "factors": ["a19001", "a21026", {"factor": "a21002", "judged_from": "realtime"}],
                    "limits": LIMITS,
                }
            ],
        }
        for n, mn in enumerate(MNS)
    ]
    (folder / "registry.yaml").write_text(json.dumps({"enterprises": outlets}))


def judged_by(folder: Path) -> tuple[Registry, RuleSet]:
    """Register and rules of the history."""
    write_files(folder)
    (folder / "config.yaml").write_text(json.dumps({"data": "./data", **CONFIG}))
    config = load_config(folder / "config.yaml")
    return config.registry, config.rules


def history(hours: int = 5) -> list[Said]:
    """Six stacks speak of some hours of the past: means over the limit by turns, bursts, resends, a late correction."""
    start_ms = (time.time_ns() // 1_000_000 - (hours + 6) * HOUR_MS) // HOUR_MS * HOUR_MS
    said = [one for n in range(hours * 6) for one in _slot(n, start_ms + n * STEP_MS)]
    said += said[20:40]  # a storm of resends
    said += [_means(mn, start_ms + 3 * STEP_MS, 500.0) for mn in MNS[:3]]  # what was well is over the limit after all
    return said


def _slot(n: int, at_ms: int) -> Iterator[Said]:
    for place, mn in enumerate(MNS):
        yield _means(mn, at_ms, 150.0 if (n // 6 + place) % 3 == 0 else 60.0 + place)
        value = "250.0" if (n + place) % 7 < 3 else "120.0"
        yield _said(mn, 2011, at_ms + 30_000, [("a21002", {"Rtd": value, "Flag": "N"})])


def _means(mn: str, at_ms: int, value: float) -> Said:
    items = [("a21026", {"Avg": f"{value}", "Flag": "N"}), ("a19001", {"Avg": "7.5", "Flag": "N"})]
    return _said(mn, 2051, at_ms, items)


def _said(mn: str, command: int, at_ms: int, items: list[tuple[str, dict[str, str]]]) -> Said:
    return Said(mn=mn, payload=encode_data(mn, command, at_ms, items, qn_ms=at_ms, st="31"))


def account_of(records: Iterable[Record]) -> Account:
    """What records of ALERTS add up to. A step that was said twice was said the same."""
    account, seen = Account(), dict[tuple[str, int], AlertEvent]()
    for record in records:
        for event in decode_events(record.body):
            known = seen.setdefault((event.alert_id, event.seq), event)
            assert known == event, f"{event.alert_id} {event.seq} was said in two ways"
            if known is event:
                account.alerts.take((event,))
    return account


def embedded(folder: Path, said: list[Said]) -> str:
    """The hash of the alerts of a host on its own log; its data directory can be replayed."""
    registry, rules = judged_by(folder)
    settings = HostSettings(data=folder / "data", partitions=PARTITIONS, tick_s=0.1)
    shelf = Shelf(folder / "shelf.db")

    async def main() -> None:
        parts = Parts(
            store=shelf, desk=shelf, registry=registry_to_json(registry), rules=ruleset_to_json(rules), intake=Hand
        )
        host = Host(settings, parts)
        running = asyncio.create_task(host.run())
        await host.ready.wait()
        assert host.log is not None and host.health is not None
        for one in said:
            await host.log.append_frames(registry.home_of_mn(one.mn) % PARTITIONS, [(one.mn, one.mn, one.payload)])
        await asyncio.sleep(1.2)  # corrections are judged every second
        host.stop()
        assert await running is ExitCode.OK

    asyncio.run(main())
    with LogReader(folder / "data" / "log.db") as log:
        records = [record for p in range(PARTITIONS) for record in log.records(Topic.ALERTS, p)]
    return str(account_of(records).result()["alerts_sha256"])

