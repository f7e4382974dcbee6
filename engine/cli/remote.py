"""A host asked over HTTP: what /ready says of it."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.cli.base import fail
from engine.exit_codes import ExitCode

PATIENCE_S = 10.0


def ask(url: str, token_file: Path | None) -> dict[str, Any]:
    """The answer of `<url>/ready`, ready or not; Failure where there is none."""
    if urlsplit(url).scheme not in ("http", "https"):
        fail(ExitCode.USAGE, "cli.status.bad_url", url=url)
    request = urllib.request.Request(f"{url.rstrip('/')}/ready")
    if token_file is not None:
        request.add_header("Authorization", f"Bearer {token_file.read_text('utf-8').strip()}")
    try:
        with urllib.request.build_opener(_Here).open(request, timeout=PATIENCE_S) as answer:
            body = answer.read()
    except urllib.error.HTTPError as error:
        body = error.read() if error.code == 503 else fail(ExitCode.FAILED, "cli.status.no_answer", url=url, reason=error)
    except (OSError, ValueError) as error:
        fail(ExitCode.FAILED, "cli.status.no_answer", url=url, reason=getattr(error, "reason", error))
    try:
        found: dict[str, Any] = json.loads(body)
    except ValueError:
        fail(ExitCode.FAILED, "cli.status.no_answer", url=url, reason="not the answer of a host")
    return found


class _Here(urllib.request.HTTPRedirectHandler):
    """The token goes to the host that was named, and to no other."""

    def redirect_request(self, *_: object) -> None:
        """Follow none."""
