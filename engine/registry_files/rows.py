"""The rows of the register as people write them: the same fields in YAML (nested) and in CSV tables (one row each)."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from engine.config.explain import OWN, Section
from engine.config.words import Day, Id, Text
from rules.limits import Averaging, Basis, Weighting
from rules.precedence import Level
from sensors.reading import Kind
from sensors.registry import Medium, Monitor

MINUTE_INTERVALS = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)
MONITOR = Monitor(mn="", outlet="")
"""Only its defaults count."""


class KindName(StrEnum):
    """The kinds of readings that means are built from."""

    REALTIME = "realtime"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"

    @property
    def kind(self) -> Kind:
        """As the judge knows it."""
        return Kind[self.name]


class LevelName(StrEnum):
    """Who set a limit."""

    PERMIT = "permit"
    LOCAL = "local"
    NATIONAL = "national"

    @property
    def level(self) -> Level:
        """As the judge knows it."""
        return Level[self.name]


def _realtime(seconds: int) -> int:
    if seconds < 1 or 3600 % seconds:
        raise PydanticCustomError("divides_hour", OWN)
    return seconds


def _minutes(minutes: int) -> int:
    if minutes not in MINUTE_INTERVALS:
        raise PydanticCustomError("minute_interval", OWN, {"valid": ", ".join(map(str, MINUTE_INTERVALS))})
    return minutes


def _named(value: Any) -> Any:
    """`w01018` alone stands for `factor: w01018`; likewise with a standard."""
    return {"factor": value} if isinstance(value, str) else value


class EnterpriseRow(Section):
    """Who answers for outlets."""

    id: Id
    name: str = ""
    grid_cell: str = ""


class OutletRow(Section):
    """A point of discharge."""

    id: Id
    name: str = ""
    medium: Medium
    standards: tuple[str, ...] = ()
    weighting: Weighting | None = None  # of a day's values, where the standards say otherwise


class PermitRow(Section):
    """The discharge permit of an outlet; its limits hold over [valid_from, valid_to)."""

    number: Text
    valid_from: Day | None = None
    valid_to: Day | None = None


class MonitorRow(Section):
    """A device."""

    mn: Text
    realtime_s: Annotated[int, AfterValidator(_realtime)] = MONITOR.realtime_s
    minute_min: Annotated[int, AfterValidator(_minutes)] = MONITOR.minute_min
    unstated_is_normal: bool = MONITOR.unstated_is_normal
    modbus_crc: bool = MONITOR.modbus_crc
    legacy_mn: bool = False  # not 24 characters 0-9A-F, and known to be so
    valid_from: Day | None = None
    valid_to: Day | None = None


class FactorRow(Section):
    """A factor that the outlet's monitors send."""

    factor: Text
    judged_from: KindName = KindName.MINUTE
    unit: str = ""


class LimitRow(Section):
    """A limit of the outlet's own."""

    factor: Text
    averaging: Averaging
    ceiling: Annotated[float, Field(ge=0)] | None = None
    floor: Annotated[float, Field(ge=0)] | None = None
    unit: str = ""
    basis: Basis = Basis.MEASURED
    reference_o2: Annotated[float, Field(ge=0, lt=21)] | None = None
    weighting: Weighting = Weighting.EVEN
    decimals: Annotated[int, Field(ge=0, le=6)] | None = None
    source: str = ""
    unverified: bool = False
    level: LevelName = LevelName.PERMIT
    valid_from: Day | None = None
    valid_to: Day | None = None


class OutletDoc(OutletRow):
    """An outlet in YAML, with what belongs to it."""

    labels: dict[str, str] = Field(default_factory=dict)
    permit: PermitRow | None = None
    monitors: tuple[MonitorRow, ...] = ()
    factors: tuple[Annotated[FactorRow, BeforeValidator(_named)], ...] = ()
    limits: tuple[LimitRow, ...] = ()


class EnterpriseDoc(EnterpriseRow):
    """An enterprise in YAML, with its outlets."""

    outlets: tuple[OutletDoc, ...] = ()


class RegistryDoc(Section):
    """A registry file in YAML."""

    enterprises: tuple[EnterpriseDoc, ...]


class OutletCsv(OutletRow):
    """A row of outlets.csv; columns `label.x` are its labels."""

    enterprise: Id
    permit_number: str = ""
    permit_valid_from: Day | None = None
    permit_valid_to: Day | None = None

    @model_validator(mode="after")
    def _dated(self) -> Self:
        if not self.permit_number and (self.permit_valid_from or self.permit_valid_to):
            raise PydanticCustomError("permit_number", OWN)
        return self


class MonitorCsv(MonitorRow):
    """A row of monitors.csv."""

    outlet: Id


class FactorCsv(FactorRow):
    """A row of factors.csv."""

    outlet: Id


class LimitCsv(LimitRow):
    """A row of limits.csv."""

    outlet: Id
