"""The account adds up only if every number of another hand agrees, and says which does not."""

import io
from dataclasses import replace
from typing import Any

import orjson
import pytest
from rich.console import Console

from engine.demo.account import Account, Numbers, make_account
from engine.demo.closing import closing
from engine.demo.scenes import AlertLife
from engine.demo.story import MINUTE_MS, START_MS, STORY
from engine.demo.tally import Tally
from rules.alert import Step

END_MS = START_MS + int(25.5 * 60 * MINUTE_MS)


def told_alerts() -> tuple[AlertLife, ...]:
    return tuple(
        AlertLife(
            alert_id=f"{scene.id}-{n}",
            rule=e.rule,
            outlet=e.outlet,
            factor=e.factor,
            steps=tuple((step, START_MS + int(by * MINUTE_MS)) for step, by in e.steps),
        )
        for scene in STORY
        for n, e in enumerate(scene.expected)
    )


def good_numbers() -> Numbers:
    alerts = told_alerts()
    tally = Tally(
        now_ms=END_MS,
        made=1000,
        published=1000,
        acknowledged=1000,
        damaged=10,
        copies=100,
        back_filled=25,
        readings=7000,
        copied_readings=700,
        ahead_readings=70,
    )
    return Numbers(
        tally=tally,
        received=1000,
        log_payloads=1000,
        log_events=sum(len(a.steps) for a in alerts),
        counts={"payload.decoded": 990, "payload.refused": 10, "reading.decoded": 7000},
        outcomes={"new": 6000, "duplicate": 930, "future": 70},
        letters={"bad_crc": 10, "future": 70},
        stored=6230,
        alerts=alerts,
        pages={"delivered": 20},
        pages_received=20,
        alerts_sha256="a" * 64,
        replayed_sha256="a" * 64,
    )


def account_of(numbers: Numbers) -> Account:
    return make_account(numbers, step_s=60)


def broken(account: Account) -> list[str]:
    return [check.says.en for check in account.checks if not check.holds]


def test_numbers_that_agree_make_an_account_that_holds() -> None:
    account = account_of(good_numbers())
    assert broken(account) == []
    assert account.holds
    assert account.surprises == ()


GOOD = good_numbers()
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a frame without its PUBACK": (
        {"tally": replace(GOOD.tally, acknowledged=999), "received": 999, "log_payloads": 999},
        "frames sent = PUBACKed",
    ),
    "an acknowledged frame that is not in the log": ({"log_payloads": 999}, "PUBACKed = in the log"),
    "a frame twice in the log": ({"log_payloads": 1001}, "PUBACKed = in the log"),
    "a frame neither decoded nor refused": (
        {"counts": {**GOOD.counts, "payload.decoded": 989}},
        "in the log = decoded + refused",
    ),
    "a refused frame that nobody can read": ({"letters": {"bad_crc": 9}}, "refused = dead letters"),
    "a lost reading": ({"counts": {**GOOD.counts, "reading.decoded": 6999}}, "readings sent = decoded"),
    "a reading without an outcome": (
        {"outcomes": {**GOOD.outcomes, "new": 5999}},
        "readings = sum of what became of them",
    ),
    "a reading that is not in the store": ({"stored": 6229}, "stored = readings - copies - set aside"),
    "an alert step that duty lost": ({"log_events": 999}, "alert steps in the log = in the database"),
    "a page sent to nobody": ({"pages_received": 19}, "pages in the outbox = received"),
    "a replay that says otherwise": ({"replayed_sha256": "b" * 64}, "replaying the log gives the same alerts"),
}


@pytest.mark.parametrize(("change", "says"), WRONG.values(), ids=WRONG)
def test_one_wrong_number_is_found_and_named(change: dict[str, Any], says: str) -> None:
    account = account_of(replace(good_numbers(), **change))
    assert says in broken(account)
    assert not account.holds


def test_a_missing_alert_is_named() -> None:
    account = account_of(replace(good_numbers(), alerts=told_alerts()[1:]))
    assert account.scenes[0].missing == ("gas-early suiyan-s2 a21026: opened, returned",)
    assert not account.holds


def test_an_alert_that_comes_too_late_did_not_come() -> None:
    first, *others = told_alerts()
    late = replace(first, steps=((Step.OPENED, first.steps[0][1] + 2 * MINUTE_MS), first.steps[1]))
    assert account_of(replace(good_numbers(), alerts=(late, *others))).scenes[0].missing


@pytest.mark.parametrize(
    ("alert", "name"),
    [
        (replace(told_alerts()[0], outlet="muli-w1"), "gas-early muli-w1 a21026: opened, returned"),
        (replace(told_alerts()[0], alert_id="again"), "gas-early suiyan-s2 a21026: opened, returned"),
    ],
    ids=["at another outlet", "the same once more"],
)
def test_an_alert_that_nobody_promised_is_a_surprise(alert: AlertLife, name: str) -> None:
    account = account_of(replace(good_numbers(), alerts=(*told_alerts(), alert)))
    assert account.surprises == (name,)
    assert not account.holds


def test_a_story_cut_short_owes_only_what_was_played() -> None:
    numbers = good_numbers()
    now_ms = START_MS + 150 * MINUTE_MS
    account = account_of(replace(numbers, tally=replace(numbers.tally, now_ms=now_ms), alerts=told_alerts()[:2]))
    assert [r.scene.id for r in account.scenes if r.played] == ["stack"]
    assert not any(r.missing for r in account.scenes)


def test_trouble_in_the_field_is_no_good_end() -> None:
    assert not make_account(good_numbers(), step_s=60, trouble="no PUBACK within 60 s").holds


def test_the_account_is_one_json_object() -> None:
    told = orjson.loads(orjson.dumps(account_of(good_numbers()).as_json()))
    assert told["ok"] is True
    assert told["frames"]["in_log"] == 1000
    assert {"id": "noise", "played": True, "missing": []} in told["scenes"]


@pytest.mark.parametrize(("lang", "words"), [("en", "It adds up"), ("zh", "账目相符")])
def test_the_account_can_be_read_in_both_languages(lang: str, words: str) -> None:
    console = Console(width=120, file=io.StringIO(), record=True)
    console.print(closing(account_of(good_numbers()), lang))
    assert words in console.export_text()
