"""The local store and InfluxDB as one store: a record is done when both have it."""

from collections.abc import Sequence

from engine.detect.facts import Facts
from engine.stages import DeadLetter, Retry
from engine.store.influx import InfluxStore
from engine.store.local import LocalStore
from engine.store.names import Names


class LocalAndInflux:
    """`engine.stages.Store` over both. While InfluxDB cannot take a record, the log keeps it and all that follow.

    A record that waits is offered to the local store again each time: it changes nothing there.
    """

    def __init__(self, local: LocalStore, influx: InfluxStore) -> None:
        self._local = local
        self._influx = influx

    def update(self, names: Names) -> None:
        """From now on facts refer to this registry and this rule set."""
        self._local.update(names)
        self._influx.update(names)

    def write_all(self, run: Sequence[Facts]) -> Retry | None:
        """Keep it in both; None when both have it."""
        return self._local.write_all(run) or self._influx.write_all(run)

    def refuse(self, letter: DeadLetter) -> Retry | None:
        """Keep a record that a stage could not use: in the local store, where people look."""
        return self._local.refuse(letter)
