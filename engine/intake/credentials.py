"""Who may log in at the intake: one random secret per device or gateway, kept as a salted hash in one small file."""

import contextlib
import fcntl
import hashlib
import hmac
import os
import re
import secrets
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

NAME = re.compile(r"[0-9A-Za-z._-]{1,64}")
"""Of logins and MNs: what can stand in one level of a topic."""

Row = dict[str, Any]
"""One login in the file: salt and sha256 (hex) and, for a gateway, mns."""

SECRET_BYTES = 18
"""144 random bits: too many to guess, so one round of a hash is enough and 100,000 devices can reconnect at once."""


class CredentialsError(ValueError):
    """The credentials file cannot be used, or a name in it cannot be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Somebody who may log in, and for which monitors."""

    name: str
    mns: frozenset[str]  # a device: its own; a gateway: those behind it
    salt: bytes
    digest: bytes

    @property
    def is_gateway(self) -> bool:
        """Speaks for others than itself."""
        return self.mns != {self.name}

    def matches(self, secret: bytes) -> bool:
        """Whether this is the secret; the time taken does not tell how much of it was right."""
        return hmac.compare_digest(_digest(self.salt, secret), self.digest)


NOBODY = Login(name="", mns=frozenset(), salt=b"nobody", digest=bytes(32))
"""Compared with where the name is unknown, so that the time does not tell which names exist."""


class Credentials:
    """The credentials file of a data directory, 0600, read again when it has changed. A missing file lets nobody in.

    Several processes may use one file: `add` and `remove` hold a lock beside it, readers see the old or the new file.

    >>> path = Path(tempfile.mkdtemp()) / "devices.json"
    >>> secret = Credentials(path).add("010000A8900016F000169DC0")
    >>> Credentials(path).verify("010000A8900016F000169DC0", secret.encode()).mns
    frozenset({'010000A8900016F000169DC0'})
    >>> Credentials(path).verify("010000A8900016F000169DC0", b"a guess") is None
    True
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.version = 0  # grows when the file has been read again
        self._stamp: tuple[int, ...] | None = None
        self._rows: dict[str, Row] = {}

    def verify(self, name: str, secret: bytes) -> Login | None:
        """The login if the secret is its own, else None."""
        login = self.login(name)
        matches = (login or NOBODY).matches(secret)
        return login if matches else None

    def login(self, name: str) -> Login | None:
        """Who logs in under that name, as the file says now."""
        self.refresh()
        row = self._rows.get(name)
        return None if row is None else self._login(name, row)

    def logins(self) -> dict[str, Login]:
        """Everybody who may log in, by name. CredentialsError if any row of the file is wrong."""
        self.refresh()
        return {name: self._login(name, row) for name, row in self._rows.items()}

    def refresh(self) -> None:
        """Read the file again if it has changed. Rows are looked into when asked for: 100,000 take 0.1 s, not 1 s."""
        stamp = _stamp(self.path)
        if stamp != self._stamp:
            self._rows = _read(self.path) if stamp else {}
            self._stamp = stamp
            self.version += 1

    def add(self, name: str, mns: Iterable[str] = ()) -> str:
        """Let a device (no `mns`) or a gateway (its `mns`) in. The secret is returned here and never again.

        A name that is there already gets a new secret; the old one ends.
        """
        return self.add_many({name: tuple(mns)})[name]

    def add_many(self, wanted: Mapping[str, Iterable[str]]) -> dict[str, str]:
        """`add` for many names with one write of the file: name -> MNs in, name -> secret out."""
        given = {name: secrets.token_urlsafe(SECRET_BYTES) for name in wanted}
        added = {name: _row(name, sorted(mns), given[name]) for name, mns in wanted.items()}
        with self._locked():
            self.refresh()
            self._write({**self._rows, **added})
        return given

    def remove(self, name: str) -> bool:
        """Let it in no more. False if it was not there."""
        with self._locked():
            self.refresh()
            kept = dict(self._rows)
            gone = kept.pop(name, None)
            if gone is not None:
                self._write(kept)
        return gone is not None

    def _login(self, name: str, row: Row) -> Login:
        try:
            salt, digest = bytes.fromhex(row["salt"]), bytes.fromhex(row["sha256"])
            return Login(name=name, mns=frozenset(row.get("mns", [name])), salt=salt, digest=digest)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise _not_ours(self.path, f"login {name!r}: {error!r}") from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with _named(self.path, "write"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.path.with_name(self.path.name + ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, rows: Mapping[str, Row]) -> None:
        lines = b",\n".join(orjson.dumps(name) + b":" + orjson.dumps(row) for name, row in sorted(rows.items()))
        body = b'{"version":1,"logins":{\n' + lines + b"\n}}\n"
        with _named(self.path, "write"), tempfile.NamedTemporaryFile(dir=self.path.parent, delete=False) as file:
            try:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(self.path)  # NamedTemporaryFile makes it 0600
            except OSError:
                Path(file.name).unlink()
                raise


def _digest(salt: bytes, secret: bytes) -> bytes:
    return hashlib.sha256(salt + secret).digest()


def _row(name: str, mns: list[str], secret: str) -> Row:
    for word in (name, *mns):
        if not NAME.fullmatch(word):
            raise CredentialsError(f"login {name!r}: {word!r} cannot stand in a topic, expected {NAME.pattern}")
    salt = secrets.token_bytes(16)
    row: Row = {"salt": salt.hex(), "sha256": _digest(salt, secret.encode()).hex()}
    return {**row, "mns": mns} if mns else row


def _stamp(path: Path) -> tuple[int, ...] | None:
    """Changes whenever the file does; None: no file."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def _read(path: Path) -> dict[str, Row]:
    with _named(path, "read"):
        mode = path.stat().st_mode & 0o777
        body = path.read_bytes()
    if mode & 0o077:
        raise CredentialsError(f"{path}: mode is {mode:03o}, expected 600: others on this machine can read it")
    try:
        rows = orjson.loads(body)["logins"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise _not_ours(path, repr(error)) from error
    if not isinstance(rows, dict):
        raise _not_ours(path, f"logins are a {type(rows).__name__}")
    return rows


def _not_ours(path: Path, why: str) -> CredentialsError:
    return CredentialsError(f"{path}: expected the credentials file of outfall, version 1: {why}")


@contextlib.contextmanager
def _named(path: Path, act: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CredentialsError(f"{path}: cannot {act} the credentials: {error.strerror}") from error
