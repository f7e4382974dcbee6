"""What the doctor found: one thing that is well, or not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from engine.texts import Texts


class Severity(StrEnum):
    """How much it matters."""

    GOOD = "good"
    NOTE = "note"  # to know
    WARNING = "warning"  # may lose data, or hide that it does, when something else goes wrong
    ERROR = "error"  # loses data, or does not work


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding. `check` names its texts in engine/texts/doctor.yaml: `<check>.good`, or `.saw`, `.why` and `.fix`.

    Its subject is the first word of `check`.
    """

    check: str
    severity: Severity
    where: str = ""  # a server or a file
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """What it is about: `mqtt`, `kafka` ..."""
        return self.check.partition("_")[0]

    def saw(self, say: Texts) -> str:
        """What was seen."""
        return say(f"doctor.{self.check}.{'good' if self.severity is Severity.GOOD else 'saw'}", **self.values)

    def why(self, say: Texts) -> str:
        """Why it matters; "" where all is well."""
        return "" if self.severity is Severity.GOOD else say(f"doctor.{self.check}.why", **self.values)

    def fix(self, say: Texts) -> str:
        """What to do; "" where all is well."""
        return "" if self.severity is Severity.GOOD else say(f"doctor.{self.check}.fix", **self.values)

    def to_json(self, say: Texts) -> dict[str, str]:
        """For a program."""
        texts = {"saw": self.saw(say), "why": self.why(say), "fix": self.fix(say)}
        return {"subject": self.subject, "check": self.check, "severity": self.severity.value, "where": self.where, **texts}


def good(check: str, where: object = "", **values: object) -> Finding:
    """All is well."""
    return Finding(check=check, severity=Severity.GOOD, where=str(where), values=values)


def note(check: str, where: object = "", **values: object) -> Finding:
    """To know."""
    return Finding(check=check, severity=Severity.NOTE, where=str(where), values=values)


def warning(check: str, where: object = "", **values: object) -> Finding:
    """May lose data."""
    return Finding(check=check, severity=Severity.WARNING, where=str(where), values=values)


def error(check: str, where: object = "", **values: object) -> Finding:
    """Loses data, or does not work."""
    return Finding(check=check, severity=Severity.ERROR, where=str(where), values=values)
