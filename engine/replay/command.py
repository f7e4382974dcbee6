"""`outfall replay`: from the options to the result, the page and the exit code."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from engine.config.load import load_config
from engine.config.problem import BadFile, Place, Problem
from engine.exit_codes import ExitCode
from engine.replay.account import Account, Progress
from engine.replay.frame_log import LOG_NAME, log_file, replay_entries, replay_log, replay_reader
from engine.replay.frame_text import entries_of_text
from engine.replay.mapping.check import missing_columns
from engine.replay.mapping.load import read_mapping
from engine.replay.options import ReplayOptions
from engine.replay.progress import shown
from engine.replay.recording import Recording, replay_recording
from engine.replay.refusals import Refusals
from engine.replay.show import show
from engine.replay.times import as_ms
from engine.texts import Texts

if TYPE_CHECKING:
    from engine.replay.live.proof import Proof

KAFKA = Path("kafka")
"""In place of a file: the log of a cluster."""

WIDTH = 160
"""Of tables, where no terminal says how wide they may be."""


@dataclass(slots=True)
class Running:
    """How far it has come, for the last word after Ctrl-C."""

    done: int = 0
    total: int = 0

    @property
    def percent(self) -> str:
        """As people read it."""
        return f"{100 * self.done / self.total:.0f} %" if self.total else "0 %"


def run_replay(options: ReplayOptions) -> int:
    """Carry it out; the exit code. BadFile, NotARecordingError, LogError and OSError say what is wrong with the input."""
    say = Texts(lang=options.lang)
    account, running = Account(), Running()
    proof: Proof | None = None
    try:
        with _refused_file(options.refused) as account.refusals, shown(say("replay.working"), quiet=options.quiet) as told:
            if options.live:
                account, proof, zone = _prove(options, account, _watched(told, running))
            else:
                account, zone = _replay(options, account, _watched(told, running))
    except KeyboardInterrupt:
        print(say("replay.interrupted", readings=f"{account.readings:,}", share=running.percent), file=sys.stderr)
        return ExitCode.INTERRUPTED
    result = account.result(as_ms(options.from_time))
    if options.report:
        from engine.replay.report.write import write_page  # templates and charts: only where they are asked for

        write_page(options, account, result, zone)
    holds = proof is None or proof.holds
    if options.json:
        print(json.dumps({"ok": holds, **result, **(proof.as_json() if proof else {})}, ensure_ascii=False))
    else:
        show({**result}, say, zone, Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH))
        if options.report:
            print(say("replay.report_written", file=options.report))
        if proof:
            _show_proof(proof, say)
    return ExitCode.OK if holds else ExitCode.FAILED


def _prove(options: ReplayOptions, account: Account, progress: Progress) -> "tuple[Account, Proof, str]":
    from engine.replay.live.proof import prove  # the whole app: only where it is asked for

    return prove(options, account, progress)


def _show_proof(proof: "Proof", say: Texts) -> None:
    live = proof.as_json()["live"]
    print(say("replay.live", **{name: f"{number:,}" for name, number in live.items()}))
    print(say("replay.live_same" if proof.holds else "replay.live_differs", replayed=proof.replayed_sha256))


def _replay(options: ReplayOptions, account: Account, progress: Progress) -> tuple[Account, str]:
    """(the account, the zone of its days)."""
    to_ms = as_ms(options.to_time)
    if options.mapping is not None:
        recording = recording_of(options.file, options.mapping, to_ms, options.config)
        done = replay_recording(recording, account, batch=options.batch, partitions=options.partitions, progress=progress)
        return done, recording.mapping.judging.zone
    if is_log(options.file):
        done = replay_log(
            log_file(options.file), account, to_ms=to_ms, batch=options.batch, partitions=options.partitions,
            progress=progress,
        )  # fmt: skip
        return done, done.zone
    if options.file == KAFKA and not options.file.exists():
        done = _replay_kafka(options, account, to_ms, progress)
        return done, done.zone
    if options.config is None:
        raise BadFile([Problem(place=Place(file=str(options.file)), path="", key="no_mapping")])
    config = load_config(options.config)
    entries = entries_of_text(options.file, config.registry, config.rules)
    return replay_entries(entries, account, batch=options.batch, partitions=options.partitions), config.rules.judging.zone


def _replay_kafka(options: ReplayOptions, account: Account, to_ms: int | None, progress: Progress) -> Account:
    from engine.log.kafka.read import opened_reader  # clients of Kafka: only where they are asked for

    kafka = load_config(options.config).kafka if options.config else None
    if kafka is None:
        place = Place(file=str(options.config or options.file))
        raise BadFile([Problem(place=place, path="kafka", key="no_kafka_config")])
    with opened_reader(kafka) as reader:
        return replay_reader(
            reader, account, to_ms=to_ms, batch=options.batch, partitions=options.partitions, progress=progress
        )


def recording_of(
    file: Path, mapping_file: Path, to_ms: int | None = None, config: Path | None = None
) -> Recording:
    """A recording and its mapping; BadFile where the mapping is wrong or does not fit the file."""
    mapping = read_mapping(mapping_file)
    recording = Recording(file=file, mapping=mapping, to_ms=to_ms, config=config)
    missing = missing_columns(mapping, file, recording.source.names())
    if missing:
        raise BadFile(missing)
    return recording


def is_log(file: Path) -> bool:
    """Whether it is a frame log, or the data directory of one."""
    return (file / LOG_NAME).exists() if file.is_dir() else file.name.endswith(".db")


def _watched(told: Progress, running: Running) -> Progress:
    def progress(done: int, total: int) -> None:
        running.done, running.total = done, total
        told(done, total)

    return progress


@contextmanager
def _refused_file(file: Path | None) -> Iterator[Refusals]:
    if file is None:
        yield Refusals()
        return
    with file.open("w", encoding="utf-8") as sink:
        yield Refusals(sink=sink)
