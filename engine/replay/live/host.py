"""The real host on an empty data directory: endpoint, log, judge, store and desk, on the recording's clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.app import Parts
from engine.database.open import open_database
from engine.duty.desk import Desk
from engine.duty.roster import Roster
from engine.duty.settings import DutySettings
from engine.files import CREDENTIALS
from engine.intake.credentials import Credentials
from engine.intake.endpoint import MqttEndpoint
from engine.intake.settings import IntakeSettings
from engine.lifecycle import Host
from engine.log.api import Log
from engine.replay.live.times import Clock, TimedLog
from engine.replay.register import Register
from engine.settings import HostSettings
from engine.store.local import LocalStore
from engine.store.names import Names
from rules.ruleset_json import ruleset_to_json
from sensors.registry_json import registry_to_json

LOGIN = "recording.gateway"
NO_TICKS_S = 1e9
"""The log's time is that of the recording: the frames say it, and no tick may come between those of one instant."""

KEPT_H = 1_000_000
"""More than any recording spans: nothing that the account is made from is forgotten, and no day is sealed on the way."""

DRAIN_S = 24 * 3600.0
"""The end waits until every stage has finished, however long that takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveHost:
    """A host, and the secret of the one login it knows."""

    host: Host
    secret: str

    @property
    def port(self) -> int:
        """Where the endpoint listens."""
        assert isinstance(self.host.intake, MqttEndpoint)
        return self.host.intake.port


@contextmanager
def live_host(data: Path, register: Register, times: NDArray[np.int64], clock: Clock) -> Iterator[LiveHost]:
    """Wire it; nothing runs yet. Nobody is on duty, so the desk keeps alerts and pages nobody."""
    registry, rules = register.registry(), register.rules()
    credentials = Credentials(data / CREDENTIALS)
    secret = credentials.add(LOGIN, [monitor.mn for monitor in registry.monitors])

    def endpoint(log: Log) -> MqttEndpoint:
        return MqttEndpoint(IntakeSettings(port=0), TimedLog(log, times, clock), credentials, lambda _mn: 0)

    store = LocalStore(data, Names(registry=registry, rules=rules), recent_h=KEPT_H)
    database = open_database(data)
    parts = Parts(
        store=store,
        desk=Desk(database, DutySettings(roster=Roster(people=())), registry, rules),
        registry=registry_to_json(registry),
        rules=ruleset_to_json(rules),
        intake=endpoint,
    )
    settings = HostSettings(data=data, tick_s=NO_TICKS_S, drain_s=DRAIN_S, retain_derived_h=KEPT_H)
    try:
        yield LiveHost(host=Host(settings, parts, now_ms=clock.now_ms), secret=secret)
    finally:
        store.close()
        database.close()
