"""The part of the configuration that says where the database is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from engine.config.explain import OWN, Section
from engine.config.problem import Problem
from engine.config.secrets import read_secret
from engine.config.validate import YamlWhere
from engine.config.words import Positive, Text
from engine.database.place import Place, PostgresPlace

CONNECTIONS_MAX = PostgresPlace(url="").connections_max
SCHEMES = ("postgresql", "postgres")


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in SCHEMES or not parts.path.strip("/"):
        raise PydanticCustomError("bad_database_url", OWN)
    login = parts.netloc.rpartition("@")[0]
    if ":" in login or "password" in dict(parse_qsl(parts.query)):
        raise PydanticCustomError("password_in_url", OWN)
    return text


Url = Annotated[str, AfterValidator(_url)]


class DatabaseSection(Section):
    """`database`: a PostgreSQL server, which the hosts of a cluster share."""

    url: Url
    password_file: Text | None = None
    connections_max: Positive = CONNECTIONS_MAX

    def place(self, folder: Path) -> PostgresPlace:
        """As it is opened."""
        password = None if self.password_file is None else read_secret(folder / self.password_file)
        return PostgresPlace(url=self.url, password=password, connections_max=self.connections_max)


def database_place(section: DatabaseSection | None, folder: Path, data: Path) -> Place:
    """Where the database is: on the server that the section names, else in the data directory."""
    return data if section is None else section.place(folder)


def database_problems(section: DatabaseSection | None, *, cluster: bool, where: YamlWhere) -> Iterator[Problem]:
    """A cluster works on one database."""
    if cluster and section is None:
        yield where.at("host").problem("log", "no_database")
