"""The register from all of its files: YAML files, folders of CSV tables, and folders that hold such."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.config.document import read_document
from engine.config.problem import BadFile, Place, Problem
from engine.registry_files.assemble import Register, assemble
from engine.registry_files.draft import Draft
from engine.registry_files.from_csv import TABLES, draft_of_folder
from engine.registry_files.from_yaml import draft_of
from rules.catalogue import Catalogue

YAML = (".yaml", ".yml")


def load_register(paths: Iterable[Path], *, zone: str, catalogue: Catalogue) -> Register:
    """Read and check the whole register. BadFile names everything that is wrong; nothing is half loaded."""
    draft, problems = read_drafts(paths)
    register, more = assemble(draft, zone=zone, catalogue=catalogue)
    if problems or more:
        raise BadFile([*problems, *more])
    return register


def read_drafts(paths: Iterable[Path]) -> tuple[Draft, list[Problem]]:
    """All usable rows of all files, and everything that is wrong with single rows."""
    draft, problems = Draft(), list[Problem]()
    for path in paths:
        try:
            for source in sources(path):
                part, wrong = draft_of_folder(source) if source.is_dir() else draft_of(read_document(source))
                draft.extend(part)
                problems.extend(wrong)
        except BadFile as error:
            problems.extend(error.problems)
    return draft, problems


def sources(path: Path) -> Iterator[Path]:
    """The YAML files and the table folders at a path, in the order of their names."""
    if not path.is_dir():
        yield path
        return
    found = False
    if any((path / table).exists() for table in TABLES):
        found = True
        yield path
    for child in sorted(path.iterdir()):
        if child.suffix in YAML or (child.is_dir() and any((child / table).exists() for table in TABLES)):
            found = True
            yield child
    if not found:
        raise BadFile([Problem(place=Place(file=str(path)), path="", key="empty_folder")])
