"""The dashboards of docker/grafana, and what Grafana does to their queries before InfluxDB sees them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "docker/grafana/dashboards"
FILES = sorted(FOLDER.glob("*.json"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query and where it stands."""

    place: str
    text: str


def load(file: Path) -> dict[str, Any]:
    """A dashboard."""
    content: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return content


def queries(board: Mapping[str, Any]) -> Iterator[Query]:
    """Every query: of variables, of annotations, of panels."""
    for variable in board["templating"]["list"]:
        yield Query(place=f"variable {variable['name']}", text=variable["query"])
    for annotation in board["annotations"]["list"]:
        yield Query(place=f"annotation {annotation['name']}", text=annotation["target"]["query"])
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield Query(place=f"panel {panel['title']}: {target['refId']}", text=target["query"])


def as_sent(query: str, *, bucket: str, start: str, stop: str, window: str, variables: Mapping[str, str]) -> str:
    """A query as Grafana's InfluxDB source sends it: instead of macros and the dashboard's variables, what they stand for.

    KeyError where a variable is used that the dashboard does not have.
    """
    macros = {"defaultBucket": f'"{bucket}"', "timeRangeStart": start, "timeRangeStop": stop, "windowPeriod": window}
    text = re.sub(r"\bv\.([a-zA-Z]+)", lambda found: macros[found[1]], query)
    return re.sub(r"\$\{(\w+)\}", lambda found: variables[found[1]], text)
