"""Words (names of outlets, factors, flags) as numbers: a hash table that compiled code reads and fills."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.replay.scan.cells import CellKind, TextCells, cells_of, cells_of_whole
from engine.replay.scan.eights import PAD, eights, low_bytes, same_text
from sensors.kernel import compiled, inlined

MISSING, NUMBER, ODD = int(CellKind.MISSING), int(CellKind.NUMBER), int(CellKind.ODD)
NOTHING, UNSURE = -1, -2
DENSE_MAX = 1 << 24
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
Column = TypeVar("Column", np.uint8, np.uint64, np.int64)


@dataclass(slots=True, kw_only=True)
class Words:
    """Every word seen so far; a word keeps its number.

    >>> from engine.replay.scan.cells import cells_of
    >>> words = Words()
    >>> words.numbers(cells_of(["b", "a", "b", None, "排口"])).tolist(), words.texts
    ([0, 1, 0, -1, 2], ['b', 'a', '排口'])
    """

    texts: list[str] = field(default_factory=list)
    _slots: NDArray[np.int32] = field(default_factory=lambda: np.full(64, NOTHING, np.int32))
    _head: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(32, np.uint64))  # first eight bytes of each word
    _after: NDArray[np.int32] = field(default_factory=lambda: np.full(32, NOTHING, np.int32))  # what came after each word
    # word i is arena[start[i]:start[i + 1]]
    _start: NDArray[np.int64] = field(default_factory=lambda: np.zeros(33, np.int64))
    _arena: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(1024, np.uint8))
    _dense: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))  # word of the whole number _low + i
    _low: int = 0

    def __len__(self) -> int:
        return len(self.texts)

    def numbers(self, cells: TextCells) -> NDArray[np.int32]:
        """The number of each cell's word, shape (rows,); `NOTHING` where there is none. New words are added."""
        out = self._find(cells, any_text=False)
        for row in np.flatnonzero(out == UNSURE):
            cell = cells.cell(int(row))
            out[row] = NOTHING if cell is None else self.number(str(cell).strip(" \t"))
        return out

    def number(self, word: str) -> int:
        """The number of one word, which is added if it is new."""
        return int(self._find(cells_of([word]), any_text=True)[0])

    def _find(self, cells: TextCells, *, any_text: bool) -> NDArray[np.int32]:
        out = np.empty(len(cells), np.int32)
        self._reserve(len(cells), int(np.maximum(cells.stop - cells.start, 0).sum()))
        known = len(self)
        count = find_words(
            eights(cells.data),
            cells.start,
            cells.stop,
            cells.kind,
            self._slots,
            self._head,
            self._after,
            self._start,
            self._arena,
            eights(self._arena),
            known,
            any_text,
            out,
        )
        ends = self._start[known : count + 1]
        self.texts.extend(_texts(self._arena[ends[0] : ends[-1]].tobytes(), (ends - ends[0]).tolist()))
        return out

    def whole_numbers(self, values: NDArray[np.integer]) -> NDArray[np.int32]:
        """The number of each value's word ("7" for 7), shape (rows,). Quick for values that lie close together."""
        out = np.empty(len(values), np.int32)
        if look_up_dense(values, self._low, self._dense, out):
            return out
        new = distinct(values[out == UNSURE].astype(np.int64))
        if self._cover(int(new[0]), int(new[-1])):
            self._dense[new - self._low] = self._of_whole(new)
            look_up_dense(values, self._low, self._dense, out)
            return out
        unique, back = np.unique(values, return_inverse=True)
        return self._of_whole(unique)[back]

    def _cover(self, low: int, high: int) -> bool:
        """Make the dense table reach from `low` to `high`; False where that would be too much."""
        if len(self._dense):
            low, high = min(low, self._low), max(high, self._low + len(self._dense) - 1)
        if high - low > DENSE_MAX:
            return False
        wider = np.full(high - low + 1, UNSURE, np.int32)
        wider[self._low - low : self._low - low + len(self._dense)] = self._dense
        self._low, self._dense = low, wider
        return True

    def _of_whole(self, values: NDArray[np.integer]) -> NDArray[np.int32]:
        return self.numbers(cells_of_whole(values))

    def _reserve(self, words: int, size: int) -> None:
        """Room for so many more words and bytes."""
        need = len(self) + words
        if need > len(self._head):
            room = 2 * need
            self._head = _grown(self._head, room)
            self._after = np.concatenate([self._after, np.full(room - len(self._after), NOTHING, np.int32)])
            self._start = _grown(self._start, room + 1)
            self._slots = np.full(1 << (2 * room).bit_length(), NOTHING, np.int32)
            rehash(eights(self._arena), self._start, len(self), self._slots)
        bytes_needed = int(self._start[len(self)]) + size + PAD
        if bytes_needed > len(self._arena):
            self._arena = _grown(self._arena, 2 * bytes_needed)


def distinct(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The different values, in order. By sorting: several times as quick here as numpy's hash table."""
    ordered = np.sort(values)
    first = np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]
    return np.asarray(ordered[first], np.int64)


def _texts(together: bytes, ends: list[int]) -> list[str]:
    """Words that lie one behind the other; word i is together[ends[i]:ends[i + 1]]."""
    if together.isascii():  # a letter is a byte: decoded at once
        text = together.decode("ascii")
        return [text[a:b] for a, b in pairwise(ends)]
    return [together[a:b].decode("utf-8", "replace") for a, b in pairwise(ends)]


def _grown(old: NDArray[Column], size: int) -> NDArray[Column]:
    new = np.zeros(size, old.dtype)
    new[: len(old)] = old
    return new


@compiled
def look_up_dense(values: NDArray[np.integer], low: int, dense: NDArray[np.int32], out: NDArray[np.int32]) -> bool:
    """Fill `out` with dense[value - low], UNSURE outside of it; whether all are known."""
    known = True
    for row in range(len(values)):
        place = np.int64(values[row]) - low
        word = dense[place] if 0 <= place < len(dense) else UNSURE
        out[row] = word
        known &= word != UNSURE
    return known


@compiled
def find_words(  # noqa: C901 - one loop: a call for each cell costs more than most cells do
    eight: NDArray[np.uint64],
    start: NDArray[np.int32],
    stop: NDArray[np.int32],
    kind: NDArray[np.uint8],
    slots: NDArray[np.int32],
    head: NDArray[np.uint64],
    after: NDArray[np.int32],
    begin: NDArray[np.int64],
    arena: NDArray[np.uint8],
    arena_eight: NDArray[np.uint64],
    count: int,
    any_text: bool,
    out: NDArray[np.int32],
) -> int:
    """Fill `out` with word numbers, `NOTHING`, or `UNSURE` where Python must look; returns how many words there are.

    A cell that is the one above it again needs no search, nor does one that comes after the word it came after before:
    readings of many series mostly stand in the same order at every time. `any_text`: words beyond ASCII are added too.
    """
    mask, last = len(slots) - 1, 0
    for row in range(len(start)):
        at, size = start[row], stop[row] - start[row]
        if kind[row] == ODD:
            out[row] = UNSURE
            continue
        if kind[row] == MISSING or size == 0:
            out[row] = NOTHING
            continue
        if row > 0 and kind[row] == kind[row - 1] and again(eight, start, stop, row):
            out[row] = out[row - 1]
            continue
        first = eight[at] if size >= 8 else eight[at] & low_bytes(size)
        word = after[last]
        alike = word != NOTHING and head[word] == first and begin[word + 1] - begin[word] == size
        if alike and (size <= 8 or same_text(eight, at, arena_eight, begin[word], size)):
            out[row] = word
            last = word
            continue
        slot = np.int64(hash_text(eight, at, size) & np.uint64(mask))
        word = slots[slot]
        while word != NOTHING:
            alike = head[word] == first and begin[word + 1] - begin[word] == size
            if alike and (size <= 8 or same_text(eight, at, arena_eight, begin[word], size)):
                break
            slot = (slot + 1) & mask
            word = slots[slot]
        if word == NOTHING and (any_text or plain(eight, at, size, kind[row] == NUMBER)):
            word = count
            slots[slot], head[word] = word, first
            begin[word + 1] = begin[word] + size
            for i in range(size):
                arena[begin[word] + i] = np.uint8(eight[at + i] & np.uint64(255))
            count += 1
        out[row] = word if word != NOTHING else UNSURE
        if word != NOTHING:
            after[last] = word
            last = word
    return count


@inlined
def again(eight: NDArray[np.uint64], start: NDArray[np.int32], stop: NDArray[np.int32], row: int) -> bool:
    """Whether a cell has the text of the one above it."""
    size = stop[row] - start[row]
    return size == stop[row - 1] - start[row - 1] and same_text(eight, start[row], eight, start[row - 1], size)


@compiled
def plain(eight: NDArray[np.uint64], at: int, size: int, number: bool) -> bool:
    """Whether a text is ASCII and, if it is a number, written as its name would be: digits only."""
    fine = True
    for i in range(size):
        letter = eight[at + i] & np.uint64(255)
        fine &= letter < 128 and (not number or 48 <= letter <= 57)
    return fine


@compiled
def rehash(arena_eight: NDArray[np.uint64], begin: NDArray[np.int64], count: int, slots: NDArray[np.int32]) -> None:
    """Enter the first `count` words into empty `slots`."""
    mask = len(slots) - 1
    for word in range(count):
        slot = np.int64(hash_text(arena_eight, begin[word], begin[word + 1] - begin[word]) & np.uint64(mask))
        while slots[slot] != NOTHING:
            slot = (slot + 1) & mask
        slots[slot] = word


@inlined
def hash_text(eight: NDArray[np.uint64], at: int, size: int) -> np.uint64:
    """A hash of `size` bytes at `at`, 1 or more."""
    code = np.uint64(size)
    for more in range(0, size, 8):
        word = eight[at + more] if size >= more + 8 else eight[at + more] & low_bytes(size - more)
        code = (code ^ word) * MULTIPLIER
        code ^= code >> np.uint64(32)
    return code
