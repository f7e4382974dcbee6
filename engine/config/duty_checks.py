"""Contradictions in duty: persons, shifts and channels that nobody described, channels that cannot work."""

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from engine.config.duty_sections import DutySection, WebhookSection
from engine.config.nearest import hint
from engine.config.problem import Problem
from engine.config.validate import YamlWhere


def duty_problems(duty: DutySection, where: YamlWhere) -> Iterator[Problem]:
    """Everything in `duty` that contradicts itself; `where` is its place."""
    yield from _twice(where, "people", [p.id for p in duty.people], "id")
    yield from _twice(where, "shifts", [s.id for s in duty.shifts], "id")
    yield from _twice(where, "channels", [c.name for c in duty.channels], "name")
    yield from _strangers(duty, where)
    yield from _channels(duty, where)
    for n, override in enumerate(duty.overrides):
        if override.end <= override.start:
            yield where.at("overrides", n).problem("end", "ends_before", value=override.end, bound=override.start)
    if duty.people and duty.channels and not where.at("shifts").written("id"):
        yield where.problem("people", "no_shift")


def _strangers(duty: DutySection, where: YamlWhere) -> Iterator[Problem]:
    people, shifts = where.at("people").written("id"), where.at("shifts").written("id")
    channels = where.at("channels").written("name")
    for n, person in enumerate(duty.people):
        for m, channel in enumerate(person.channels):
            yield from _known(where.at("people", n, "channels", m), "unknown_channel", channel, channels)
    for n, shift in enumerate(duty.shifts):
        for m, squad in enumerate(shift.squads):
            for k, id in enumerate(squad):
                yield from _known(where.at("shifts", n, "squads", m, k), "unknown_person", id, people)
    for n, override in enumerate(duty.overrides):
        here = where.at("overrides", n)
        yield from _known(here.at("shift"), "unknown_shift", override.shift, shifts)
        for name, id in (("remove", override.remove), ("add", override.add)):
            if id:
                yield from _known(here.at(name), "unknown_person", id, people)


def _known(where: YamlWhere, key: str, word: str, valid: list[str]) -> Iterator[Problem]:
    if word not in valid:
        yield where.problem("", key, **hint(word, valid))


def _twice(where: YamlWhere, name: str, ids: Iterable[str], field: str) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for n, id in enumerate(ids):
        if first.setdefault(id, n) != n:
            there = where.at(name, first[id]).problem(field, "duplicate").place
            yield where.at(name, n).problem(field, "duplicate", value=id, first=there)


def _channels(duty: DutySection, where: YamlWhere) -> Iterator[Problem]:
    for n, channel in enumerate(duty.channels):
        if isinstance(channel, WebhookSection):
            here = where.at("channels", n)
            if not is_web_address(channel.url):
                yield here.problem("url", "bad_url", value=channel.url)
            if channel.timeout_s >= duty.sending.lease_s:
                yield here.problem("timeout_s", "timeout", value=channel.timeout_s, bound=duty.sending.lease_s)


def is_web_address(url: str) -> bool:
    """Whether it is http:// or https:// with a host.

    >>> is_web_address("https://example.org/hook"), is_web_address("example.org")
    (True, False)
    """
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
