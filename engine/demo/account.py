"""The account at the end: how many of everything, where each of it is, and whether it adds up. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from engine.demo.scenes import AlertLife, SceneResult, scene_results, surprises
from engine.demo.tally import Tally
from sensors.field.names import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What was counted, each by another hand: the field, the endpoint, the log, the stages, the stores, the receiver."""

    tally: Tally  # the field's own
    received: int  # the endpoint's
    log_payloads: int  # counted in the log file afterwards
    log_events: int  # alert steps in the topic ALERTS
    counts: Mapping[str, int]  # the decoder's
    outcomes: Mapping[str, int]  # of readings, by engine.detect.facts.Outcome
    letters: Mapping[str, int]  # dead letters in the store, by reason
    stored: int  # rows of readings in the store
    alerts: tuple[AlertLife, ...]  # in the database
    pages: Mapping[str, int]  # in the outbox, by state
    pages_received: int  # different pages at the webhook receiver
    alerts_sha256: str  # of the steps in the topic ALERTS
    replayed_sha256: str  # of the steps that a second judge finds in the log


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the account: two numbers, counted by different hands, that must be equal."""

    says: Text
    left: int | str
    right: int | str

    @property
    def holds(self) -> bool:
        """Whether they are."""
        return self.left == self.right


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The whole account."""

    numbers: Numbers
    checks: tuple[Check, ...]
    scenes: tuple[SceneResult, ...]
    surprises: tuple[str, ...]  # alerts that no scene tells of
    trouble: str  # why it ended early; empty: it did not

    @property
    def holds(self) -> bool:
        """Everything adds up, the story's alerts came, and no others."""
        told = not any(result.missing for result in self.scenes) and not self.surprises
        return told and not self.trouble and all(check.holds for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """The account as plain JSON."""
        numbers = self.numbers
        return {
            "ok": self.holds,
            "trouble": self.trouble,
            "frames": {
                "sent": asdict(numbers.tally),
                "received": numbers.received,
                "in_log": numbers.log_payloads,
                "decoded": numbers.counts.get("payload.decoded", 0),
                "refused": numbers.counts.get("payload.refused", 0),
            },
            "readings": {
                "decoded": numbers.counts.get("reading.decoded", 0),
                "outcomes": dict(numbers.outcomes),
                "stored": numbers.stored,
            },
            "refused": dict(numbers.letters),
            "alerts": [_alert_json(alert) for alert in numbers.alerts],
            "alerts_sha256": numbers.alerts_sha256,
            "replayed_sha256": numbers.replayed_sha256,
            "pages": {**numbers.pages, "received": numbers.pages_received},
            "checks": [_check_json(check) for check in self.checks],
            "scenes": [{"id": r.scene.id, "played": r.played, "missing": list(r.missing)} for r in self.scenes],
            "surprises": list(self.surprises),
        }


def make_account(numbers: Numbers, *, step_s: int, trouble: str = "") -> Account:
    """Add it up. Scenes that were not played to their end owe nothing."""
    return Account(
        numbers=numbers,
        checks=tuple(_checks(numbers)),
        scenes=scene_results(numbers.alerts, numbers.tally.now_ms, step_s),
        surprises=surprises(numbers.alerts),
        trouble=trouble,
    )


def _checks(n: Numbers) -> Sequence[Check]:
    counts, tally = n.counts, n.tally
    decoded, refused = counts.get("payload.decoded", 0), counts.get("payload.refused", 0)
    readings = counts.get("reading.decoded", 0)
    kept = tally.readings - tally.copied_readings - tally.ahead_readings
    steps = sum(len(alert.steps) for alert in n.alerts)
    rows: tuple[tuple[str, str, int | str, int | str], ...] = (
        ("发送的报文都已确认（PUBACK）", "frames sent = PUBACKed", tally.made, tally.acknowledged),
        ("已确认 = 接收端收到", "PUBACKed = received by the endpoint", tally.acknowledged, n.received),
        ("已确认 = 日志中的报文", "PUBACKed = in the log", tally.acknowledged, n.log_payloads),
        ("日志 = 解码 + 拒收", "in the log = decoded + refused", n.log_payloads, decoded + refused),
        ("拒收 = 线路上损坏的报文", "refused = damaged on the line", refused, tally.damaged),
        ("拒收的报文都留有原文", "refused = dead letters", refused, n.letters.get("bad_crc", 0)),
        ("发送的读数 = 解码的读数", "readings sent = decoded", tally.readings, readings),
        ("读数 = 各种去向之和", "readings = sum of what became of them", readings, sum(n.outcomes.values())),
        (
            "隔离的读数 = 时钟超前的读数",
            "set aside = sent by a wrong clock",
            n.outcomes.get("future", 0),
            tally.ahead_readings,
        ),
        ("入库 = 读数 - 重复 - 隔离", "stored = readings - copies - set aside", n.stored, kept),
        ("报警步骤：日志 = 数据库", "alert steps in the log = in the database", n.log_events, steps),
        ("通知：发件箱 = 送达", "pages in the outbox = received", sum(n.pages.values()), n.pages_received),
        ("重放日志得到相同报警", "replaying the log gives the same alerts", n.alerts_sha256, n.replayed_sha256),
    )
    return [Check(says=Text(zh=zh, en=en), left=left, right=right) for zh, en, left, right in rows]


def _alert_json(alert: AlertLife) -> dict[str, Any]:
    return {
        "id": alert.alert_id,
        "rule": alert.rule,
        "outlet": alert.outlet,
        "factor": alert.factor,
        "steps": [{"step": step.value, "at_ms": at_ms} for step, at_ms in alert.steps],
    }


def _check_json(check: Check) -> dict[str, Any]:
    return {"says": check.says.en, "left": check.left, "right": check.right, "holds": check.holds}
