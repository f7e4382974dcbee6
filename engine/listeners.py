"""Every way in as one intake: MQTT listeners, plain on loopback and TLS for the outside, and bridges to brokers."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from engine.intake.bridge.bridge import Bridge
from engine.intake.credentials import Credentials
from engine.intake.endpoint import MqttEndpoint
from engine.intake.settings import IntakeSettings
from engine.log.api import Log


class Listeners:
    """`engine.stages.Intake` over endpoints that share a log and the credentials, and the bridges beside them."""

    def __init__(
        self,
        settings: Sequence[IntakeSettings],
        log: Log,
        credentials: Credentials,
        partition_of: Callable[[str], int],
        bridges: Sequence[Bridge] = (),
    ) -> None:
        self.endpoints = [MqttEndpoint(one, log, credentials, partition_of) for one in settings]
        self._bridges = tuple(bridges)
        self._parts: list[MqttEndpoint | Bridge] = [*self.endpoints, *bridges]

    @property
    def failure(self) -> Exception | None:
        """Why one of them ended by itself; None: none did."""
        return next((part.failure for part in self._parts if part.failure is not None), None)

    @property
    def counts(self) -> Mapping[str, int]:
        """The sums over all of them."""
        total: Counter[str] = Counter()
        for part in self._parts:
            total.update(part.counts)
        return total

    @property
    def gauges(self) -> Mapping[str, int]:
        """What all of them hold now."""
        total: Counter[str] = Counter()
        for part in self._parts:
            total.update(part.gauges)
        return total

    @property
    def away(self) -> str:
        """Why a bridge has no broker now; "": each has."""
        return next((bridge.away for bridge in self._bridges if bridge.away), "")

    async def start(self) -> None:
        """Begin everywhere. Where one cannot listen, those that could are stopped again and its OSError is raised."""
        started: list[MqttEndpoint | Bridge] = []
        try:
            for part in self._parts:
                await part.start()
                started.append(part)
        except BaseException:
            for part in started:
                await part.stop()
            raise

    async def stop(self) -> None:
        """Take nothing more; return when all that was acknowledged is in the log."""
        for part in self._parts:
            await part.stop()
