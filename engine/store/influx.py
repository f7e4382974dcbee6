"""InfluxDB as a store: own batches, one request at a time, and the log as the buffer while it cannot take them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.detect.facts import Facts
from engine.stages import DeadLetter, Retry
from engine.store.database import attempt, open_store
from engine.store.influx_post import Answer, InfluxSettings, Meaning, Poster
from engine.store.letters import Letter, Letters, PayloadOf
from engine.store.lines import batches, lines_of
from engine.store.names import Names

SOURCE = "influx"
REFUSED = "influx_refused"
"""The reason of letters that hold a line InfluxDB refused."""

BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 60.0
STOPPED_S = 60.0
"""How soon it is tried again where somebody must change something first."""


@dataclass(slots=True)
class _Refused:
    """Lines that the server will never take, with its words."""

    lines: list[tuple[str, str]] = field(default_factory=list)

    def add(self, lines: list[str], words: str) -> None:
        self.lines += [(line, words) for line in lines]


class InfluxStore:
    """`Store` on one bucket. Refusals and lines the server refuses are kept in `store.db` of the data directory."""

    def __init__(
        self, settings: InfluxSettings, names: Names, data_dir: Path, *, payload_of: PayloadOf | None = None
    ) -> None:
        self.names = names
        self.stopped = ""  # why nothing is taken until somebody changes something; "": it is
        self._settings = settings
        self._files = open_store(data_dir, zone=names.rules.judging.zone)
        self._letters = Letters(self._files.db, payload_of)
        self._poster = Poster(settings)
        self._failures = 0

    def update(self, names: Names) -> None:
        """From now on facts refer to this registry and this rule set."""
        self.names = names

    def write(self, facts: Facts) -> Retry | None:
        """Write readings and verdicts; None when the server has taken all lines but those it never will. Idempotent."""
        refused = _Refused()
        limits = {"lines_max": self._settings.lines_max, "bytes_max": self._settings.bytes_max}
        for batch in batches(lines_of(facts, self.names), **limits):
            answer = self._post(batch, refused)
            if answer.meaning is not Meaning.STORED:
                return self._retry(answer)
        self._failures, self.stopped = 0, ""
        return attempt(self._files, lambda: self._note(facts, refused))

    def write_all(self, run: Sequence[Facts]) -> Retry | None:
        """`write` of one record after the other, up to the first that must be tried again."""
        return next((failed for facts in run if (failed := self.write(facts)) is not None), None)

    def refuse(self, letter: DeadLetter) -> Retry | None:
        """Keep a record that a stage could not use. Idempotent."""
        return attempt(self._files, lambda: self._letters.add_record(letter))

    def close(self) -> None:
        """Close the connections."""
        self._poster.close()
        self._files.db.close()

    def _post(self, lines: list[str], refused: _Refused) -> Answer:
        """Post lines; where some are bad, halve until they stand alone. Lines stored twice are stored once."""
        answer = self._poster.post(lines)
        if answer.meaning is not Meaning.BAD_LINES:
            return answer
        if len(lines) == 1 or answer.dropped == len(lines):
            refused.add(lines, answer.words)
            return Answer(meaning=Meaning.STORED)
        half = len(lines) // 2
        for part in (lines[:half], lines[half:]):
            answer = self._post(part, refused)
            if answer.meaning is not Meaning.STORED:
                return answer
        return answer

    def _retry(self, answer: Answer) -> Retry:
        place = f"InfluxDB {self._settings.url} bucket {self._settings.bucket}"
        if answer.meaning is Meaning.STOP:
            self.stopped = f"{place}: {answer.words}; expected a token that may write to an existing bucket"
            return Retry(reason=self.stopped, after_s=STOPPED_S)
        self._failures += 1
        after_s = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2.0 ** min(self._failures - 1, 30))
        return Retry(reason=f"{place}: {answer.words}; readings wait in the log", after_s=after_s)

    def _note(self, facts: Facts, refused: _Refused) -> None:
        self._letters.add_refused(facts)
        if refused.lines and self._letters.begin(facts.partition, facts.log_ms, SOURCE):
            self._letters.add(_letter(facts, line, words) for line, words in refused.lines)


def _letter(facts: Facts, line: str, words: str) -> Letter:
    return Letter(
        reason=REFUSED,
        mn="",
        detail=words,
        readings=1,
        first_ms=facts.log_ms,
        last_ms=facts.log_ms,
        partition=facts.partition,
        offset=facts.offset,
        sample=line.encode(),
    )
