"""Every setting, registry word, table, command and exit code found in code has its heading in the docs, and no other."""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import click
import pytest
from pydantic import BaseModel

from engine.cli.main import make
from engine.config.doc import ConfigDoc
from engine.config.duty_sections import OverrideSection, PersonSection, PolicySection, SendingSection, ShiftSection
from engine.config.host_sections import HostSection, IntakeSection
from engine.config.rule_sections import JudgingSection
from engine.duty.roster import Override, Person, Shift
from engine.duty.settings import Policy, Sending
from engine.exit_codes import ExitCode
from engine.intake.settings import IntakeSettings
from engine.registry_files.from_csv import TABLES
from engine.registry_files.rows import LimitRow, MonitorRow, RegistryDoc
from engine.registry_files.standards import StandardDoc
from engine.settings import HostSettings
from engine.texts import Texts
from rules.limits import Limit
from rules.rule import Judging
from sensors.registry import Monitor

DOCS = Path(__file__).parent.parent / "docs"


def headings(name: str) -> set[str]:
    """What stands in code marks in the headings of a page."""
    found = re.findall(r"^#{2,5} (.*)$", (DOCS / name).read_text("utf-8"), re.MULTILINE)
    return {word for heading in found for word in re.findall(r"`([^`]+)`", heading)}


def words(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every name that may be written in a model, with the names around it; [] marks a list, {} free names."""
    for name, info in model.model_fields.items():
        yield prefix + name
        yield from inner(info.annotation, prefix + name)


def inner(annotation: Any, path: str) -> Iterator[str]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from words(annotation, f"{path}.")
    elif get_origin(annotation) in (tuple, list, dict):
        mark = "{}" if get_origin(annotation) is dict else "[]"
        for argument in get_args(annotation):
            yield from inner(argument, path + mark)
    elif get_origin(annotation) in (Annotated, Union, UnionType):
        for argument in get_args(annotation):
            yield from inner(argument, path)


def commands(command: click.Command, path: str = "outfall") -> Iterator[str]:
    """Every command that does something."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from commands(child, f"{path} {name}")
    else:
        yield path


def test_every_setting_has_its_heading() -> None:
    assert headings("config.md") == set(words(ConfigDoc))


def test_every_word_of_the_registry_files_has_its_heading() -> None:
    assert headings("registry.md") == {*words(RegistryDoc), *words(StandardDoc), *TABLES}


def test_every_command_and_every_exit_code_has_its_heading() -> None:
    made = make(Texts(lang="en"))
    assert headings("cli.md") == {*commands(made), *(str(code.value) for code in ExitCode)}


def test_every_column_of_a_table_is_named_in_the_docs() -> None:
    text = (DOCS / "registry.md").read_text("utf-8")
    for model, _ in TABLES.values():
        for column in model.model_fields:
            assert f"`{column}`" in text


def sections(name: str) -> dict[str, str]:
    """Heading in code marks -> the text under it."""
    parts = re.split(r"^#{2,5} (.*)$", (DOCS / name).read_text("utf-8"), flags=re.MULTILINE)[1:]
    return {heading.strip("`"): text for heading, text in zip(parts[::2], parts[1::2], strict=True)}


def defaults(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Path and default of every setting whose default is a number, a word or a switch."""
    for name, info in model.model_fields.items():
        if isinstance(info.default, bool | int | float | str) and info.default != "":
            yield prefix + name, info.default
        mark = "[]" if get_origin(info.annotation) is tuple else ""
        for child in models_in(info.annotation):
            yield from defaults(child, f"{prefix}{name}{mark}.")


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)


@pytest.mark.parametrize(("page", "model"), [("config.md", ConfigDoc), ("registry.md", RegistryDoc)])
def test_the_docs_state_the_defaults_that_code_has(page: str, model: type[BaseModel]) -> None:
    texts = sections(page)
    for path, default in dict(defaults(model)).items():
        value = (
            str(default).lower()
            if isinstance(default, bool)
            else f"{default:g}"
            if isinstance(default, float)
            else str(default)
        )
        stated = re.search(r"[Dd]efault[^`0-9]*`?([^`\s]+?)`?[.;,]?(\s|$)", texts[path])
        assert stated, f"{page}: {path}: expected its default {value}"
        assert stated[1] in (value, str(default)), f"{page}: {path}: expected {value}, got {stated[1]}"


REACHED = {
    Judging: (JudgingSection, set()),
    IntakeSettings: (IntakeSection, {"host", "port", "tls", "refusals"}),  # of a listener; set by the host
    HostSettings: (HostSection, {"data"}),
    Policy: (PolicySection, set()),
    Sending: (SendingSection, set()),
    Person: (PersonSection, set()),
    Shift: (ShiftSection, set()),
    Override: (OverrideSection, set()),
    Monitor: (MonitorRow, {"outlet", "valid_from_ms", "valid_to_ms"}),
    Limit: (LimitRow, {"outlet", "valid_from_ms", "valid_to_ms"}),
}


@pytest.mark.parametrize("cls", REACHED)
def test_every_setting_that_code_has_can_be_written(cls: Any) -> None:
    section, elsewhere = REACHED[cls]
    assert {field.name for field in dataclasses.fields(cls)} - elsewhere <= set(section.model_fields)
