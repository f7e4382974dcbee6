"""InfluxDB: there, of a version that works, with the right token, and does it take a point?"""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPException

from engine.config.doc import InfluxPlace
from engine.doctor.finding import Finding, error, good, note, warning
from engine.doctor.patient import Patient
from engine.store.influx_settings import InfluxSettings

ANSWER_S = 10.0
CLOCK_S_MAX = 2.0
DAY_S = 86_400
POINT = "outfall_doctor"
"""Measurement of the probe; nothing of Outfall reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the server answered."""

    status: int
    body: bytes
    date: str  # its clock, as HTTP says it

    def json(self) -> dict[str, object]:
        """The body as an object; empty where it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def words(self) -> str:
        """What it said, short."""
        return f"HTTP {self.status} {self.json().get('message') or self.body[:200].decode('utf-8', 'replace')}".strip()


def influx_findings(patient: Patient) -> Iterator[Finding]:
    """The server of `store.influx`."""
    place = patient.config.influx
    if place is None:
        return
    try:
        yield from _server(place, patient.probe)
    except (OSError, HTTPException, ValueError) as failure:
        yield error("influx_reach", place.url, reason=getattr(failure, "reason", failure))


def _server(place: InfluxPlace, probe: bool) -> Iterator[Finding]:
    health = _ask(place, "/health")
    version = str(health.json().get("version", "")) or "?"
    if not version.lstrip("v").startswith("2."):
        yield warning("influx_version", place.url, version=version)
    else:
        yield good("influx_version", place.url, version=version)
    yield from _clock(place, health)
    settings = InfluxSettings(url=place.url, token="", org=place.org, bucket=place.bucket, keep_days=place.keep_days)
    for bucket, days in settings.buckets.items():
        yield from _bucket(place, bucket, days)
        if probe:
            yield from _write(place, bucket)
    if not probe:
        yield note("influx_not_probed", place.url)


def _clock(place: InfluxPlace, reply: Reply) -> Iterator[Finding]:
    if not reply.date:
        return
    apart_s = time.time() - parsedate_to_datetime(reply.date).timestamp() - 0.5  # it tells whole seconds
    shown = {"seconds": f"{apart_s:+.0f}"}
    is_right = abs(apart_s) <= CLOCK_S_MAX
    yield good("influx_clock", place.url, **shown) if is_right else warning("influx_clock", place.url, **shown)


def _bucket(place: InfluxPlace, bucket: str, days: float | None) -> Iterator[Finding]:
    reply = _ask(place, "/api/v2/buckets", name=bucket, org=place.org)
    where = f"{place.url} {bucket}"
    if reply.status in (401, 403):
        yield error("influx_token", where, words=reply.words)
        return
    found = reply.json().get("buckets")
    if reply.status != 200 or not isinstance(found, list) or not found:
        yield error("influx_bucket", where, words=reply.words if reply.status != 200 else "-", org=place.org)
        return
    rules = found[0].get("retentionRules") or [{}]
    kept_s = int(rules[0].get("everySeconds", 0))
    kept = f"{kept_s / DAY_S:g}" if kept_s else "∞"
    wanted = f"{days:g}" if days is not None else "∞"
    short = kept_s and (days is None or kept_s < days * DAY_S)
    yield (
        warning("influx_retention", where, kept=kept, wanted=wanted) if short else good("influx_retention", where, kept=kept)
    )


def _write(place: InfluxPlace, bucket: str) -> Iterator[Finding]:
    """The probe: one point, always the same one a day. Health says "pass" when writes fail (a full disk)."""
    line = f"{POINT} ok=1i {int(time.time()) // DAY_S * DAY_S}".encode()
    reply = _ask(place, "/api/v2/write", body=line, org=place.org, bucket=bucket, precision="s")
    where = f"{place.url} {bucket}"
    yield good("influx_write", where) if reply.status == 204 else error("influx_write", where, words=reply.words)


def _ask(place: InfluxPlace, path: str, *, body: bytes | None = None, **query: str) -> Reply:
    address = f"{place.url.rstrip('/')}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
    request = urllib.request.Request(address, body, {"Authorization": f"Token {place.token.reveal()}"})
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
            return Reply(status=answer.status, body=answer.read(), date=answer.headers.get("Date", ""))
    except urllib.error.HTTPError as refused:
        with refused:
            return Reply(status=refused.code, body=refused.read(), date=refused.headers.get("Date", ""))
