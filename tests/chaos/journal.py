"""The publishers' own record: every transmission of a payload, and every acknowledgement they got."""

import hashlib
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

FILE = "journal"


def digest(mn: str, payload: bytes) -> str:
    """Names a payload: publishers make no two alike."""
    return hashlib.blake2b(mn.encode() + b"\0" + payload, digest_size=16).hexdigest()


class Journal:
    """The file, written line by line."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def sent(self, name: str) -> None:
        """A PUBLISH of this payload is about to be written to a connection, for the first time or again."""
        os.write(self._file, f"S {name}\n".encode())

    def acknowledged(self, name: str) -> None:
        """Its PUBACK was read."""
        os.write(self._file, f"A {name}\n".encode())


@dataclass(frozen=True, kw_only=True)
class Published:
    """What the journal says, by payload."""

    sent: Counter[str]  # transmissions begun
    acknowledged: frozenset[str]


def read_journal(folder: Path) -> Published:
    """The whole file; ValueError for a line that is no entry."""
    sent: Counter[str] = Counter()
    acknowledged = set()
    for number, line in enumerate((folder / FILE).read_text().splitlines(), 1):
        match line.split():
            case ["S", name]:
                sent[name] += 1
            case ["A", name]:
                acknowledged.add(name)
            case _:
                raise ValueError(f"{folder / FILE}:{number}: expected S or A and a digest, got {line!r}")
    return Published(sent=sent, acknowledged=frozenset(acknowledged))
