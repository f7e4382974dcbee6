"""The real app on one data directory, as the demo wires it: the simulated clock, the people, the watchers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.app import Parts
from engine.database.database import Database
from engine.database.open import open_database
from engine.demo.receiver import Receiver
from engine.demo.state import BoardState
from engine.demo.tally import FieldMemory
from engine.detect.facts import Facts
from engine.duty.channels.make import make_channels
from engine.duty.desk import Desk
from engine.duty.outbox import page_counts
from engine.duty.roster import Person, Roster, Shift
from engine.duty.sender import Sender
from engine.duty.settings import ChannelKind, ChannelSettings, DutySettings, Secret
from engine.intake.credentials import Credentials
from engine.intake.endpoint import MqttEndpoint
from engine.intake.settings import IntakeSettings
from engine.lifecycle import Host
from engine.log.api import Log
from engine.settings import HostSettings
from engine.stages import DeadLetter, Retry
from engine.store.local import LocalStore
from engine.store.names import Names
from engine.store.payloads import LogPayloads
from rules.alert import AlertEvent
from rules.rule import RuleSet
from rules.ruleset_json import ruleset_to_json
from sensors.field.district import District
from sensors.field.names import Text
from sensors.registry_json import registry_to_json

TICK_S = 0.25
TURN_H = 12
TURNS_BEGIN = datetime(2026, 3, 9, 8)
OFFICERS = {
    "li": Text(zh="李岚", en="Li Lan"),
    "wang": Text(zh="王屿", en="Wang Yu"),
    "zhou": Text(zh="周砚", en="Zhou Yan"),
}
ROOM = Text(zh="值班室", en="Duty room")
DONE = frozenset({"delivered", "handed_on", "undeliverable"})
"""States of pages that nothing more happens to."""


class Payloads:
    """The bytes of a refused payload, as soon as there is a log to find them in."""

    found_in: LogPayloads | None = None

    def __call__(self, partition: int, offset: int, row: int) -> bytes | None:
        return self.found_in(partition, offset, row) if self.found_in else None


class Watched:
    """A store and a desk that let the board see what they have kept."""

    def __init__(self, store: LocalStore, desk: Desk, state: BoardState) -> None:
        self._store = store
        self._desk = desk
        self._state = state

    def write_all(self, run: Sequence[Facts]) -> Retry | None:
        """Keep it, then show it."""
        retry = self._store.write_all(run)
        if retry is None:
            for facts in run:
                self._state.facts(facts)
        return retry

    def refuse(self, letter: DeadLetter) -> Retry | None:
        """Keep it."""
        return self._store.refuse(letter)

    def take(self, events: Sequence[AlertEvent]) -> Retry | None:
        """Take them over, then show them."""
        retry = self._desk.take(events)
        if retry is None:
            self._state.events(events)
        return retry


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """Everything of the demo but the field."""

    host: Host
    state: BoardState
    store: LocalStore
    database: Database
    receiver: Receiver
    secrets: dict[str, str]  # MN -> its secret

    @property
    def port(self) -> int:
        """Where the endpoint listens."""
        assert isinstance(self.host.intake, MqttEndpoint)
        return self.host.intake.port

    @property
    def in_log(self) -> int:
        """Payloads that the endpoint has put into the log."""
        return self.host.intake.counts["stored"] if self.host.intake else 0

    def waiting(self) -> int:
        """Records of the log that some stage has not finished."""
        return sum(self.host.health.lag().values()) if self.host.health else 0

    def pages_waiting(self) -> int:
        """Pages of the outbox that are on their way."""
        return sum(count for state, count in page_counts(self.database).items() if state not in DONE)

    async def close(self) -> None:
        """Let go of the files and the port."""
        self.store.close()
        self.database.close()
        await self.receiver.stop()


async def make_pipeline(
    data: Path, district: District, rules: RuleSet, memory: FieldMemory, *, lang: str, port: int
) -> Pipeline:
    """Wire it on an empty directory. Nothing runs yet but the webhook receiver."""
    state = BoardState(district.registry, rules)
    key = Secret("demo")
    receiver = Receiver(key, lambda _page: state.paged_by_webhook())
    duty = _duty(await receiver.start(), key, lang)
    credentials = Credentials(data / "devices.json")
    secrets = credentials.add_many({monitor.mn: () for monitor in district.registry.monitors})
    payloads = Payloads()

    def endpoint(log: Log) -> MqttEndpoint:
        payloads.found_in = LogPayloads(log)
        return MqttEndpoint(IntakeSettings(port=port), log, credentials, lambda _mn: 0)

    store = LocalStore(
        data,
        Names(registry=district.registry, rules=rules),
        payload_of=payloads,
    )
    database = open_database(data)
    channels = make_channels(duty.channels, show=lambda text: state.page(text.split("  ", 1)[-1]))
    sender = Sender(database, duty, channels)
    watched = Watched(store, Desk(database, duty, district.registry, rules, wake=sender.wake), state)
    parts = Parts(
        store=watched,
        desk=watched,
        registry=registry_to_json(district.registry),
        rules=ruleset_to_json(rules),
        intake=endpoint,
        services=(sender,),
    )
    host = Host(HostSettings(data=data, tick_s=TICK_S), parts, now_ms=memory.now_ms)
    return Pipeline(
        host=host,
        state=state,
        store=store,
        database=database,
        receiver=receiver,
        secrets=secrets,
    )


def _duty(url: str, key: Secret, lang: str) -> DutySettings:
    """Three officers take turns and are paged by webhook; the duty room's terminal, the board, gets every page."""
    officers = tuple(Person(id=id, name=name.say(lang), channels=("webhook",), lang=lang) for id, name in OFFICERS.items())
    room = Person(id="room", name=ROOM.say(lang), channels=("board",), lang=lang)
    squads = tuple((officer.id, room.id) for officer in officers)
    return DutySettings(
        roster=Roster(
            people=(*officers, room),
            shifts=(Shift(id="squad", squads=squads, anchor=TURNS_BEGIN, turn_h=TURN_H),),
        ),
        channels=(
            ChannelSettings(name="webhook", kind=ChannelKind.WEBHOOK, url=url, secret=key),
            ChannelSettings(name="board", kind=ChannelKind.TERMINAL),
        ),
    )
