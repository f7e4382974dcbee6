"""The other end of the webhook: a small server on loopback that checks signatures and remembers what came."""

import hmac
from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from engine.duty.channels.webhook import sign
from engine.duty.settings import Secret

PATH = "/pages"


class Receiver:
    """Takes pages over HTTP. `seen` counts how often each page came; `forged` what had no right signature."""

    def __init__(self, secret: Secret, on_page: Callable[[dict[str, Any]], None]) -> None:
        self.seen: Counter[str] = Counter()
        self.forged = 0
        self._secret = secret
        self._on_page = on_page
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Listen on a free port; returns the URL."""
        app = web.Application()
        app.router.add_post(PATH, self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        return f"http://127.0.0.1:{port}{PATH}"

    async def stop(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        ours = sign(self._secret, request.headers.get("Outfall-Timestamp", ""), body)
        if not hmac.compare_digest(f"v1={ours}", request.headers.get("Outfall-Signature", "")):
            self.forged += 1
            return web.json_response({"code": 401, "message": "signature: expected another one"}, status=401)
        page = orjson.loads(body)
        self.seen[page["page_id"]] += 1
        if self.seen[page["page_id"]] == 1:
            self._on_page(page)
        return web.json_response({"code": 0, "id": page["page_id"]})
