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
        self._stamp: tuple[int, ...] | None = None
        self._logins: Mapping[str, Login] = {}

    def verify(self, name: str, secret: bytes) -> Login | None:
        """The login if the secret is its own, else None."""
        login = self.logins().get(name, NOBODY)
        return login if login.matches(secret) and login is not NOBODY else None

    def logins(self) -> Mapping[str, Login]:
        """Everybody who may log in, by name. Unchanged file: the same object as before."""
        stamp = _stamp(self.path)
        if stamp != self._stamp:
            self._logins = _read(self.path) if stamp else {}
            self._stamp = stamp
        return self._logins

    def add(self, name: str, mns: Iterable[str] = ()) -> str:
        """Let a device (no `mns`) or a gateway (its `mns`) in. The secret is returned here and never again.

        A name that is there already gets a new secret; the old one ends.
        """
        return self.add_many({name: tuple(mns)})[name]

    def add_many(self, wanted: Mapping[str, Iterable[str]]) -> dict[str, str]:
        """`add` for many names with one write of the file: name -> MNs in, name -> secret out."""
        given = {name: secrets.token_urlsafe(SECRET_BYTES) for name in wanted}
        added = {name: _login(name, frozenset(mns) or {name}, given[name]) for name, mns in wanted.items()}
        with self._locked():
            self._write({**self.logins(), **added})
        return given

    def remove(self, name: str) -> bool:
        """Let it in no more. False if it was not there."""
        with self._locked():
            kept = dict(self.logins())
            gone = kept.pop(name, None)
            if gone:
                self._write(kept)
        return gone is not None

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

    def _write(self, logins: Mapping[str, Login]) -> None:
        rows = {
            login.name: {"mns": sorted(login.mns), "salt": login.salt.hex(), "sha256": login.digest.hex()}
            for login in logins.values()
        }
        body = orjson.dumps({"version": 1, "logins": rows}, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
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


def _login(name: str, mns: Iterable[str], secret: str) -> Login:
    mns = frozenset(mns)
    for word in (name, *mns):
        if not NAME.fullmatch(word):
            raise CredentialsError(f"login {name!r}: {word!r} cannot stand in a topic, expected {NAME.pattern}")
    salt = secrets.token_bytes(16)
    return Login(name=name, mns=mns, salt=salt, digest=_digest(salt, secret.encode()))


def _stamp(path: Path) -> tuple[int, ...] | None:
    """Changes whenever the file does; None: no file."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def _read(path: Path) -> dict[str, Login]:
    with _named(path, "read"):
        mode = path.stat().st_mode & 0o777
        body = path.read_bytes()
    if mode & 0o077:
        raise CredentialsError(f"{path}: mode is {mode:03o}, expected 600: others on this machine can read it")
    try:
        return {name: _from_row(name, row) for name, row in orjson.loads(body)["logins"].items()}
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise CredentialsError(f"{path}: expected the credentials file of outfall, version 1: {error!r}") from error


def _from_row(name: str, row: dict[str, Any]) -> Login:
    return Login(name=name, mns=frozenset(row["mns"]), salt=bytes.fromhex(row["salt"]), digest=bytes.fromhex(row["sha256"]))


@contextlib.contextmanager
def _named(path: Path, act: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CredentialsError(f"{path}: cannot {act} the credentials: {error.strerror}") from error
