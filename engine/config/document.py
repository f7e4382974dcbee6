"""A YAML file as plain values and the place of each. Every scalar stays text: its type is the reader's, not YAML's.

So a number of 24 digits, `011`, `on` and `2026-01-01` arrive as they were written.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from engine.config.problem import BadFile, Place, Problem

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
NULL = ("", "~", "null", "Null", "NULL")

Path_ = tuple[str | int, ...]
"""Where something is in a document: ("rules", 3, "silence_s")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One YAML file."""

    file: str
    root: yaml.Node | None  # None: an empty file
    whole: Any  # dicts, lists, str, None
    dropped: frozenset[Path_] = frozenset()  # parts of the file that `value` lacks

    @property
    def value(self) -> Any:
        """What the file says, less what was dropped."""
        return _without(self.whole, self.dropped, ()) if self.dropped else self.whole

    def without(self, paths: Iterable[Path_]) -> "Document":
        """The document less some parts of it; what is left keeps its places."""
        return replace(self, dropped=self.dropped.union(paths))

    def place(self, path: Path_) -> Place:
        """Line and column of what a path of the file names: its value, or what should hold it where there is none."""
        node, found = self.root, self.root
        for part in path:
            node = _child(node, part)
            found = node or found
        return _at(self.file, found)

    def key_place(self, path: Path_) -> Place:
        """Line and column of the key itself."""
        node = self.root
        for part in path[:-1]:
            node = _child(node, part)
        keys = [key for key, _ in node.value if key.value == path[-1]] if isinstance(node, yaml.MappingNode) else []
        return _at(self.file, keys[0]) if keys else self.place(path)

    def in_file(self, path: Path_) -> Path_:
        """A path of `value` as one of the file: entries that were dropped count, names of alternatives do not."""
        node = self.root
        found: Path_ = ()
        for n, part in enumerate(path):
            step = self._entry(found, part) if isinstance(part, int) else part
            child = _child(node, step)
            is_last = n == len(path) - 1 and not isinstance(node, yaml.ScalarNode)
            if child is not None or is_last:
                found = (*found, step)
            node = child or node
        return found

    def _entry(self, path: Path_, n: int) -> int:
        """The nth entry of a list that was not dropped, as the file counts."""
        gone = {p[-1] for p in self.dropped if p[:-1] == path}
        return [m for m in range(n + len(gone) + 1) if m not in gone][n]


def shown(path: Path_) -> str:
    """A path as people write it.

    >>> shown(("rules", 3, "silence_s"))
    'rules[3].silence_s'
    """
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def read_document(file: Path, name: str = "") -> Document:
    """Read a YAML file; BadFile if it cannot be read or is not YAML. `name` is what problems call it."""
    return parse_document(read_text(file, name), name or str(file))


def read_text(file: Path, name: str = "") -> str:
    """The text of a file in UTF-8; BadFile if it cannot be read."""
    name = name or str(file)
    try:
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        values = {"reason": error.strerror or str(error)}
        raise BadFile([Problem(place=Place(file=name), path="", key="unreadable", values=values)]) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise BadFile([Problem(place=Place(file=name, line=line), path="", key="not_utf8")]) from error


def parse_document(text: str, name: str) -> Document:
    """Read YAML text; BadFile if it is not YAML, or uses a word twice in one mapping, or an alias."""
    problems: list[Problem] = []
    try:
        root = yaml.compose(text, LOADER)
        value = None if root is None else _Plain(name, problems).of(root, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file=name, line=mark.line + 1, column=mark.column + 1) if mark else Place(file=name)
        raise BadFile([Problem(place=place, path="", key="not_yaml", values={"reason": error.problem})]) from error
    except (yaml.YAMLError, RecursionError) as error:
        values = {"reason": str(error).partition("\n")[0]}
        raise BadFile([Problem(place=Place(file=name), path="", key="not_yaml", values=values)]) from error
    if problems:
        raise BadFile(problems)
    return Document(file=name, root=root, whole=value)


class _Plain:
    """Nodes to plain values."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self.name, self.problems = name, problems
        self.seen: set[int] = set()

    def of(self, node: yaml.Node, path: Path_) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return None if not node.style and node.value in NULL else node.value
        if id(node) in self.seen:
            self._problem(node, path, "alias")
            return None
        self.seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            return [self.of(child, (*path, n)) for n, child in enumerate(node.value)]
        return self._mapping(node, path)

    def _mapping(self, node: yaml.Node, path: Path_) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, child in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            if name in found:
                self._problem(key, (*path, name), "word_twice", value=name)
            found[name] = self.of(child, (*path, name))
        return found

    def _problem(self, node: yaml.Node, path: Path_, key: str, **values: object) -> None:
        self.problems.append(Problem(place=_at(self.name, node), path=shown(path), key=key, values=values))


def _without(value: Any, dropped: frozenset[Path_], path: Path_) -> Any:
    if isinstance(value, dict):
        return {k: _without(v, dropped, (*path, k)) for k, v in value.items() if (*path, k) not in dropped}
    if isinstance(value, list):
        return [_without(v, dropped, (*path, n)) for n, v in enumerate(value) if (*path, n) not in dropped]
    return value


def _at(file: str, node: yaml.Node | None) -> Place:
    if node is None:
        return Place(file=file)
    return Place(file=file, line=node.start_mark.line + 1, column=node.start_mark.column + 1)


def _child(node: yaml.Node | None, part: str | int) -> yaml.Node | None:
    """The node that a step leads to, None if there is none."""
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        found: yaml.Node = node.value[part]
        return found
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    return None
