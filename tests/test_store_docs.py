"""docs/store.md and docs/duty.md: their examples run, and they have a row for everything the code has."""

import doctest
from dataclasses import fields
from pathlib import Path

import pytest

from engine.duty.decision import Decision
from engine.duty.outbox import PageState
from engine.duty.tables import metadata
from engine.store.influx_settings import InfluxSettings
from engine.store.letters import DETAILS_MAX, LETTERS_MAX, OTHERS, RECORDS_MAX
from engine.store.local import RECENT_H
from engine.store.table import TABLES
from rules.alert_state import diagram
from rules.explain import Agreement

DOCS = Path(__file__).parent.parent / "docs"
STORE, DUTY, DATABASE = (DOCS.joinpath(name).read_text() for name in ("store.md", "duty.md", "database.md"))


@pytest.mark.parametrize("name", ["store.md", "duty.md"])
def test_examples_run(name: str) -> None:
    failed, tried = doctest.testfile(str(DOCS / name), module_relative=False)
    assert (failed, tried > 0) == (0, True)


def test_the_picture_of_alert_states_is_drawn_from_the_table() -> None:
    assert diagram() in DUTY


@pytest.mark.parametrize("word", [*Decision, *PageState, *Agreement])
def test_every_decision_state_and_agreement_has_its_row(word: str) -> None:
    assert f"\n| `{word.value}` |" in DUTY  # type: ignore[attr-defined]


@pytest.mark.parametrize("table", metadata.tables)
def test_every_table_of_the_database_has_its_row(table: str) -> None:
    assert f"\n| `{table}` |" in DATABASE


def test_every_column_of_the_store_is_named() -> None:
    assert [c for table in TABLES for c in table.columns if f"`{c}`" not in STORE] == []


def test_bounds_are_as_stated() -> None:
    defaults = {f.name: f.default for f in fields(InfluxSettings)}
    assert f"At most {DETAILS_MAX} details of one reason and monitor and {LETTERS_MAX:,} rows" in STORE
    assert f"`{OTHERS}`" in STORE
    assert f"the first {RECORDS_MAX:,} with their bytes" in STORE
    assert f"past its end: {RECENT_H} by default" in STORE
    assert (defaults["lines_max"], defaults["bytes_max"]) == (5000, 4_000_000)
