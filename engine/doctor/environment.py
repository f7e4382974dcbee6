"""The machine's Python, the packages that Outfall needs, and the SQLite in them."""

import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata

from pysqlite3 import dbapi2 as sqlite

from engine.doctor.finding import Finding, error, good, warning
from engine.doctor.patient import Patient
from engine.log.file import SQLITE_MIN

PYTHON_MIN = (3, 11)
REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*([^;]*)(.*)")
BOUND = re.compile(r"(>=|<=|==|!=|<|>|~=)\s*([0-9][^,\s]*)")

HOLDS = {
    ">=": lambda found, bound: found >= bound,
    "<=": lambda found, bound: found <= bound,
    "<": lambda found, bound: found < bound,
    ">": lambda found, bound: found > bound,
    "==": lambda found, bound: found == bound,
    "!=": lambda found, bound: found != bound,
    "~=": lambda found, bound: found >= bound and found[: len(bound) - 1] == bound[:-1],
}


def environment_findings(patient: Patient) -> Iterator[Finding]:
    """Versions that are too old, and packages that are missing."""
    shown = platform.python_version()
    yield (
        error("environment_python", version=shown)
        if sys.version_info < PYTHON_MIN
        else good("environment_python", version=shown)
    )
    yield from _packages()
    found = sqlite.sqlite_version_info
    versions = {"version": sqlite.sqlite_version, "least": ".".join(map(str, SQLITE_MIN))}
    yield error("environment_sqlite", **versions) if found < SQLITE_MIN else good("environment_sqlite", **versions)


def _packages() -> Iterator[Finding]:
    wrong = False
    requirements = [one for one in metadata.requires("outfall") or () if "extra" not in one.partition(";")[2]]
    for requirement in requirements:
        name, bounds = split_requirement(requirement)
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            wrong = True
            yield error("environment_missing", name, package=name, wanted=bounds or "-")
            continue
        if not satisfies(version, bounds):
            wrong = True
            yield warning("environment_package", name, package=name, version=version, wanted=bounds)
    if not wrong:
        yield good("environment_package", count=len(requirements))


def split_requirement(text: str) -> tuple[str, str]:
    """Name and bounds of a requirement as package metadata has it.

    >>> split_requirement("psycopg[binary]>=3.2,<4; python_version < '4'"), split_requirement("orjson")
    (('psycopg', '>=3.2,<4'), ('orjson', ''))
    """
    found = REQUIREMENT.match(text)
    assert found is not None
    return found[1], found[2].strip()


def satisfies(version: str, bounds: str) -> bool:
    """Whether a version lies within bounds; letters after a number do not count.

    >>> satisfies("0.15.4rc1", ">=0.15.3,<0.16"), satisfies("8.5", ">=8.1,<8.4"), satisfies("2", ">=2.0")
    (True, False, True)
    """
    found = _numbers(version)
    return all(HOLDS[sign](*_padded(found, _numbers(bound))) for sign, bound in BOUND.findall(bounds))


def _numbers(version: str) -> tuple[int, ...]:
    parts = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in parts[0].split(".")) if parts else (0,)


def _padded(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    size = max(len(a), len(b))
    return (*a, *(0,) * (size - len(a))), (*b, *(0,) * (size - len(b)))
