"""Several MQTT listeners as one intake: plain on loopback, TLS for the outside."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from engine.intake.credentials import Credentials
from engine.intake.endpoint import MqttEndpoint
from engine.intake.settings import IntakeSettings
from engine.log.api import Log


class Listeners:
    """`engine.stages.Intake` over endpoints that share a log and the credentials."""

    def __init__(
        self, settings: Sequence[IntakeSettings], log: Log, credentials: Credentials, partition_of: Callable[[str], int]
    ) -> None:
        self.endpoints = [MqttEndpoint(one, log, credentials, partition_of) for one in settings]

    @property
    def failure(self) -> Exception | None:
        """Why one of them ended by itself; None: none did."""
        return next((endpoint.failure for endpoint in self.endpoints if endpoint.failure is not None), None)

    @property
    def counts(self) -> Mapping[str, int]:
        """The sums over all listeners."""
        total: Counter[str] = Counter()
        for endpoint in self.endpoints:
            total.update(endpoint.counts)
        return total

    @property
    def gauges(self) -> Mapping[str, int]:
        """What all listeners hold now."""
        total: Counter[str] = Counter()
        for endpoint in self.endpoints:
            total.update(endpoint.gauges)
        return total

    async def start(self) -> None:
        """Listen everywhere. Where one cannot, those that could are stopped again and its OSError is raised."""
        started: list[MqttEndpoint] = []
        try:
            for endpoint in self.endpoints:
                await endpoint.start()
                started.append(endpoint)
        except BaseException:
            for endpoint in started:
                await endpoint.stop()
            raise

    async def stop(self) -> None:
        """Take nothing more; return when all that was acknowledged is in the log."""
        for endpoint in self.endpoints:
            await endpoint.stop()
