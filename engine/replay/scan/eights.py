"""Text eight bytes at a time: padded bytes, and compiled tests on the eight bytes that begin at any place.

Every `data` that is scanned ends with `PAD` line feeds that are not part of the text. They stop every loop, so that no
loop asks whether the text has ended, and let eight bytes be read at its last one.
"""

import numpy as np
from numpy.typing import NDArray

from sensors.kernel import inlined

PAD = 8
QUOTE, BACKSLASH, LF = 34, 92, 10
ONES, TOPS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
QUOTES, BACKSLASHES, BLANKS = ONES * np.uint64(QUOTE), ONES * np.uint64(BACKSLASH), ONES * np.uint64(32)
ZEROS, BEYOND_NINE = ONES * np.uint64(48), ONES * np.uint64(0x76)
PLACES = np.uint64(0x0001020304050607)
FULL = np.uint64(0xFFFFFFFFFFFFFFFF)


def padded(raw: bytes) -> NDArray[np.uint8]:
    """Bytes as `data` for the scanners.

    >>> padded(b"ab").tobytes()
    b'ab\\n\\n\\n\\n\\n\\n\\n\\n'
    """
    return np.frombuffer(raw + b"\n" * PAD, np.uint8)


def eights(data: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """A view of `data` whose element i is the eight bytes from byte i on, the first the lowest.

    >>> hex(eights(padded(b"abcdefghi"))[1])
    '0x6968676665646362'
    """
    return np.ndarray(shape=(len(data) - PAD + 1,), dtype=np.dtype("<u8"), buffer=data, strides=(1,))


@inlined
def same_text(one: NDArray[np.uint64], at: int, other: NDArray[np.uint64], begin: int, length: int) -> bool:
    """Whether `length` bytes at `at` of one text (as `eights`) are those at `begin` of another."""
    while length >= 8 and one[at] == other[begin]:
        at += 8
        begin += 8
        length -= 8
    return length < 8 and ((one[at] ^ other[begin]) & low_bytes(length)) == 0


@inlined
def low_bytes(count: int) -> np.uint64:
    """A mask of the first `count` bytes of eight, 0 to 7."""
    return ~(FULL << np.uint64(8 * count))


@inlined
def first_marked(found: np.uint64) -> int:
    """Which of eight bytes, 0 to 7, is the first whose highest bit is set in `found`, which is not 0."""
    lowest = found & (~found + np.uint64(1))
    return int(((lowest >> np.uint64(7)) * PLACES) >> np.uint64(56))


@inlined
def digits_end(eight: NDArray[np.uint64], at: int) -> int:
    """The first byte from `at` on that is no digit. Less '0', a digit plus 0x76 stays below 0x80; all else does not."""
    marked = np.uint64(0)
    at -= 8
    while marked == 0:
        at += 8
        value = eight[at] ^ ZEROS
        marked = ((value + BEYOND_NINE) | value) & TOPS
    return at + first_marked(marked)


@inlined
def text_end(eight: NDArray[np.uint64], at: int, high: np.uint64) -> int:
    """The first byte from `at` on that is a quote, a backslash, a control, or beyond ASCII (if `high` is `TOPS`, not 0).

    The usual test for a zero byte: exact for the lowest one, which is the one that counts.
    """
    found = np.uint64(0)
    at -= 8
    while found == 0:
        at += 8
        word = eight[at]
        quote, slash = word ^ QUOTES, word ^ BACKSLASHES
        found = ((quote - ONES) & ~quote) | ((slash - ONES) & ~slash) | ((word - BLANKS) & ~word) | (word & high)
        found &= TOPS
    return at + first_marked(found)
