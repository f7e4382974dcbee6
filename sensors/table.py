"""Entries of one dataclass, held column by column: few bytes an entry, and an object only for whoever asks for one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from enum import Enum
from itertools import repeat
from typing import Any, Generic, NamedTuple, TypeVar, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

Row = TypeVar("Row")
PLAIN = (str, int, bool, float, type(None))
"""Entries of one of these types, or None, are alike where they are equal; but for zeros, which have signs."""


class Coded(NamedTuple):
    """One column: entry i is `values[code[i]]`. A value may stand in `values` more than once."""

    values: Sequence[Any]
    code: NDArray[np.int32]

    def numbers(self, number: Callable[[Any], Any], dtype: DTypeLike) -> NDArray[Any]:
        """A number for each entry, asked for once for each value."""
        of_value = np.array([number(value) for value in self.values], dtype)
        return of_value[self.code] if len(of_value) else np.empty(0, dtype)

    def positions(self, number: Mapping[str, int]) -> NDArray[np.int32]:
        """The numbers of entries that are names, -1 for a name that has none."""
        found = map(number.get, self.values, repeat(-1))
        of_value = np.fromiter(found, np.int32, len(self.values))
        return of_value[self.code] if len(of_value) else of_value

    def listed(self) -> list[Any]:
        """The entries one by one."""
        values = self.values
        return [values[n] for n in self.code.tolist()]


def coded(entries: Sequence[Any]) -> Coded:
    """A column in which entries that are written alike share one value: 1 is not 1.0, and 0.0 is not -0.0.

    >>> coded(["a", "b", "a"]).code.tolist(), coded([1, 1.0, True, 1]).values
    ([0, 1, 0], [1, 1.0, True])
    """
    kinds = set(map(type, entries))
    plain = len(kinds - {type(None)}) <= 1 and all(kind in PLAIN or issubclass(kind, Enum) for kind in kinds)
    keys = entries if plain and not (float in kinds and 0.0 in entries) else list(map(repr, entries))
    number = {key: n for n, key in enumerate(dict.fromkeys(keys))}
    if len(number) == 1:
        return same(entries[0], len(entries))
    code = np.fromiter(map(number.__getitem__, keys), np.int32, len(entries))
    first = np.flatnonzero(np.diff(np.maximum.accumulate(code), prepend=-1))
    return Coded([entries[n] for n in first.tolist()], code)


def same(value: Any, size: int) -> Coded:
    """A column in which every entry is the same; takes no memory."""
    return Coded((value,), np.broadcast_to(np.zeros(1, np.int32), size))


class Table(Sequence[Row], Generic[Row]):
    """Any number of entries of a dataclass, as a sequence of them.

    >>> from sensors.registry import Binding
    >>> table = Table(Binding, 2, {"outlet": coded(["a", "b"]), "factor": lambda: same("w01018", 2)})
    >>> table[1].outlet, table[-1].unit, len(table[:1]), table == tuple(table)
    ('b', '', 1, True)
    """

    def __init__(self, cls: type[Row], size: int, columns: Mapping[str, Coded | Callable[[], Coded]]) -> None:
        """A column may be given as what makes it; one that is not given holds the default of its field."""
        self.cls, self.size = cls, size
        usual = {f.name: f.default for f in fields(cls) if f.init}  # type: ignore[arg-type]
        lacking = [name for name, default in usual.items() if default is MISSING and name not in columns]
        if lacking or not columns.keys() <= usual.keys():
            raise TypeError(f"{cls.__name__}: expected columns {', '.join(usual)}, got {', '.join(columns)}")
        self._columns: dict[str, Coded | Callable[[], Coded]] = {
            name: columns[name] if name in columns else same(default, size) for name, default in usual.items()
        }

    def column(self, name: str) -> Coded:
        """One field of all entries."""
        found = self._columns[name]
        if not isinstance(found, Coded):
            found = self._columns[name] = found()
        return found

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Row, ...]: ...
    def __getitem__(self, at: int | slice) -> Row | tuple[Row, ...]:
        if isinstance(at, slice):
            return tuple(self[n] for n in range(*at.indices(self.size)))
        if not -self.size <= at < self.size:
            raise IndexError(f"entry {at} of {self.size}")
        columns = ((name, self.column(name)) for name in self._columns)
        return self.cls(**{name: column.values[column.code[at]] for name, column in columns})

    def __iter__(self) -> Iterator[Row]:
        names = list(self._columns)
        for values in zip(*(self.column(name).listed() for name in names), strict=True):
            yield self.cls(**dict(zip(names, values, strict=True)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{self.size:,} of {self.cls.__name__}>"


def column_of(entries: Sequence[Any], name: str) -> Coded:
    """One field of all entries, whether they are a table or objects."""
    return entries.column(name) if isinstance(entries, Table) else coded([getattr(entry, name) for entry in entries])
