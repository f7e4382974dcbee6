"""Write the certificates that this machine trusts into a store that Java reads, for a Java without one of its own."""

import os
import re
import ssl
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore

PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def trusted() -> Iterator[x509.Certificate]:
    """The machine's certificates; one that is malformed is left out."""
    named = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    for pem in PEM.findall(Path(named).read_bytes()):
        try:
            yield x509.load_pem_x509_certificate(pem)
        except ValueError as error:
            print(f"java_trust: {named}: {error}", file=sys.stderr)


def main(into: str) -> None:
    """Write the store; its password is the usual one, since it holds nothing secret."""
    warnings.simplefilter("ignore")  # old authorities have odd serial numbers
    named = [PKCS12Certificate(one, f"trusted {number}".encode()) for number, one in enumerate(trusted())]
    Path(into).write_bytes(serialize_java_truststore(named, BestAvailableEncryption(b"changeit")))


if __name__ == "__main__":
    main(sys.argv[1])
