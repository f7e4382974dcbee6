"""Roster, policy and times of sending as plain JSON: what all workers must decide by alike. Channels are each host's own."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

import orjson

from engine.duty.roster import Override, Person, Roster, Shift
from engine.duty.settings import DutySettings, Policy, Sending
from rules.rule import AlertClass
from sensors.registry_json import table_from_json, table_to_json

ROWS: dict[str, type[Any]] = {"people": Person, "shifts": Shift, "overrides": Override}
READ: dict[str, Callable[[Any], Any]] = {
    "channels": tuple,
    "squads": lambda squads: tuple(tuple(squad) for squad in squads),
    **dict.fromkeys(("anchor", "ends", "start", "end"), lambda wall: None if wall is None else datetime.fromisoformat(wall)),
}
WRITE: dict[str, Callable[[Any], Any]] = {
    "channels": list,
    "squads": lambda squads: [list(squad) for squad in squads],
    **dict.fromkeys(("anchor", "ends", "start", "end"), lambda wall: None if wall is None else wall.isoformat()),
}


def duty_to_json(settings: DutySettings) -> dict[str, Any]:
    """As dicts, lists, strings and numbers only; no secret is among them.

    >>> duty_to_json(DutySettings(roster=Roster(people=(Person(id="li", name="李"),))))["people"]["rows"]
    [['li', '李', [], 'zh', '']]
    """
    roster, policy = settings.roster, settings.policy
    return {
        "zone": roster.zone,
        **{name: table_to_json(row, getattr(roster, name), WRITE) for name, row in ROWS.items()},
        "policy": {**_plain(policy), "classes": [one.value for one in policy.classes]},
        "sending": _plain(settings.sending),
    }


def duty_from_json(content: Any, own: DutySettings) -> DutySettings:
    """The inverse, with the channels of this host; ValueError where the content does not fit.

    >>> own = DutySettings(roster=Roster(people=(Person(id="li", name="李"),)))
    >>> duty_from_json(duty_to_json(own), own) == own
    True
    """
    try:
        tables: dict[str, Sequence[Any]] = {n: table_from_json(row, n, content[n], READ) for n, row in ROWS.items()}
        policy = {**content["policy"], "classes": tuple(AlertClass(one) for one in content["policy"]["classes"])}
        roster = Roster(zone=content["zone"], **{name: tuple(rows) for name, rows in tables.items()})
        return replace(own, roster=roster, policy=Policy(**policy), sending=Sending(**content["sending"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"duty: expected zone, policy, sending and {', '.join(ROWS)}: {error!r}") from error


def duty_version(settings: DutySettings) -> str:
    """A hash of the content: equal content, equal version."""
    return hashlib.sha256(orjson.dumps(duty_to_json(settings), option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]


def _plain(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}
