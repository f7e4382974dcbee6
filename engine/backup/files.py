"""The configuration's own files: which there are, which of them are secret, and where they go in a backup."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from engine.config.doc import ConfigDoc
from engine.config.document import read_document
from engine.config.problem import BadFile
from engine.config.validate import validated

SHOWN = ("cert", "ca", "client_ca")
"""Words of a configuration whose file is no secret."""

FOLDERS = ("registry", "standards")
"""Words whose files, or folders of files, are no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile:
    """A file that a configuration refers to, or the configuration itself."""

    path: Path
    name: str  # in the folder that it is restored to; "outside/..." where it stands outside the configuration's own
    secret: bool = False

    @property
    def outside(self) -> bool:
        """Whether the configuration names it by a path that leads out of its folder."""
        return self.name.startswith("outside/")

    @property
    def place(self) -> str:
        """As the configuration's folder sees it."""
        return self.path.as_posix() if self.outside else self.name


def config_files(config: Path) -> list[ConfigFile]:
    """The configuration and everything that it refers to and that exists, each once. BadFile where it cannot be read."""
    doc, _, problems = validated(read_document(config), ConfigDoc)
    if doc is None:
        raise BadFile(problems)
    folder = plain(config.parent)
    found = {folder / config.name: ConfigFile(path=folder / config.name, name=config.name)}
    for path, secret in _named(doc):
        for file in _files(folder / path):
            found.setdefault(file, ConfigFile(path=file, name=_name(file, folder), secret=secret))
    return list(found.values())


def _named(value: Any, word: str = "") -> Iterator[tuple[str, bool]]:
    """(path as written, whether it is a secret), wherever one stands in the document."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _named(getattr(value, name), name)
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _named(one, word)
    elif isinstance(value, str) and (word in SHOWN or word in FOLDERS):
        yield value, False
    elif isinstance(value, str) and (word.endswith("_file") or word == "key"):
        yield value, True


def _files(path: Path) -> Iterator[Path]:
    """The file, or all files of the folder; links are followed, and keep the names that the configuration gives them."""
    place = plain(path)
    if place.is_dir():
        yield from (file for file in sorted(place.rglob("*")) if file.is_file())
    elif place.is_file():
        yield place


def plain(path: Path) -> Path:
    """The absolute path without "..", links kept as they are named."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.resolve would follow links


def _name(file: Path, folder: Path) -> str:
    if file.is_relative_to(folder):
        return file.relative_to(folder).as_posix()
    return f"outside{file.as_posix()}"
