"""What every bench shares: peak memory, best of several runs, a table for people and one JSON object for machines."""

import argparse
import json
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from rich.console import Console
from rich.table import Table

MIB = 1024 * 1024

Row = Mapping[str, Any]
P = ParamSpec("P")
T = TypeVar("T")


def peak_mib(pid: int | None = None) -> float:
    """Highest resident memory a process has had so far, in MiB (Linux: VmHWM); 0.0 if it is gone."""
    try:
        lines = Path(f"/proc/{pid or os.getpid()}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    kib = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
    return kib / 1024


def reset_peak() -> None:
    """Let the peak of this process begin again at what it holds now."""
    Path("/proc/self/clear_refs").write_text("5")


def in_child(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> tuple[T, float]:
    """Run `function` in a fresh process: (its result, the peak memory of that process in MiB).

    Peaks of several cases would otherwise hide behind the largest. `function` must be importable.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_with_peak, (function, args, kwargs))


def _with_peak(function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[T, float]:
    result = function(*args, **kwargs)
    return result, peak_mib()


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds of several runs of the same thing."""

    seconds: tuple[float, ...]

    @property
    def best(self) -> float:
        """The quickest run: what the code can do when nothing disturbs it."""
        return min(self.seconds)

    @property
    def worst(self) -> float:
        """The slowest run: how much the machine disturbed it."""
        return max(self.seconds)


def timed(function: Callable[[], object], *, runs: int = 3) -> Timing:
    """Wall seconds of `runs` runs of `function`, one after the other."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return Timing(seconds=tuple(seconds))


@dataclass(kw_only=True)
class Report:
    """The figures of one bench: rows with the same keys, and remarks that belong beside them."""

    bench: str  # e.g. "bench.flow"
    title: str
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, **row: Any) -> None:
        """One more row; the keys of the first are the columns."""
        self.rows.append(row)

    def as_json(self) -> str:
        """One object: what ran, where, and every row."""
        head = {"bench": self.bench, "command": command(), "machine": machine()}
        return json.dumps({**head, "rows": self.rows, "notes": self.notes}, ensure_ascii=False)

    def show(self, *, as_json: bool) -> None:
        """Print it."""
        if as_json:
            print(self.as_json())
            return
        table = Table(title=self.title, title_justify="left", title_style="bold", box=None, pad_edge=False)
        for key in self.rows[0] if self.rows else ():
            numeric = all(isinstance(row.get(key), int | float | None) for row in self.rows)
            table.add_column(key.replace("_", " "), justify="right" if numeric else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*(shown(row.get(key)) for key in self.rows[0]))
        console = Console(width=None if sys.stdout.isatty() else 140)
        console.print(table)
        for note in self.notes:
            console.print(note, style="dim", highlight=False)


def shown(value: object) -> str:
    """A figure for people: thousands apart, three significant digits below a hundred.

    >>> shown(1234567), shown(0.123456), shown(12345.6), shown(None)
    ('1,234,567', '0.123', '12,346', '-')
    """
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def command() -> str:
    """The command line that runs this bench again."""
    module = getattr(sys.modules["__main__"], "__spec__", None)
    name = f"-m {module.name}" if module else sys.argv[0]
    return " ".join(["python", name, *sys.argv[1:]])


def machine() -> dict[str, object]:
    """What the figures depend on besides the code."""
    return {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}


def parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser with the bench's docstring as help and `--json`; the bench adds its sizes."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    return made
