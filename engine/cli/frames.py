"""`outfall frames`: what was refused, or one frame taken apart."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.base import Out, command, fail, pairs, table
from engine.cli.frame_parts import Parts, parts_of
from engine.cli.places import Site, site, site_options
from engine.cli.times import shown
from engine.exit_codes import ExitCode
from engine.store.reasons import SinkReason
from engine.texts import Texts
from sensors.refusal import Reason

if TYPE_CHECKING:
    from rich.console import Console

    from engine.store.letters import Letter, RefusedRecord


REASONS = [reason.value for reason in (*Reason, *SinkReason)]


def make(say: Texts) -> click.Command:
    """The command."""

    @command(say, "frames")
    @site_options(say)
    @click.argument("frame", required=False)
    @click.option("--reason", type=click.Choice(REASONS), help=say("cli.frames.reason"))
    @click.option("--mn", help=say("cli.frames.mn"))
    @click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help=say("cli.frames.limit"))
    def frames(frame: str | None, config: Path, data: Path | None, json: bool, **wanted: Any) -> None:
        out = Out(say=say, json=json)
        if frame is None:
            _list(site(config, data), out, **wanted)
            return
        raw = sys.stdin.buffer.read() if frame == "-" else frame.encode()
        parts = parts_of(raw)
        if not parts.frames:
            fail(ExitCode.FAILED, "cli.frames.nothing")
        out.answer(parts.to_json(), lambda console: _show_parts(console, say, parts))
        click.get_current_context().exit(ExitCode.OK if parts.good else ExitCode.FAILED)

    return frames


def _list(place: Site, out: Out, *, reason: str | None, mn: str | None, limit: int) -> None:
    from engine.store.reader import open_reader

    reader = open_reader(place.data)
    try:
        letters = reader.dead_letters(reason=reason, mn=mn, limit=limit)
        records = reader.refused_records(limit=limit)
        counts = reader.refusal_counts()
    finally:
        reader.close()
    content = {
        "counts": counts,
        "refused": [{**asdict(letter), "sample": _text(letter.sample)} for letter in letters],
        "records": [{**asdict(record), "body": None if record.body is None else record.body.hex()} for record in records],
    }
    out.answer(content, lambda console: _show_list(console, out.say, place, letters, records))


def _show_list(console: "Console", say: Texts, place: Site, letters: "list[Letter]", records: "list[RefusedRecord]") -> None:
    if not letters and not records:
        console.print(say("cli.frames.none"))
        return
    from rich.markup import escape

    rows = table(say, "cli.frames.column", "reason", "mn", "count", "last", "detail")
    for letter in letters:
        reason = say(f"word.reason.{letter.reason}")
        rows.add_row(reason, letter.mn, str(letter.count), shown(letter.last_ms, place.zone), escape(letter.detail))
    console.print(rows)
    if records:
        console.print(say("cli.frames.records", count=len(records)))
        for record in records:
            line = f"  {shown(record.log_ms, place.zone)}  {record.stage} {record.topic}/{record.partition}"
            console.print(f"{line} @{record.offset}: {record.detail}", markup=False)


def _text(sample: bytes | None) -> str | None:
    return None if sample is None else sample.decode("utf-8", "backslashreplace")


def _show_parts(console: "Console", say: Texts, parts: Parts) -> None:
    for part in parts.frames:
        verdict = say("cli.frames.verdict.wrong", complaint=part.complaint)
        console.print(say("cli.frames.verdict.valid") if not part.complaint else verdict, markup=False)
        console.print(say("cli.frames.length", declared=part.declared, counted=part.counted))
        console.print(say("cli.frames.crc", sent=part.crc_sent or "-", right=part.crc_right))
        if part.malformed:
            console.print(say("cli.frames.malformed", reason=part.malformed), markup=False)
            continue
        edition = part.edition or say("cli.frames.edition.unknown")
        console.print(say("cli.frames.edition", edition=edition, command=part.head["CN"]))
        if part.tolerated:
            console.print(say("cli.frames.tolerated", names=", ".join(part.tolerated)))
        console.print(pairs([*part.head.items(), *part.named_values(say.lang)]))
    if parts.garbage:
        console.print(say("cli.frames.garbage", count=parts.garbage))
