"""The CRC of HJ 212, and the wrong algorithms devices use in its place."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from sensors.kernel import compiled

POLYNOMIAL = 0xA001


def _table() -> NDArray[np.int64]:
    rows = np.arange(256)
    for _ in range(8):
        rows = np.where(rows & 1, (rows >> 1) ^ POLYNOMIAL, rows >> 1)
    return rows


TABLE = _table()


class Crc(StrEnum):
    """Which algorithm made the CRC of a frame."""

    RIGHT = "right"  # HJ 212-2017 annex A
    MODBUS = "modbus"  # CRC-16/MODBUS
    SWAPPED = "swapped"  # HJ 212, bytes in the wrong order
    MODBUS_SWAPPED = "modbus_swapped"
    NONE = "none"  # none of these: the text was changed after the CRC was made, or it is a placeholder


@compiled
def crc_of(blob: NDArray[np.uint8], start: int, end: int, table: NDArray[np.int64]) -> int:
    """HJ 212 CRC of blob[start:end]. The register is shifted before a byte goes in, so only its high byte lives on."""
    high = 0xFF
    register = 0xFFFF
    for at in range(start, end):
        register = int(table[high ^ blob[at]])
        high = register >> 8
    return register


@compiled
def modbus_of(blob: NDArray[np.uint8], start: int, end: int, table: NDArray[np.int64]) -> int:
    """CRC-16/MODBUS of blob[start:end]."""
    register = 0xFFFF
    for at in range(start, end):
        register = (register >> 8) ^ int(table[(register ^ blob[at]) & 0xFF])
    return register


def crc(data: bytes) -> int:
    """The CRC of a data segment (HJ 212-2017 annex A).

    >>> f"{crc(b'123456789'):04X}", f"{modbus(b'123456789'):04X}"
    ('2F80', '4B37')
    """
    return int(crc_of(np.frombuffer(data, np.uint8), 0, len(data), TABLE))


def modbus(data: bytes) -> int:
    """CRC-16/MODBUS, which a family of devices sends instead."""
    return int(modbus_of(np.frombuffer(data, np.uint8), 0, len(data), TABLE))


def algorithm(data: bytes, sent: int) -> Crc:
    """Which algorithm turns `data` into the CRC that was sent.

    >>> algorithm(b"123456789", 0x374B)
    <Crc.MODBUS_SWAPPED: 'modbus_swapped'>
    """
    right, wrong = crc(data), modbus(data)
    found = {_swap(wrong): Crc.MODBUS_SWAPPED, _swap(right): Crc.SWAPPED, wrong: Crc.MODBUS, right: Crc.RIGHT}
    return found.get(sent, Crc.NONE)


def _swap(register: int) -> int:
    return (register & 0xFF) << 8 | register >> 8
