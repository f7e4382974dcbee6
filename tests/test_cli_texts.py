"""Every text is there in both languages, says the same things, and is used."""

import ast
import re
import string
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path

import pytest

from engine.cli.main import COMMANDS
from engine.cli.sensor import COMMANDS as SENSOR_COMMANDS
from engine.duty.decision import Decision
from engine.duty.outbox import PageState
from engine.store.reasons import SinkReason
from engine.texts import LANGS, area
from rules.alert import Step
from rules.alert_state import State
from rules.limits import Averaging
from rules.rule import AlertClass, RuleKind
from sensors.reading import Flag
from sensors.refusal import Reason
from sensors.registry import Medium

ROOT = Path(__file__).parent.parent
AREAS = sorted(file.stem for file in (ROOT / "engine/texts").glob("*.yaml"))
ALL = {key: texts for name in AREAS for key, texts in area(name).items()}


def fields(text: str) -> set[str]:
    """What a text wants filled in."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", ALL)
def test_a_text_stands_in_both_languages_and_fills_in_the_same(key: str) -> None:
    texts = ALL[key]
    assert set(texts) == set(LANGS)
    assert all(texts.values())
    assert {name.partition("!")[0] for name in fields(texts["en"])} == {
        name.partition("!")[0] for name in fields(texts["zh"])
    }


@pytest.mark.parametrize("key", [key for key in ALL if key.startswith(("cli.", "problem.", "word."))])
def test_a_chinese_text_is_chinese(key: str) -> None:
    text = ALL[key]["zh"]
    assert re.search("[一-鿿]", text) or text in {"MN", "{reason}", "outfall：{reason}"}


WORDS = {
    "class": AlertClass, "kind": RuleKind, "state": State, "step": Step, "decision": Decision, "page": PageState,
    "reason": [*Reason, *SinkReason], "medium": Medium, "averaging": Averaging,
}  # fmt: skip


@pytest.mark.parametrize("name", WORDS)
def test_every_word_of_the_domain_has_its_text_and_no_other(name: str) -> None:
    members: Iterable[Enum] = WORDS[name]
    prefix = f"word.{name}."
    assert {key.removeprefix(prefix) for key in ALL if key.startswith(prefix)} == {str(m.value) for m in members}


def test_every_flag_has_its_text() -> None:
    assert {key.removeprefix("word.flag.") for key in ALL if key.startswith("word.flag.")} == set(Flag.__members__)


def used() -> Iterator[str]:
    """Every string in the engine's code that could be the key of a text."""
    for file in (ROOT / "engine").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_every_key_that_code_names_is_there() -> None:
    named = {text for text in used() if re.fullmatch(r"(cli|word)\.[a-z_]+\.[a-z_.]+[a-z]", text)}
    prefixes = {".".join(key.split(".")[:n]) for key in ALL for n in range(2, 5)}
    assert named - set(ALL) - prefixes == set()


def test_every_command_has_its_help_and_its_examples() -> None:
    names = [*COMMANDS, *(f"sensor.{name}" for name in SENSOR_COMMANDS)]
    for name in names:
        assert f"cli.{name}.help" in ALL
        assert "outfall " in ALL[f"cli.{name}.more"]["en"]


def test_no_problem_text_is_left_over() -> None:
    words = set(used())
    kept = {key for key in area("problem") if not words & {key, key.removeprefix("problem.")}}
    assert kept <= {"problem.selects_nothing_limit", "problem.selects_nothing_monitor"}
