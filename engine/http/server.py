"""The HTTP endpoint of a host: /health, /ready and /metrics, on the host's event loop, for reading only."""

import hmac
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from engine.http.probes import Probes, reasons, samples
from engine.http.settings import HttpSettings
from engine.http.text import CONTENT_TYPE, exposition
from engine.intake.listen import HINTS, ListenError

BODY_MAX = 1024
SHUTDOWN_S = 1.0


class HttpServer:
    """A service of the host: it is started first and stopped last, so that it can say that others start and stop."""

    def __init__(self, settings: HttpSettings, probes: Probes) -> None:
        self._settings = settings
        self._probes = probes
        self._runner: web.AppRunner | None = None
        self._port = settings.port

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    @property
    def address(self) -> str:
        """Host and port, as one would write them after http://."""
        host = self._settings.host
        return f"[{host}]:{self._port}" if ":" in host else f"{host}:{self._port}"

    async def start(self) -> None:
        """Listen. OSError where it cannot."""
        app = web.Application(client_max_size=BODY_MAX)
        app.router.add_get("/health", self._health)
        app.router.add_get("/ready", self._ready)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_route("*", "/{other:.*}", _elsewhere)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S, handle_signals=False)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._settings.host, self._settings.port)
        try:
            await site.start()
        except OSError as error:
            await self.stop()
            why = HINTS.get(error.errno or 0, error.strerror)
            place = f"{self._settings.host}:{self._settings.port}"
            raise ListenError(error.errno, f"HTTP endpoint: cannot listen on {place}: {why}") from error
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Answer no more."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _health(self, request: web.Request) -> web.Response:
        found = reasons(self._probes.healthy)
        return self._said(request, "healthy", found, {"checked": sorted(self._probes.healthy)})

    async def _ready(self, request: web.Request) -> web.Response:
        found = reasons(self._probes.ready)
        return self._said(request, "ready", found, self._probes.facts())

    async def _metrics(self, request: web.Request) -> web.Response:
        if not self._known(request):
            headers = {"WWW-Authenticate": "Bearer"}
            return web.Response(status=401, text="expected the header: Authorization: Bearer TOKEN\n", headers=headers)
        text = self._probes.redact(exposition(await samples(self._probes)))
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})

    def _said(self, request: web.Request, word: str, found: Mapping[str, str], facts: Mapping[str, Any]) -> web.Response:
        """200 or 503. Who has no token where one is asked for learns nothing but that."""
        content = {word: not found, "reasons": found, **facts} if self._known(request) else {word: not found}
        text = self._probes.redact(orjson.dumps(content, option=orjson.OPT_INDENT_2).decode())
        return web.Response(status=503 if found else 200, text=text, content_type="application/json")

    def _known(self, request: web.Request) -> bool:
        token = self._settings.token
        if token is None:
            return True
        sent = request.headers.get("Authorization", "")
        return hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), f"Bearer {token.reveal()}".encode())


async def _elsewhere(request: web.Request) -> web.Response:
    hint = f"{request.path[:100]}: there is nothing; here are /health, /ready and /metrics (GET)\n"
    return web.Response(status=404, text=hint)
