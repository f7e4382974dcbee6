"""Fetch one file whose checksum is known. Standard library only. Exit code 1, with the reason, where it cannot be had."""

import hashlib
import ssl
import sys
import urllib.request
from pathlib import Path

SILENCE_S = 5
"""A closed network is found out this quickly."""


def main(url: str, sha256: str, into: str) -> int:
    """Fetch into a file; 0 if it is what was expected."""
    try:
        with urllib.request.urlopen(url, timeout=SILENCE_S, context=ssl.create_default_context()) as answer:
            content: bytes = answer.read()
    except OSError as error:
        print(f"fetch_file: {url}: {error}", file=sys.stderr)
        return 1
    got = hashlib.sha256(content).hexdigest()
    if got != sha256:
        print(f"fetch_file: {url}: expected the sha256 {sha256}, got {got}", file=sys.stderr)
        return 1
    Path(into).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
