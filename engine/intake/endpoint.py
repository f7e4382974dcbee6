"""The embedded MQTT endpoint: an ingest endpoint, not a broker."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping

from engine.intake.commit_queue import CommitQueue
from engine.intake.connection import Connection
from engine.intake.counts import GAUGES, zero
from engine.intake.credentials import Credentials, CredentialsError
from engine.intake.listen import listen
from engine.intake.reception import Reception
from engine.intake.refusals import IntakeRefusal, RefusalBook
from engine.intake.settings import IntakeSettings
from engine.log.api import FrameLog
from sensors.mqtt.reasons import Reason

log = logging.getLogger("outfall.intake")

FLUSH_S_MAX = 2.0
"""How long a stop waits for the last bytes to leave."""


class MqttEndpoint:
    """Receives what monitors publish and acknowledges it when the log has committed it. Runs on one event loop.

    `partition_of` gives the partition of FRAMES for an MN; it is asked for every payload. `counts` is described in
    `engine.intake.counts` and only ever grows.
    """

    def __init__(
        self, settings: IntakeSettings, log: FrameLog, credentials: Credentials, partition_of: Callable[[str], int]
    ) -> None:
        self.counts = zero()
        self.failure: Exception | None = None  # why it ended by itself; None: it did not
        self._settings = settings
        self._credentials = credentials
        self._log = log
        self._partition_of = partition_of
        self._refusals = RefusalBook(self.counts, settings.refusals)
        self._server: asyncio.Server | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._port = settings.port

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    @property
    def refused(self) -> deque[IntakeRefusal]:
        """The newest refusals; older ones are in the file `IntakeSettings.refusals`."""
        return self._refusals.recent

    @property
    def connected(self) -> frozenset[str]:
        """Logins that have a session now; "" stands for all that are anonymous."""
        if not self._tasks:
            return frozenset()
        return frozenset(line.session.name for line in self._reception.sessions.values())

    @property
    def gauges(self) -> Mapping[str, int]:
        """What it holds now (`engine.intake.counts.GAUGES`)."""
        if not self._tasks:
            return dict.fromkeys(GAUGES, 0)
        here = self._reception
        values = (len(here.connections), len(here.sessions), here.queue.waiting, here.queue.waiting_bytes, 0)
        return dict(zip(GAUGES, values, strict=True))

    @property
    def waiting(self) -> int:
        """Messages received that are not in the log yet."""
        return self._reception.queue.waiting if self._tasks else 0

    async def start(self) -> None:
        """Listen. OSError (`ListenError`) where address or certificate will not do, CredentialsError where theirs."""
        logins = self._credentials.logins()
        if not logins and not self._settings.anonymous:
            log.warning("%s: no monitor can log in yet; `outfall sensor` adds the first", self._credentials.path)
        self._reception = Reception(
            settings=self._settings,
            credentials=self._credentials,
            queue=CommitQueue(self._log, self._settings, self.counts),
            partition_of=self._partition_of,
            counts=self.counts,
            refusals=self._refusals,
        )
        self._server = await listen(self._settings, self._accept)
        self._port = self._server.sockets[0].getsockname()[1]
        self._tasks = [asyncio.create_task(self._commit()), asyncio.create_task(self._watch_credentials())]
        log.info("MQTT intake listens on %s:%d", self._settings.host, self._port)

    async def stop(self) -> None:
        """Take nothing more, let what has been received reach the log, acknowledge it, and close every connection."""
        if self._server is None:
            return
        self._server.close()
        connections = list(self._reception.connections)
        for connection in connections:
            connection.shut()
        patience_s = 0.0 if self.failure else self._settings.stop_s_max
        self.counts["abandoned"] += await self._reception.queue.drain(patience_s)
        for connection in connections:
            connection.close(Reason.SERVER_SHUTTING_DOWN)
        await self._all_closed()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None
        self._tasks = []

    def _accept(self) -> Connection:
        return Connection(self._reception)

    async def _all_closed(self) -> None:
        end = asyncio.get_running_loop().time() + FLUSH_S_MAX
        while self._reception.connections and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.01)
        for connection in list(self._reception.connections):
            connection.abort()

    async def _commit(self) -> None:
        """If this dies, nothing can be acknowledged any more: end every connection rather than look alive."""
        try:
            await self._reception.queue.run()
        except Exception as error:
            log.critical("MQTT intake ends: %r; no monitor is acknowledged any more", error)
            self.failure = error
            if self._server:
                self._server.close()
            for connection in list(self._reception.connections):
                connection.close(Reason.UNSPECIFIED_ERROR)
            raise

    async def _watch_credentials(self) -> None:
        """End the sessions of logins that were removed or changed in the file."""
        readable = True
        seen = self._credentials.version
        while True:
            await asyncio.sleep(self._settings.credentials_check_s)
            try:
                self._credentials.refresh()
                if seen != self._credentials.version:
                    self._end_revoked()
                seen, readable = self._credentials.version, True
            except CredentialsError as error:
                if readable:
                    log.error("%s; who is logged in stays, nobody else is let in", error)
                readable = False

    def _end_revoked(self) -> None:
        for connection in list(self._reception.sessions.values()):
            login = connection.session.login
            if login and self._credentials.login(login.name) != login:
                self.counts["revoked"] += 1
                connection.close(Reason.NOT_AUTHORIZED)
