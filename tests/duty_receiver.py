"""A receiver of signed webhooks, as a user would write one: checks the signature, drops what it has had by its key."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson
from aiohttp import web

Answer = Callable[[int], web.StreamResponse]
"""The answer to the n-th request, counted from 0."""


def ok(_: int) -> web.StreamResponse:
    return web.json_response({"code": 0, "id": "m-1"})


@dataclass
class Receiver:
    """What came in."""

    secret: str
    answer: Answer = ok
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def pages(self) -> set[str]:
        """Pages, each once."""
        return set(self.keys)

    async def receive(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        timestamp = request.headers["Outfall-Timestamp"]
        signed = hmac.new(self.secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(request.headers["Outfall-Signature"], f"v1={signed}"):
            return web.json_response({"code": 401, "message": "bad signature"}, status=401)
        self.bodies.append(orjson.loads(body))
        self.keys.append(request.headers["Idempotency-Key"])
        return self.answer(len(self.keys) - 1)


R = TypeVar("R", bound=Receiver)


@asynccontextmanager
async def listening(receiver: R) -> AsyncIterator[R]:
    """Serve it on a free port of this machine."""
    app = web.Application()
    app.router.add_post("/hook", receiver.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()
