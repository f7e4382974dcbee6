"""When a certificate ends, read from its bytes: the standard library does not tell it of a certificate it does not trust."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

SEQUENCE, INTEGER, UTC_TIME, GENERALIZED_TIME, VERSION = 0x30, 0x02, 0x17, 0x18, 0xA0
BEGIN = "-----BEGIN CERTIFICATE-----"
END = "-----END CERTIFICATE-----"


def ends_at(der: bytes) -> datetime:
    """The end of a certificate's validity (RFC 5280, 4.1); ValueError where it is none."""
    try:
        certificate = next(_elements(der))[1]
        fields = list(_elements(next(_elements(certificate))[1]))
        fields = fields[1:] if fields[0][0] == VERSION else fields
        validity = fields[3][1]  # after serialNumber, signature, issuer
        tag, text = list(_elements(validity))[1]
    except (IndexError, StopIteration) as error:
        raise ValueError("expected a certificate in DER") from error
    form = {UTC_TIME: "%y%m%d%H%M%SZ", GENERALIZED_TIME: "%Y%m%d%H%M%SZ"}.get(tag, "")
    return datetime.strptime(text.decode("ascii", "replace"), form).replace(tzinfo=UTC)


def certificates_in(file: Path) -> list[bytes]:
    """Every certificate of a PEM file, DER."""
    parts = file.read_text("ascii", "replace").split(BEGIN)[1:]
    return [ssl.PEM_cert_to_DER_cert(f"{BEGIN}{part.partition(END)[0]}{END}\n") for part in parts]


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element (DER)."""
    at = 0
    while at < len(data):
        tag, size, start = data[at], data[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            size, start = int.from_bytes(data[start : start + count]), start + count
        yield tag, data[start : start + size]
        at = start + size
