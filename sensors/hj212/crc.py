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


STEPS = np.empty((8, 256), np.uint8)
"""STEPS[k][x]: the high byte of the register k + 1 bytes after x went in. The CRC is linear, so the parts just add up."""
STEPS[0] = TABLE >> 8
for _k in range(1, 8):
    STEPS[_k] = STEPS[0][STEPS[_k - 1]]


@compiled
def crc_of(blob: NDArray[np.uint8], start: int, end: int) -> int:
    """HJ 212 CRC of blob[start:end]. The register is shifted before a byte goes in, so only its high byte lives on."""
    if start == end:
        return 0xFFFF
    high = np.int64(0xFF)
    at, last = start, end - 1
    while at + 8 <= last:
        high = np.int64(STEPS[7, high ^ blob[at]])
        for k in range(1, 8):
            high ^= STEPS[7 - k, blob[at + k]]
        at += 8
    for i in range(at, last):
        high = np.int64(STEPS[0, high ^ blob[i]])
    return int(TABLE[high ^ blob[last]])


@compiled
def modbus_of(blob: NDArray[np.uint8], start: int, end: int) -> int:
    """CRC-16/MODBUS of blob[start:end]."""
    register = np.int64(0xFFFF)
    for at in range(start, end):
        register = (register >> 8) ^ TABLE[(register ^ blob[at]) & 0xFF]
    return int(register)


def crc(data: bytes) -> int:
    """The CRC of a data segment (HJ 212-2017 annex A).

    >>> f"{crc(b'123456789'):04X}", f"{modbus(b'123456789'):04X}"
    ('2F80', '4B37')
    """
    return int(crc_of(np.frombuffer(data, np.uint8), 0, len(data)))


def modbus(data: bytes) -> int:
    """CRC-16/MODBUS, which a family of devices sends instead."""
    return int(modbus_of(np.frombuffer(data, np.uint8), 0, len(data)))


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
