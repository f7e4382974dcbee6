"""Write the certificates that this machine trusts into a store that Java reads, for a Java whose own store was never made."""

import os
import ssl
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore


def trusted() -> bytes:
    """The machine's bundle, PEM."""
    named = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    return Path(named).read_bytes()


def main(into: str) -> None:
    """Write the store; its password is the usual one, since it holds nothing secret."""
    found = x509.load_pem_x509_certificates(trusted())
    named = [PKCS12Certificate(one, f"trusted {number}".encode()) for number, one in enumerate(found)]
    Path(into).write_bytes(serialize_java_truststore(named, BestAvailableEncryption(b"changeit")))


if __name__ == "__main__":
    main(sys.argv[1])
