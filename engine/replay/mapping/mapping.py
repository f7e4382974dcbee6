"""A mapping, checked: what the reader, the register and the judge need to know of a recording."""

from dataclasses import dataclass, field

from engine.config.problem import Place
from engine.replay.scan.instants import TimeStyle
from engine.replay.scan.numbers import NumberStyle
from rules.limits import Limit
from rules.rule import Judging, Rule
from sensors.reading import Flag, Kind
from sensors.registry import Medium
from sensors.units import SAME, Conversion


@dataclass(frozen=True, slots=True, kw_only=True)
class TextStyle:
    """How a delimited text file is written."""

    delimiter: str = ","
    encoding: str = "utf-8"
    skip_lines: int = 0
    header: tuple[str, ...] = ()  # empty: the first line after the skipped ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Where the time of a row stands."""

    columns: tuple[str, ...]  # their texts belong together, with a blank between
    style: TimeStyle
    names_end: bool  # the time of a mean names the end of its span, not the start


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One factor, as the file gives it."""

    factor: str
    kind: Kind
    unit: str = ""  # judging unit
    conversion: Conversion = SAME  # from the file's unit to the judging unit
    flag_column: str = ""
    outlet: str = ""  # word of the outlet this column belongs to; "": that of the row


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownOutlet:
    """An outlet the mapping tells more about."""

    id: str
    name: str
    enterprise: str
    medium: Medium


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A limit before its outlets are known: `limit.outlet` is empty. No `outlets`: of all that measure the factor."""

    limit: Limit
    outlets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """What the columns of a recording mean. Either `wide` (a column per factor) or `value_column` is given."""

    file: str
    format: str  # "csv", "parquet", "jsonl"; "": as the recording's name says
    text: TextStyle
    times: Times
    cadence_s: int  # of realtime and minute series
    outlet: str  # of every row; "": as `outlet_column` says
    outlet_column: str
    outlets: dict[str, KnownOutlet]  # by word in the file
    wide: tuple[tuple[str, Measured], ...]  # (column, what it holds)
    factor_column: str
    factors: dict[str, Measured]  # by word in the factor column; "": of every row
    kind: Kind
    value_column: str
    numbers: NumberStyle
    flag_column: str
    flags: dict[str, Flag]
    unstated: Flag
    medium: Medium
    bounds: tuple[Bound, ...]
    rules: tuple[Rule, ...]
    judging: Judging
    units: dict[str, str] = field(default_factory=dict)  # judging units of factors that are not in the catalogue
    names: dict[str, str] = field(default_factory=dict)  # and their names
    places: dict[str, tuple[Place, str]] = field(default_factory=dict)  # column -> where the mapping names it, and as what

    def columns(self) -> tuple[str, ...]:
        """Every column the mapping speaks of, once, in the order it does."""
        flags = [m.flag_column for _, m in self.wide] + [self.flag_column]
        wide = [name for name, _ in self.wide]
        named = [*self.times.columns, self.outlet_column, self.factor_column, self.value_column, *wide, *flags]
        return tuple(dict.fromkeys(name for name in named if name))

    def cadence_ms(self, kind: Kind) -> int:
        """Length of a slot of a series of that kind."""
        return {Kind.HOUR: 3_600_000, Kind.DAY: 86_400_000}.get(kind, self.cadence_s * 1000)
