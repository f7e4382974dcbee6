"""A page as text, in Chinese or English. The words are in engine/texts/page.yaml."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from engine.duty.decision import Decision
from engine.duty.page import Page, Subject
from engine.texts import Texts
from rules.alert import Step
from rules.rule import RuleKind

HOUR_MS = 3_600_000
ZONE_NAMES = {("Asia/Shanghai", "zh"): "北京时间"}
MONITOR_KINDS = frozenset({RuleKind.OFFLINE, RuleKind.CLOCK})
WINDOW_KINDS = frozenset({RuleKind.EXCEEDANCE, RuleKind.RANGE})
ENDS = frozenset({Step.RETURNED, Step.WITHDRAWN})


def page_text(page: Page) -> str:
    """One line: what happened where, by which limit, how bad, and the alert's id."""
    words = Texts(lang=page.lang)
    mark = words("page.resend") if page.resend else ""
    return mark + subject_text(page.subject, page.lang)


def subject_text(subject: Subject, lang: str) -> str:
    """The text of a page without the mark of a resend."""
    words = Texts(lang=lang)
    title = words(f"page.{subject.alert_class}_{subject.step}")
    head = words("page.head", title=title, severity=subject.severity)
    where = words("page.where", enterprise=subject.enterprise, outlet=subject.outlet).strip(", ")
    rule = subject.rule_text_zh if lang == "zh" else subject.rule_text_en
    nobody = words("page.nobody") if subject.decision == Decision.NOBODY_ON_DUTY else ""
    what = [_what(subject, words), _when(subject, words), _clause(subject, words), rule, nobody, _id(subject, words)]
    return head + where + words("page.colon") + words("page.joint").join(part for part in what if part)


def amount(value: float | None) -> str:
    """A number as people write it, at most six decimals.

    >>> amount(96.0), amount(0.1234565), amount(1234567.5), amount(None)
    ('96', '0.123456', '1234567.5', '-')
    """
    if value is None:
        return "-"
    return f"{value:.6f}".rstrip("0").rstrip(".")


def judged(value: float | None, *bounds: float | None) -> str:
    """A judged value in as few decimals, two at least, as tell it from the bounds of its limit.

    >>> judged(156.264706, 100.0, None), judged(50.0004, 50.0), judged(50.0, 50.0)
    ('156.26', '50.0004', '50')
    """
    if value is None:
        return "-"
    for decimals in range(2, 6):
        short = round(value, decimals)
        if value in bounds or short not in bounds:
            return amount(short)
    return amount(value)


def multiple(value: float | None, ceiling: float | None) -> str:
    """How many times over the ceiling, two decimals; "" where that means nothing.

    >>> multiple(68.0, 50.0), multiple(40.0, 50.0), multiple(1.0, 0.0)
    ('0.36', '', '')
    """
    if value is None or not ceiling or value <= ceiling:
        return ""
    return f"{(value - ceiling) / ceiling:.2f}"


def local(ms: int, zone: str) -> str:
    """An instant on the wall clock of a zone, to the minute.

    >>> local(1772337600000, "Asia/Shanghai")
    '2026-03-01 12:00'
    """
    utc = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    return f"{utc.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def zone_name(zone: str, lang: str) -> str:
    """What people call a zone."""
    return ZONE_NAMES.get((zone, lang), zone)


def is_day(start_ms: int, end_ms: int | None) -> bool:
    """Whether a window is a day; else it is an hour."""
    return end_ms is not None and end_ms - start_ms > HOUR_MS


def limit_text(subject: Subject, words: Texts) -> str:
    """The bounds of the limit."""
    key = "between" if subject.floor is not None else "ceiling"
    key = "floor" if subject.ceiling is None else key
    return words(f"page.{key}", floor=amount(subject.floor), ceiling=amount(subject.ceiling))


def _what(subject: Subject, words: Texts) -> str:
    over = multiple(subject.value, subject.ceiling)
    space = " " if words.lang == "en" else ""
    what = words(
        f"page.{subject.kind}",
        factor=subject.factor_zh if words.lang == "zh" else subject.factor_en,
        mean=words("page.mean_day" if is_day(subject.start_ms, subject.end_ms) else "page.mean_hour"),
        value=judged(subject.value, subject.ceiling, subject.floor),
        unit=space + subject.unit if subject.unit else "",
        limit=limit_text(subject, words),
        multiple=words("page.multiple", multiple=over) if over else "",
        mn=subject.mn,
        start=local(subject.start_ms, subject.zone),
    )
    return words("page.was", what=what) if subject.step in ENDS else what


def _when(subject: Subject, words: Texts) -> str:
    zone = zone_name(subject.zone, words.lang)
    start = local(subject.start_ms, subject.zone)
    if subject.kind in MONITOR_KINDS and subject.step == Step.OPENED:
        return words("page.since", start=local(subject.at_ms, subject.zone), zone=zone)
    if subject.end_ms is None:
        return words("page.since", start=start, zone=zone)
    if subject.kind in WINDOW_KINDS and is_day(subject.start_ms, subject.end_ms):
        return words("page.day", start=start[:10], zone=zone)
    end = local(subject.end_ms, subject.zone)
    return words("page.span", start=start, end=end[11:] if end[:10] == start[:10] else end, zone=zone)


def _clause(subject: Subject, words: Texts) -> str:
    if subject.kind in MONITOR_KINDS:
        return ""
    clause = words("page.clause", source=subject.source) if subject.source else words("page.no_clause")
    return words("page.unverified", clause=clause) if subject.unverified else clause


def _id(subject: Subject, words: Texts) -> str:
    if subject.episode != subject.alert_id:
        return words("page.id_of_episode", id=subject.alert_id, episode=subject.episode)
    return words("page.id", id=subject.alert_id)
