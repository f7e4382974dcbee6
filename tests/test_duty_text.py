"""Pages as text."""

from dataclasses import replace

import pytest

from engine.duty.decision import Decision
from engine.duty.page import Page, Subject
from engine.duty.page_text import page_text
from engine.duty.subjects import make_subject
from engine.texts import area
from rules.alert import AlertEvent, Step
from rules.rule import AlertClass, RuleKind
from tests.duty_cases import HOUR, NOON, REGISTRY, silence, step, window
from tests.store_cases import RULES


def subject_of(event: AlertEvent, decision: Decision = Decision.PAGE, episode: str = "") -> Subject:
    return make_subject(
        event,
        episode=episode or event.alert_id,
        decision=decision,
        registry=REGISTRY,
        rules=RULES,
        zone="Asia/Shanghai",
    )


def text(subject: Subject, lang: str = "zh", resend: bool = False) -> str:
    page = Page(
        page_id="p", person="li", person_name="李强", phone="", lang=lang, channel="bot", resend=resend, subject=subject
    )
    return page_text(page)


HOURLY = window(0)
DAILY = replace(
    HOURLY, rule="water-day", factor="w01018", unit="mg/L", start_ms=NOON - 12 * HOUR, end_ms=NOON + 12 * HOUR,
    value=96.0, unverified=True, source="许可证 91320", alert_class=AlertClass.LEGAL,
)  # fmt: skip
PH = replace(HOURLY, kind=RuleKind.RANGE, factor="w01001", unit="", floor=6.0, ceiling=9.0, value=5.1, source="")
INSTANT = replace(HOURLY, kind=RuleKind.INSTANT, alert_class=AlertClass.EARLY_WARNING, end_ms=None)
CLOCK = replace(silence(0), kind=RuleKind.CLOCK, value=86400.0)
ID = HOURLY.alert_id

CASES = [
    ("an hour over its limit", subject_of(HOURLY), "zh",
     "【超标报警·2级】清源造纸厂 1号锅炉烟囱："
     "二氧化硫小时均值68mg/m3，限值50mg/m3，超标0.36倍；2026-03-01 12:00–13:00（北京时间）；"
     f"依据：GB 13271-2014 table 2；报警号 {ID}"),
    ("the same in English", subject_of(HOURLY), "en",
     "[LIMIT EXCEEDED, severity 2] 清源造纸厂, 1号锅炉烟囱: SO2 hourly mean 68 mg/m3, limit 50 mg/m3, "
     f"0.36 times over it; 2026-03-01 12:00 to 13:00 (Asia/Shanghai); by GB 13271-2014 table 2; alert {ID}"),
    ("a day over a limit that was not confirmed", subject_of(DAILY), "zh",
     "【超标报警·2级】清源造纸厂 1号锅炉烟囱：化学需氧量日均值96mg/L，限值50mg/L，超标0.92倍；2026-03-01 全天（北京时间）；"
     f"依据：许可证 91320〔限值未核实〕；报警号 {ID}"),
    ("pH out of range, no source", subject_of(PH), "zh",
     "【超标报警·2级】清源造纸厂 1号锅炉烟囱：pH值超出范围6～9，最远值5.1；2026-03-01 12:00–13:00（北京时间）；"
     f"未注明出处；报警号 {ID}"),
    ("an early warning", subject_of(INSTANT), "zh",
     "【预警·2级】清源造纸厂 1号锅炉烟囱："
     "二氧化硫实时值连续超限，最近值68mg/m3，限值50mg/m3，超标0.36倍；自2026-03-01 12:00（北京时间）；"
     f"依据：GB 13271-2014 table 2；报警号 {ID}"),
    ("a silent monitor", subject_of(silence(0)), "zh",
     "【数据异常·3级】清源造纸厂 1号锅炉烟囱：数采仪MN1离线，最后通讯2026-03-01 12:00；自2026-03-01 13:10（北京时间）；"
     f"报警号 {silence(0).alert_id}"),
    ("a wrong clock", subject_of(CLOCK), "en",
     "[DATA ANOMALY, severity 3] 清源造纸厂, 1号锅炉烟囱: clock of monitor MN1 is 86400 s ahead; "
     f"since 2026-03-01 13:10 (Asia/Shanghai); alert {CLOCK.alert_id}"),
    ("the end of an alert that goes on from another", subject_of(step(HOURLY, Step.RETURNED), episode="FIRST"), "en",
     "[back within the limit, severity 2] 清源造纸厂, 1号锅炉烟囱: it had been SO2 hourly mean "
     "68 mg/m3, limit 50 mg/m3, 0.36 times over it; 2026-03-01 12:00 to 13:00 (Asia/Shanghai); by GB 13271-2014 table 2; "
     f"alert {ID}, goes on from FIRST"),
]  # fmt: skip


@pytest.mark.parametrize(("subject", "lang", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_texts(subject: Subject, lang: str, expected: str) -> None:
    assert text(subject, lang) == expected


def test_a_resend_is_marked() -> None:
    assert text(subject_of(HOURLY), resend=True).startswith("[重发]【超标报警")
    assert text(subject_of(HOURLY), "en", resend=True).startswith("[resent] [LIMIT EXCEEDED")


def test_a_page_to_everybody_says_why() -> None:
    assert "当前无人值班" in text(subject_of(HOURLY, Decision.NOBODY_ON_DUTY))


def test_what_the_registry_does_not_know_is_shown_by_its_id() -> None:
    unknown = replace(HOURLY, outlet="new-stack", factor="x99999")
    assert "】new-stack：x99999小时均值68" in text(subject_of(unknown))


def test_a_subject_comes_back_from_the_outbox_whole() -> None:
    for _, subject, _, _ in CASES:
        assert Subject.decode(subject.encode()) == subject


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_class_step_and_kind_has_a_text(lang: str) -> None:
    for alert_class in AlertClass:
        for one in Step:
            for kind in RuleKind:
                event = replace(HOURLY, kind=kind, alert_class=alert_class, step=one)
                assert "{" not in text(subject_of(event), lang)


def test_every_text_is_there_in_both_languages() -> None:
    for key, texts in area("page").items():
        assert set(texts) == {"en", "zh"}, key
