"""What a bridge must know after its process died: that its broker holds a session, and which history to ask for."""

import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

log = logging.getLogger("outfall.intake")

GAPS_KEPT = 50


class Doubt(StrEnum):
    """Why a session that the broker still has may not hold all that is missing here."""

    NONE = ""
    LOGIN = "login"  # a connection was begun and its answer not dealt with: the session may be a new one
    RESTORED = "restored"  # the data directory comes from a backup: what was acknowledged since is not in its log


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time from which messages may be missing, because the broker lost the session; and how far monitors were asked."""

    at_ms: int  # when it was found
    from_ms: int
    to_ms: int
    asked: int = 0  # monitors that were sent their requests
    after: str = ""  # the last MN of these; they are asked in the order of their MNs
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is remembered of one bridge."""

    client_id: str
    place: str = ""  # the broker
    filter: str = ""  # that the broker's session was subscribed to; "": none was ever established
    doubt: Doubt = Doubt.NONE
    restored_ms: int = 0  # up to which log time the directory came from a backup, as far as that was dealt with
    whole_until_ms: int = 0  # all that the broker had for the bridge by then is in the log
    gaps: tuple[Gap, ...] = field(default=())

    @property
    def open_gap(self) -> Gap | None:
        """The oldest gap for which monitors have not all been asked."""
        return next((gap for gap in self.gaps if not gap.done), None)


class MemoryFile:
    """The memory of one bridge in a file, replaced as a whole and on disk when `update` returns. Any thread may call."""

    def __init__(self, folder: Path, client_id: str) -> None:
        self.path = folder / f"{client_id}.json"
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self.content = _read(self.path) or Memory(client_id=client_id)

    def update(self, **changes: Any) -> Memory:
        """Change and keep. OSError where it cannot be written: then nothing has changed."""
        with self._lock:
            new = replace(self.content, **changes)
            draft = self.path.with_suffix(".tmp")
            with draft.open("wb") as file:
                file.write(orjson.dumps(asdict(new), option=orjson.OPT_INDENT_2))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.path)
            self.content = new
        return new

    def restored(self, until_ms: int) -> None:
        """The directory comes from a backup of that log time; 0: it does not. Each is dealt with once."""
        before = self.content
        if before.filter and until_ms != before.restored_ms:
            whole_ms = min(before.whole_until_ms, until_ms)
            self.update(doubt=Doubt.RESTORED, whole_until_ms=whole_ms, restored_ms=until_ms)

    def add_gap(self, gap: Gap, **changes: Any) -> Memory:
        """One more gap; the oldest that are done are forgotten."""
        old = self.content.gaps
        done_kept = max(0, GAPS_KEPT - sum(not one.done for one in old) - 1)
        done = [one for one in old if one.done][-done_kept:] if done_kept else []
        return self.update(gaps=(*(one for one in old if not one.done or one in done), gap), **changes)

    def change_gap(self, gap: Gap, **changes: Any) -> Memory:
        """The gap found at that moment is now so."""
        gaps = [replace(one, **changes) if one.at_ms == gap.at_ms else one for one in self.content.gaps]
        return self.update(gaps=tuple(gaps))


def memories(folder: Path) -> Iterator[Memory]:
    """What the bridges of a data directory remember, by name."""
    for path in sorted(folder.glob("*.json")):
        if (memory := _read(path)) is not None:
            yield memory


def _read(path: Path) -> Memory | None:
    """None where there is no file, or one that is not ours: then a session is not expected, and the log says so."""
    try:
        row = orjson.loads(path.read_bytes())
        gaps = tuple(Gap(**gap) for gap in row["gaps"])
        return Memory(**{**row, "doubt": Doubt(row["doubt"]), "gaps": gaps})
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.error("%s: expected what a bridge remembers, got %r; a lost session would not be noticed this once", path, error)
        return None
