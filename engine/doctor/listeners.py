"""The ports of the intake and of the HTTP endpoint: ours, free, or somebody else's."""

import socket
from collections.abc import Iterator
from pathlib import Path

from engine.doctor.finding import Finding, error, good, note
from engine.doctor.patient import Patient
from engine.log.lock import owner_of

LISTEN = "0A"
"""State of a listening socket in /proc/net/tcp."""


def listener_findings(patient: Patient) -> Iterator[Finding]:
    """Every port that the configuration names."""
    owner = owner_of(patient.config.host.data)
    places = [(one.host, one.port) for one in patient.config.listeners]
    if patient.config.http is not None:
        places.append((patient.config.http.host, patient.config.http.port))
    for host, port in places:
        if port:
            yield _port(host, port, owner)


def _port(host: str, port: int, owner: int | None) -> Finding:
    where = f"{host}:{port}"
    if not _is_open(host, port):
        return good("listener_free", where) if owner is None else error("listener_closed", where, pid=owner)
    if owner is None:
        return error("listener_taken", where)
    ours = listens_at(owner, port)
    if ours is None:
        return note("listener_unknown", where, pid=owner)
    return good("listener_ours", where, pid=owner) if ours else error("listener_taken", where)


def _is_open(host: str, port: int) -> bool:
    address = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    try:
        with socket.create_connection((address, port), timeout=2):
            return True
    except OSError:
        return False


def listens_at(pid: int, port: int) -> bool | None:
    """Whether a process holds the socket that listens at a port; None where that cannot be seen."""
    sockets = set()
    try:
        for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
            for line in table.read_text().splitlines()[1:] if table.exists() else ():
                fields = line.split()
                if fields[3] == LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                    sockets.add(f"socket:[{fields[9]}]")
        fds = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return None
    return any(_target(fd) in sockets for fd in fds)


def _target(fd: Path) -> str:
    """What a descriptor leads to; "" where it was closed meanwhile."""
    try:
        return str(fd.readlink())
    except OSError:
        return ""
