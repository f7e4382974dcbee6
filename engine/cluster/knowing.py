"""Store and desk of a worker that learn of newer versions before they take what was made under them.

A version is in the database before it is in the log, so whatever a record refers to can be found there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Protocol

import numpy as np

from engine.cluster.watch import Watch
from engine.database.errors import DatabaseUnavailableError
from engine.detect.facts import Facts
from engine.duty.desk import Desk
from engine.stages import DeadLetter, Retry, Store
from engine.store.names import Names
from rules.alert import AlertEvent
from rules.rule import RuleSet
from sensors.reading import KINDS

RETRY_S = 2.0


class NamedStore(Store, Protocol):
    """A store that can be told what facts refer to."""

    def update(self, names: Names) -> None:
        """From now on facts refer to this registry and this rule set."""


class KnowingStore:
    """The stage `Store` over another one, which gets each run of facts with the names that they refer to."""

    def __init__(self, store: NamedStore, watch: Watch) -> None:
        self._store = store
        self._watch = watch
        self._told: Names | None = None
        self._known: dict[str, RuleSet] = {}

    def write_all(self, run: Sequence[Facts]) -> Retry | None:
        """Keep a run of facts; None when all of it is safe. Idempotent."""
        try:
            for names, part in self._by_names(run):
                if names is not self._told:
                    self._store.update(names)
                    self._told = names
                if (retry := self._store.write_all(part)) is not None:
                    return retry
        except DatabaseUnavailableError as error:
            return Retry(reason=str(error), after_s=RETRY_S)
        except _UnknownError as error:
            return Retry(reason=str(error), after_s=RETRY_S)
        return None

    def refuse(self, letter: DeadLetter) -> Retry | None:
        """Keep a record that a stage could not use."""
        return self._store.refuse(letter)

    def _by_names(self, run: Sequence[Facts]) -> Iterator[tuple[Names, list[Facts]]]:
        for version, part in groupby(run, key=_RulesOf(self._watch.current.rules.version)):
            facts = list(part)
            yield self._names(version, max(_bindings(one) for one in facts)), facts

    def _names(self, version: str, bindings: int) -> Names:
        current = self._watch.current
        if len(current.registry.bindings) < bindings or version != current.rules.version:
            current = self._watch.catch_up()
        registry = current.registry
        if len(registry.bindings) < bindings:
            reason = f"a record speaks of binding {bindings - 1}, registry {registry.version} has {len(registry.bindings)}"
            raise _UnknownError(f"{reason}; expected a newer one in the database")
        rules = self._rules(version, current.rules)
        told = self._told
        if told is not None and told.registry is registry and told.rules is rules:
            return told
        return Names(registry=registry, rules=rules)

    def _rules(self, version: str, current: RuleSet) -> RuleSet:
        """The rule set of a version: an old record may speak of one that is in force no more."""
        if version == current.version:
            return current
        if version not in self._known:
            self._known = {version: self._watch.versions.rules_of(version)}
        return self._known[version]


class KnowingDesk:
    """The stage `Desk` over a real one, which decides by what is in force when it takes events."""

    def __init__(self, desk: Desk, watch: Watch) -> None:
        self._desk = desk
        self._watch = watch

    def take(self, events: Sequence[AlertEvent]) -> Retry | None:
        """Take events over, in order; None when they are safe."""
        current = self._watch.current
        outlets = current.registry.columns.outlet_no
        if any(event.outlet not in outlets or event.rule_version != current.rules.version for event in events):
            try:
                current = self._watch.catch_up()
            except DatabaseUnavailableError as error:
                return Retry(reason=str(error), after_s=RETRY_S)
        self._desk.registry, self._desk.rules = current.registry, current.rules
        self._desk.settings = replace(current.duty, channels=self._desk.settings.channels)
        return self._desk.take(events)


class _UnknownError(LookupError):
    """A record speaks of what no known version has."""


class _RulesOf:
    """The rule set of facts; that of those before where they do not say, since nothing in them depends on it."""

    def __init__(self, version: str) -> None:
        self._last = version

    def __call__(self, facts: Facts) -> str:
        self._last = facts.rules or self._last
        return self._last


def _bindings(facts: Facts) -> int:
    """How many bindings the registry must have for these facts."""
    series = int(np.max(facts.readings.series)) // KINDS + 1 if len(facts.readings) else 0
    verdicts = int(np.max(facts.verdicts.binding)) + 1 if facts.verdicts is not None and len(facts.verdicts) else 0
    return max(series, verdicts)
