"""Fetch the newest pip wheel into a directory, from the places pip itself is set up for. Standard library only.

For a Python without ensurepip where nobody may install packages. Exit code 1, with the reason, where there is none.
"""

import configparser
import html
import os
import re
import ssl
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

WHEEL = re.compile(r"pip-(\d+(?:\.\d+)*)-py3-none-any\.whl$")


def config_files() -> list[Path]:
    """Where pip looks for its settings, the strongest last."""
    named = os.environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    home = Path.home()
    user = Path(os.environ.get("XDG_CONFIG_HOME", home / ".config"))
    files = [Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf"), home / ".pip/pip.conf", user / "pip/pip.conf"]
    return [*files, Path(named)] if named else files


def setting(name: str) -> list[str]:
    """The values of one of pip's settings: from the environment, else from its files."""
    value = os.environ.get("PIP_" + name.upper().replace("-", "_"))
    if value is None:
        parser = configparser.RawConfigParser()
        parser.read(config_files(), encoding="utf-8")
        value = parser.get("install", name, fallback=parser.get("global", name, fallback=""))
    return value.split()


def fetch(url: str) -> bytes:
    """The bytes at an address, trusting the certificates that pip is told to trust."""
    trusted = ssl.create_default_context(cafile=next(iter(setting("cert")), None))
    with urllib.request.urlopen(url, timeout=60, context=trusted) as answer:
        content: bytes = answer.read()
    return content


def links(page: str) -> Iterator[str]:
    """Addresses of pip wheels on an index page or in a directory."""
    if "://" not in page:
        yield from (path.as_uri() for path in Path(page).expanduser().glob("pip-*.whl"))
        return
    text = fetch(page).decode("utf-8", "replace")
    for href in re.findall(r'href\s*=\s*["\']([^"\']+)', text):
        yield urllib.parse.urljoin(page, html.unescape(href)).partition("#")[0]


def wheels() -> Iterator[tuple[tuple[int, ...], str]]:
    """(version, address) of every pip wheel to be had."""
    indexes = [url.rstrip("/") + "/pip/" for name in ("index-url", "extra-index-url") for url in setting(name)]
    for page in [*setting("find-links"), *indexes]:
        try:
            for link in links(page):
                if found := WHEEL.search(urllib.parse.unquote(link)):
                    yield tuple(int(n) for n in found[1].split(".")), link
        except OSError as error:
            print(f"fetch_pip: {page}: {error}", file=sys.stderr)


def main(into: str) -> int:
    """Fetch into a directory; 0 if a wheel is there."""
    best = max(wheels(), default=None)
    if best is None:
        print("fetch_pip: pip is set up for no index that has a pip wheel (PIP_INDEX_URL, pip.conf)", file=sys.stderr)
        return 1
    name = urllib.parse.unquote(best[1].rpartition("/")[2])
    (Path(into) / name).write_bytes(fetch(best[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
