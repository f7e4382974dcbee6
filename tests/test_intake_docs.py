"""docs/intake.md has a row for every setting and every count."""

from dataclasses import fields
from pathlib import Path

import pytest

from engine.intake.counts import COUNTS, MESSAGES
from engine.intake.settings import IntakeSettings, TlsSettings

TEXT = Path(__file__).parent.parent.joinpath("docs", "intake.md").read_text()


@pytest.mark.parametrize("name", [*COUNTS, *(field.name for field in fields(IntakeSettings))])
def test_every_count_and_setting_has_its_row(name: str) -> None:
    assert f"\n| `{name}` |" in TEXT


def test_the_parts_of_tls_and_of_the_account_are_named() -> None:
    names = [*(field.name for field in fields(TlsSettings)), *(f"refused.{reason}" for reason in MESSAGES)]
    assert [name for name in names if f"`{name}`" not in TEXT] == []
