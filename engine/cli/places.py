"""Where the commands that only read find their data: the configuration, or the data directory itself."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine.cli.base import CONFIG, loaded
from engine.cli.times import ZONE
from engine.texts import Texts

if TYPE_CHECKING:
    from engine.database.place import Place

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A data directory, and what is known of it without the log."""

    data: Path
    database: "Place"
    zone: str = ZONE

    @property
    def has_database(self) -> bool:
        """Whether there is one: that of a data directory is made at the first start."""
        return not isinstance(self.database, Path) or (self.database / "core.db").exists()


def site_options(say: Texts) -> Callable[[Function], Function]:
    """--config FILE or --data DIR."""
    folder = click.Path(file_okay=False, exists=True, path_type=Path)
    file = click.Path(dir_okay=False, path_type=Path)
    config = click.option("--config", "-c", type=file, default=CONFIG, show_default=True, help=say("cli.option.config"))
    data = click.option("--data", "-d", type=folder, help=say("cli.option.data"))
    return lambda function: config(data(function))


def site(config: Path, data: Path | None) -> Site:
    """The place that the options name."""
    if data is not None:
        return Site(data=data, database=data)
    settings = loaded(config)
    return Site(data=settings.host.data, database=settings.database, zone=settings.rules.judging.zone)
