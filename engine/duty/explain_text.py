"""An explanation as text, in Chinese or English. The words are in engine/texts/explain.yaml."""

from itertools import groupby

from engine.duty.page_text import amount, local
from engine.texts import Texts
from rules.explain import Check, Explanation, LeftOut
from rules.recompute import Left, Slot


def explain_text(found: Explanation, *, lang: str, zone: str) -> list[str]:
    """The lines: whether the verdict follows from its numbers, each number, the readings used and left out.

    Runs of readings left out for one reason are one line each. Instants are shown on the wall clock of `zone`.
    """
    words = Texts(lang=lang)
    lines = [words(f"explain.{found.agreement}")]
    lines += [words(f"explain.why_{why}", version=found.event.rule_version) for why in found.why]
    lines += [_check(check, words) for check in found.checks]
    if found.used:
        lines.append(words("explain.used", count=len(found.used)))
        lines += [_reading(slot, words, zone) for slot in found.used]
    for why, run in groupby(found.left_out, key=lambda out: _why(out, words)):
        out = list(run)
        lines.append(words("explain.left", count=len(out), why=why))
        lines += [_reading(one.slot, words, zone) for one in out if one.why is not Left.EMPTY]
    return lines


def _check(check: Check, words: Texts) -> str:
    key = "check" if check.holds else "check_wrong"
    said = (_said(check.printed, words), _said(check.computed, words))
    return words(f"explain.{key}", name=words(f"explain.name_{check.name}"), printed=said[0], computed=said[1])


def _said(value: float | bool | None, words: Texts) -> str:
    if isinstance(value, bool):
        return words("explain.true" if value else "explain.false")
    return amount(value)


def _why(out: LeftOut, words: Texts) -> str:
    return words(f"explain.left_{out.why}", flag=words(f"word.flag.{out.slot.flag.name}"))


def _reading(slot: Slot, words: Texts, zone: str) -> str:
    said = {"at": local(slot.at_ms, zone), "value": amount(slot.value), "helper": amount(slot.helper)}
    return words("explain.reading" if slot.helper is None else "explain.reading_with_helper", **said)
