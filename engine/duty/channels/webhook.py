"""A signed webhook: a page as JSON by HTTP POST.

Headers: `Outfall-Timestamp` (seconds since 1970), `Outfall-Signature: v1=<hex>` with
hex = HMAC-SHA256(secret, timestamp + "." + body), `Idempotency-Key` = page id, the same for a resend.
The receiver's answer counts by its body: JSON with `code` (or `errcode`) 0 is taken, any other code is refused, whatever
the HTTP status says; without a code a 2xx status is taken.
"""

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import aiohttp
import orjson

from engine.duty.channels.channel import Outcome, Status
from engine.duty.page import Page
from engine.duty.page_text import page_text
from engine.duty.settings import Secret

ANSWER_BYTES = 64 * 1024
DETAIL_CHARS = 300
BUSY = frozenset({408, 425, 429})
"""Statuses below 500 that may be different later."""


class Webhook:
    """Posts pages to one URL. `now_s` tells the time that is signed."""

    def __init__(self, *, url: str, secret: Secret, timeout_s: float = 10.0, now_s: Callable[[], float] = time.time) -> None:
        self._url = url
        self._secret = secret
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._now_s = now_s
        self._session: aiohttp.ClientSession | None = None

    async def send(self, page: Page) -> Outcome:
        """Post it once."""
        body = page_json(page)
        timestamp = str(int(self._now_s()))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Idempotency-Key": page.page_id,
            "Outfall-Timestamp": timestamp,
            "Outfall-Signature": f"v1={sign(self._secret, timestamp, body)}",
        }
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        try:
            async with self._session.post(self._url, data=body, headers=headers, allow_redirects=False) as answer:
                return outcome_of(answer.status, await answer.content.read(ANSWER_BYTES))
        except aiohttp.ClientConnectorError as error:
            return _failed(f"{type(error).__name__}: {error}", uncertain=False)
        except TimeoutError:
            return _failed(f"no answer within {self._timeout.total:g} s", uncertain=True)
        except (aiohttp.ClientError, OSError) as error:
            return _failed(f"{type(error).__name__}: {error}", uncertain=True)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def page_json(page: Page) -> bytes:
    """The body: the page's fields, what it is about, and its text in the person's language."""
    return orjson.dumps({**asdict(page), "text": page_text(page)})


def sign(secret: Secret, timestamp: str, body: bytes) -> str:
    """The signature a receiver computes for itself and compares.

    >>> sign(Secret("k"), "1772337600", b"{}")[:16]
    'b4cb32cc4009e892'
    """
    return hmac.new(secret.reveal().encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def outcome_of(status: int, body: bytes) -> Outcome:
    """What an answer means.

    >>> outcome_of(200, b'{"errcode": 130101, "errmsg": "send too fast"}').status.value
    'refused'
    >>> outcome_of(503, b"").retry, outcome_of(404, b"no such hook").retry
    (True, False)
    """
    said = _object(body)
    code = said.get("code", said.get("errcode"))
    text = str(
        said.get("message") or said.get("msg") or said.get("errmsg") or body[:DETAIL_CHARS].decode("utf-8", "replace")
    )
    detail = f"HTTP {status}" + (f", code {code}" if code is not None else "") + (f": {text}" if text else "")
    if 200 <= status < 300 and code in (None, 0, "0"):
        name = str(said.get("id") or said.get("message_id") or "")
        return Outcome(status=Status.DELIVERED, detail=detail[:DETAIL_CHARS], provider_id=name)
    later = status in BUSY or status >= 500 or 200 <= status < 300  # a code in a 2xx: throttling, mostly
    return Outcome(status=Status.REFUSED, retry=later, detail=detail[:DETAIL_CHARS])


def _failed(detail: str, *, uncertain: bool) -> Outcome:
    return Outcome(status=Status.FAILED, retry=True, detail=detail[:DETAIL_CHARS], uncertain=uncertain)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
