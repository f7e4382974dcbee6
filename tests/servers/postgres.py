"""PostgreSQL, with a user that has a password. Where the tests run as root it runs as somebody else: it refuses root."""

import os
import pwd
import shutil
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.servers.process import HOST, Server, run_once
from tests.servers.programs import cache, program

READS_ANYTHING = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"]
"""The one right of root that somebody else needs where the programs lie in root's cache."""

USER, PASSWORD = "outfall", "password-of-the-tests"


class Postgres(Server):
    """One server. `settings` are postgresql.conf's own."""

    name = "postgres"
    stop_with = signal.SIGINT  # fast shutdown
    user, password = USER, PASSWORD

    def __init__(self, folder: Path, *, settings: dict[str, str] | None = None) -> None:
        self._settings = {"listen_addresses": HOST, "unix_socket_directories": "", **(settings or {})}
        super().__init__(folder)

    def url(self, database: str = "postgres") -> str:
        """What a client is told, with the password in it."""
        return f"postgresql://{USER}:{PASSWORD}@{HOST}:{self.port}/{database}"

    def prepare(self) -> None:
        """An empty cluster that asks everybody for the password."""
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        _give_away(self.folder, secret)
        user = ["--auth=scram-sha-256", f"--username={USER}", f"--pwfile={secret}"]
        options = ["-D", str(self._data), "--encoding=UTF8", "--locale=C", "--no-sync", *user]
        run_once([*_as_somebody_else(), program("initdb"), *options], cwd="/")

    def command(self) -> list[str]:
        """The postmaster."""
        settings = [f"--{name}={value}" for name, value in {**self._settings, "port": str(self.port)}.items()]
        return [*_as_somebody_else(), program("postgres"), "-D", str(self._data), *settings]

    def answers(self) -> bool:
        """Does it let the user in?"""
        try:
            with psycopg.connect(self.url(), connect_timeout=2) as connection:
                connection.execute("select 1")
        except psycopg.OperationalError:
            return False
        return True

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of a fresh database; it is gone with the block."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'create database "{name}"')
        try:
            yield self.url(name)
        finally:
            with psycopg.connect(self.url(), autocommit=True) as connection:
                connection.execute(f'drop database if exists "{name}" with (force)')

    @property
    def _data(self) -> Path:
        return self.folder / "data"


def _as_somebody_else() -> list[str]:
    """What goes before a command so that it does not run as root."""
    if os.geteuid() != 0:
        return []
    if (setpriv := shutil.which("setpriv")) is None:
        raise FileNotFoundError("setpriv: expected it on the PATH (package util-linux): PostgreSQL must not run as root")
    somebody = _somebody()
    command = [setpriv, f"--reuid={somebody.pw_uid}", f"--regid={somebody.pw_gid}", "--clear-groups"]
    return command + (READS_ANYTHING if Path(program("postgres")).is_relative_to(cache()) else [])


def _somebody() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _give_away(*paths: Path) -> None:
    if os.geteuid() == 0:
        for path in paths:
            os.chown(path, _somebody().pw_uid, _somebody().pw_gid)
