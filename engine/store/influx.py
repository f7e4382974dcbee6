"""InfluxDB as a store: own batches, one request at a time, and the log as the buffer while it cannot take them."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from engine import metrics as m
from engine.detect.facts import Facts
from engine.metrics import Sample
from engine.stages import DeadLetter, Retry
from engine.store.database import attempt, open_store
from engine.store.influx_buckets import ensure_buckets
from engine.store.influx_post import STORED, Answer, Meaning, Poster
from engine.store.influx_series import SeriesBound
from engine.store.influx_settings import InfluxSettings
from engine.store.influx_sift import Refused, Sifter
from engine.store.letters import Letter, Letters, PayloadOf
from engine.store.lines import batches, lines_of
from engine.store.names import Names
from engine.store.reasons import SinkReason

logger = logging.getLogger(__name__)

SOURCE = "influx"
OUTCOMES = ("stored", *SinkReason)
RESTART = "it refuses even a probe point: if its disk was full, make room and restart InfluxDB"


class InfluxStore:
    """`Store` on the buckets of one server. Refusals and lines it refuses are kept in `store.db` of the data directory."""

    def __init__(
        self, settings: InfluxSettings, names: Names, data_dir: Path, *, payload_of: PayloadOf | None = None
    ) -> None:
        self.names = names
        self.stopped = ""  # why nothing is taken until somebody changes something; "": it is
        self._settings = settings
        self._files = open_store(data_dir, zone=names.rules.judging.zone)
        self._letters = Letters(self._files.db, payload_of)
        self._poster = Poster(settings)
        self._sifter = Sifter(self._poster)
        self._series = SeriesBound(settings.series_max)
        self._looked = False  # at the buckets
        self._failures = 0
        self._said = ""
        self._lines_by: Counter[str] = Counter()

    def samples(self) -> Iterator[Sample]:
        """Its metrics; may be asked from any thread."""
        for outcome in OUTCOMES:
            yield m.INFLUX_LINES, (outcome,), self._lines_by[outcome]
        yield m.INFLUX_SERIES, (), len(self._series)
        yield m.INFLUX_STOPPED, (), int(bool(self.stopped))
        yield m.INFLUX_ILL, (), int(self._sifter.ill)

    def update(self, names: Names) -> None:
        """From now on facts refer to this registry and this rule set."""
        self.names = names

    def write(self, facts: Facts) -> Retry | None:
        """`write_all` of one record."""
        return self.write_all((facts,))

    def write_all(self, run: Sequence[Facts]) -> Retry | None:
        """Write readings, verdicts and alerts; None when the server has all lines but those it never takes. Idempotent.

        The lines of several records share requests, in order: of two with the same key the last one stands.
        """
        refused, beyond = Refused(), Refused()
        by_bucket = self._lines(run, beyond)
        answer = self._look() if by_bucket else STORED
        for bucket, batch in self._batches(by_bucket):
            if answer.meaning is not Meaning.STORED:
                break
            answer = self._sifter.post(bucket, batch, refused, failures=self._failures)
        if answer.meaning is not Meaning.STORED:
            return self._retry(answer)
        self._failures, self.stopped, self._said = 0, "", ""
        lost = {SinkReason.REFUSED: len(refused.lines), SinkReason.SERIES_MAX: len(beyond.lines)}
        stored = sum(map(len, by_bucket.values())) - lost[SinkReason.REFUSED]
        self._lines_by.update({"stored": stored, **{reason.value: count for reason, count in lost.items()}})
        return attempt(self._files, lambda: self._note(run, {SinkReason.REFUSED: refused, SinkReason.SERIES_MAX: beyond}))

    def refuse(self, letter: DeadLetter) -> Retry | None:
        """Keep a record that a stage could not use. Idempotent."""
        return attempt(self._files, lambda: self._letters.add_record(letter))

    def close(self) -> None:
        """Close the connections."""
        self._poster.close()
        self._files.db.close()

    def _lines(self, run: Sequence[Facts], beyond: Refused) -> dict[str, list[str]]:
        """The lines of each bucket; those of a series too many go to `beyond`."""
        found: dict[str, list[str]] = {}
        for line in chain.from_iterable(lines_of(facts, self.names) for facts in run):
            if self._series.admits(line.series):
                found.setdefault(self._settings.bucket_of(line.place), []).append(str(line))
            else:
                beyond.add([str(line)], f"expected at most {self._series.most:,} series (store.influx.series_max)")
        return found

    def _batches(self, by_bucket: dict[str, list[str]]) -> Iterator[tuple[str, list[str]]]:
        limits = {"lines_max": self._settings.lines_max, "bytes_max": self._settings.bytes_max}
        for bucket, lines in by_bucket.items():
            for batch in batches(lines, **limits):
                yield bucket, batch

    def _look(self) -> Answer:
        """Make sure of the token and the buckets: at first, and after each answer that says that something is missing."""
        if self._looked:
            return STORED
        self._poster.renew()
        answer = ensure_buckets(self._poster.client, self._settings)
        self._looked = answer.meaning is Meaning.STORED
        return answer

    def _retry(self, answer: Answer) -> Retry:
        settings = self._settings
        place = f"InfluxDB {settings.url} bucket {settings.bucket}"
        if answer.meaning is Meaning.STOP:
            self._looked = False
            self.stopped = f"{place}: {answer.words}; expected a token that may write to an existing bucket"
            return self._say(self.stopped, settings.stopped_s)
        self._failures, self.stopped = self._failures + 1, ""
        after_s = min(settings.backoff_s_max, settings.backoff_s_first * 2.0 ** min(self._failures - 1, 30))
        advice = RESTART if self._sifter.ill else "readings wait in the log"
        return self._say(f"{place}: {answer.words}; {advice}", max(after_s, answer.after_s or 0.0))

    def _say(self, reason: str, after_s: float) -> Retry:
        """The stage says when it begins to wait; here is said what turns out later."""
        kind = "ill" if self._sifter.ill else "stopped" if self.stopped else ""
        if kind and kind != self._said:
            logger.error("store: %s", reason)
        self._said = kind
        return Retry(reason=reason, after_s=after_s)

    def _note(self, run: Sequence[Facts], refused: dict[SinkReason, Refused]) -> None:
        """Count what was refused with the record that it follows from."""
        left = [(reason, *one) for reason, of in refused.items() for one in of.lines]
        for facts in run:
            self._letters.add_refused(facts)
            if not left:
                continue
            mine = {str(line) for line in lines_of(facts, self.names)}
            found = [one for one in left if one[1] in mine]
            left = [one for one in left if one[1] not in mine]
            if found and self._letters.begin(facts.partition, facts.log_ms, SOURCE):
                self._letters.add(_letter(facts, *one) for one in found)


def _letter(facts: Facts, reason: SinkReason, line: str, words: str) -> Letter:
    return Letter(
        reason=reason.value,
        mn="",
        detail=words,
        readings=1,
        first_ms=facts.log_ms,
        last_ms=facts.log_ms,
        partition=facts.partition,
        offset=facts.offset,
        sample=line.encode(),
    )
