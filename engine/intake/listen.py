"""The listening socket, with errors a person can act on."""

import asyncio
import contextlib
import errno
import resource
import ssl
from collections.abc import Callable
from pathlib import Path

from engine.intake.settings import IntakeSettings, TlsSettings

BACKLOG = 1024

HINTS = {
    errno.EADDRINUSE: "another program listens there: stop it, or set another port",
    errno.EACCES: "ports below 1024 need a right this user lacks: set a higher one",
    errno.EADDRNOTAVAIL: "this machine has no such address: expected one of its own, 127.0.0.1 or 0.0.0.0",
}


class ListenError(OSError):
    """The endpoint cannot listen as it is told to."""


async def listen(settings: IntakeSettings, make: Callable[[], asyncio.BaseProtocol]) -> asyncio.Server:
    """Listen at settings.host and settings.port; every connection gets a protocol from `make`."""
    context = tls_context(settings.tls) if settings.tls else None
    let_files_be_open(settings.connections_max + 256)
    try:
        return await asyncio.get_running_loop().create_server(
            make,
            settings.host,
            settings.port,
            ssl=context,
            ssl_handshake_timeout=settings.connect_s_max if context else None,
            backlog=BACKLOG,
        )
    except OSError as error:
        why = HINTS.get(error.errno or 0, error.strerror)
        raise ListenError(error.errno, f"MQTT intake: cannot listen on {settings.host}:{settings.port}: {why}") from error


def tls_context(tls: TlsSettings) -> ssl.SSLContext:
    """TLS 1.2 or newer with our certificate; with a client CA, for clients that show a certificate of theirs."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        for file in (tls.cert, tls.key, *([tls.client_ca] if tls.client_ca else [])):
            with Path(file).open("rb"):
                pass
        context.load_cert_chain(tls.cert, tls.key)
        if tls.client_ca:
            context.load_verify_locations(tls.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except ssl.SSLError as error:
        what = f"{tls.cert} and {tls.key}: expected a PEM certificate and its key"
        raise ListenError(f"MQTT intake: {what}{', and a CA' if tls.client_ca else ''}: {error}") from error
    except OSError as error:
        raise ListenError(error.errno, f"MQTT intake: {error.filename}: {error.strerror}") from error
    return context


def let_files_be_open(count: int) -> None:
    """Raise this process's bound on open files towards `count`, as far as the system allows: a socket is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
