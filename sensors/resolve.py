"""From what was sent to readings: the series a code belongs to, the number, its range, its unit, its flag."""

import math
import re
from collections.abc import Callable

from sensors.hj212.tolerance import Tolerance
from sensors.ledger import Ledger, Payload, Refused, Sent, Upload
from sensors.lookup import Lookup, Target, measure
from sensors.reading import Flag
from sensors.refusal import Reason
from sensors.registry import Medium, series_no

NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
NUMBER_MAX = 40
"""Characters of a number; HJ 212 writes 18 at most."""


def speaker(mn: str, payload: Payload, lookup: Lookup, readings: Callable[[], int]) -> int:
    """Position of the monitor that speaks; Refused (with so many readings) if this MN may not speak here.

    A device logs in under its MN and speaks for itself only. A login that is no MN is a gateway: intake has checked
    that it may publish in the topic of that MN, so the frame must have the MN of the topic. No login: anybody.
    """
    is_device = payload.login in lookup.mn_no
    names = {"login": payload.login} if is_device else {}
    if payload.login and (payload.claimed or not is_device):
        names["topic"] = payload.claimed
    for where, name in names.items():
        if name != mn:
            raise Refused(Reason.MN_NOT_LOGIN, f"MN {shown(mn)}: expected {shown(name)}, as in its {where}", readings())
    monitor = lookup.monitor(mn, payload.log_ms)
    if monitor < 0:
        known = "registered, but not valid at that time" if mn in lookup.mn_no else "not registered"
        raise Refused(Reason.UNKNOWN_MN, f"MN {shown(mn)}: {known}", readings())
    return monitor


def resolve(upload: Upload, monitor: int, payload: Payload, lookup: Lookup, ledger: Ledger) -> None:
    """Enter every reading of an upload into the ledger, as a row or in a refusal."""
    complaints: dict[Reason, list[str]] = {}
    unstated = Flag.NORMAL if lookup.unstated_is_normal[monitor] else Flag.UNSTATED
    for sent in upload.sent:
        try:
            target = _target(sent, monitor, lookup, ledger)
            value = _value(sent, target)
        except Refused as refused:
            complaints.setdefault(refused.reason, []).append(str(refused))
            continue
        flag = unstated if sent.flag is Flag.UNSTATED else sent.flag
        series = series_no(target.binding, upload.kind)
        ledger.rows.append((payload.row, series, upload.device_ms, value, flag))
        ledger.counts["reading.in"] += 1
    ledger.refuse_all(complaints, payload, upload.mn, lookup.outlet(monitor).id)


def number(sent: object) -> float | None:
    """The finite number behind a text or a JSON value, None if it is none.

    >>> number("12.5"), number("NaN"), number("--"), number(True), number("1e999")
    (12.5, None, None, None, None)
    """
    if isinstance(sent, str):
        value = float(sent) if len(sent) <= NUMBER_MAX and NUMBER.fullmatch(sent) else math.nan
    elif isinstance(sent, int | float) and not isinstance(sent, bool):
        value = float(sent)
    else:
        value = math.nan
    return value if math.isfinite(value) else None


def _target(sent: Sent, monitor: int, lookup: Lookup, ledger: Ledger) -> Target:
    found = lookup.target(monitor, sent.code)
    if found is None and re.fullmatch(r"[0-9]{5}", sent.code):  # 01018 for w01018: a misprint of the standard itself
        letter = "w" if lookup.outlet(monitor).medium is Medium.WATER else "a"
        found = lookup.target(monitor, letter + sent.code)
        ledger.tolerate([Tolerance.CODE_WITHOUT_LETTER] * (found is not None))
    if found is None:
        raise Refused(Reason.UNKNOWN_FACTOR, shown(sent.code))
    if found.alias:
        ledger.counts["field.code_2005"] += 1
    return found


def _value(sent: Sent, target: Target) -> float:
    """In the judging unit."""
    how = measure(target.factor, sent.unit or target.unit, target.unit)
    if how is None:
        stated = sent.unit or target.unit
        raise Refused(Reason.WRONG_UNIT, f"{target.factor}: unit {shown(stated)} does not measure this factor")
    value = number(sent.number)
    if value is None:
        raise Refused(Reason.BAD_VALUE, f"{target.factor}: expected a finite number, got {shown(sent.number)}")
    if abs(value) > how.bound:
        detail = f"{target.factor}: expected at most {how.bound:.10g} by its type, got {shown(sent.number)}"
        raise Refused(Reason.OUT_OF_TYPE, detail)
    return how.conversion(value)


def shown(sent: object) -> str:
    """What was sent, short enough for a message."""
    text = sent if isinstance(sent, str) else str(sent)
    return repr(text[:NUMBER_MAX])
