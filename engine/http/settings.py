"""Settings of the HTTP endpoint."""

from dataclasses import dataclass

from engine.duty.settings import Secret

HTTP_PORT = 8090


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """Where a host says how it is. Off loopback a token is required."""

    host: str = "127.0.0.1"
    port: int = HTTP_PORT  # 0: any free port; read it back from `HttpServer.port`
    token: Secret | None = None  # given: asked of everybody; without it only "yes" or "no" is said
    behind_s_max: float = 60.0  # ready: the judge and the desk are at most so far behind the log
