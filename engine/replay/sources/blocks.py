"""The text of a file as blocks of whole lines in UTF-8, whatever its encoding and compression."""

import codecs
import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

BLOCK = 1 << 20
"""Bytes of a block: small enough to stay in the cache while columns are made of it."""

LINE_MAX = 16 << 20
"""A line longer than this is no line of readings."""

GZIP = b"\x1f\x8b"
BOM = codecs.BOM_UTF8


class NotARecordingError(ValueError):
    """The file cannot be read as what it is said to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Whole lines; only the last line of the last block may lack its line feed."""

    text: bytes  # UTF-8, as far as the file is in the encoding it is said to be in
    at: int  # how many bytes of the file were read so far
    last: bool


def blocks(file: Path, encoding: str = "utf-8", size: int = BLOCK) -> Iterator[Block]:
    """All blocks of a text file, gz or plain. NotARecordingError where it is cut short, damaged or not text."""
    decode = Transcoder(encoding)
    carry, first = b"", True
    with opened(file) as (stream, raw):
        while True:
            piece = _read(file, stream, size)
            text = decode(piece, not piece, file)
            if first:
                text, first = text.removeprefix(BOM), False
            whole, carry = _whole_lines(carry + text)
            if len(carry) > LINE_MAX:
                raise NotARecordingError(f"{file}: expected lines, got {len(carry):,} bytes without a line feed")
            if not piece:
                yield Block(text=whole + carry, at=raw.tell(), last=True)
                return
            if whole:
                yield Block(text=whole, at=raw.tell(), last=False)


@contextmanager
def opened(file: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """(the content, the file itself): not the same where it is compressed."""
    with file.open("rb") as raw:
        packed = raw.read(2) == GZIP
        raw.seek(0)
        if not packed:
            yield raw, raw
            return
        with gzip.GzipFile(fileobj=raw) as stream:
            yield stream, raw  # type: ignore[misc]


def _read(file: Path, stream: IO[bytes], size: int) -> bytes:
    try:
        return stream.read(size)
    except (EOFError, gzip.BadGzipFile, OSError) as error:
        raise NotARecordingError(f"{file}: cannot be unpacked: {error}") from error


def _whole_lines(text: bytes) -> tuple[bytes, bytes]:
    end = text.rfind(b"\n") + 1
    return text[:end], text[end:]


class Transcoder:
    """Bytes of an encoding to UTF-8, piece by piece. UTF-8 passes as it is: whoever reads a cell looks at it."""

    def __init__(self, encoding: str) -> None:
        self.name = codecs.lookup(encoding).name
        self.decoder = codecs.getincrementaldecoder(encoding)()

    def __call__(self, piece: bytes, last: bool, file: Path) -> bytes:
        if self.name in ("utf-8", "ascii"):
            return piece
        try:
            return self.decoder.decode(piece, last).encode()
        except UnicodeDecodeError as error:
            raise NotARecordingError(f"{file}: is not {self.name}: {error.reason}; state csv.encoding") from error
