"""Mosquitto, with settings of one's own."""

import os
from pathlib import Path

from tests.servers.process import HOST, Server
from tests.servers.programs import program

PLAIN = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_interval 1
max_queued_messages 0
"""


class Mosquitto(Server):
    """A broker. In `conf` stand {port} and {folder} where its port and directory are meant."""

    name = "mosquitto"

    def __init__(self, folder: Path, *, conf: str = PLAIN) -> None:
        self._conf = conf
        super().__init__(folder)

    @property
    def address(self) -> tuple[str, int]:
        """What a client is told."""
        return HOST, self.port

    def prepare(self) -> None:
        """Its settings. It stays who it was started as: it could not read its directory otherwise."""
        conf = self._conf.replace("{port}", str(self.port)).replace("{folder}", str(self.folder))
        own_user = "user root\n" if os.geteuid() == 0 else ""
        (self.folder / "mosquitto.conf").write_text(own_user + conf)

    def command(self) -> list[str]:
        """With what it says of connections in its log."""
        return [program("mosquitto"), "-c", str(self.folder / "mosquitto.conf"), "-v"]
