"""Writes the page of a replay: what was found, and the readings around it from a second pass over the input."""

from collections.abc import Mapping
from typing import Any

from engine.replay.account import Account
from engine.replay.frame_log import log_file, replay_log
from engine.replay.mapping.load import read_mapping
from engine.replay.options import ReplayOptions
from engine.replay.order import until
from engine.replay.recording import Recording
from engine.replay.register import Register
from engine.replay.report.page import Replay, drawn, page
from engine.replay.report.surroundings import Surroundings
from engine.replay.times import as_ms
from sensors.reading import ReadingBatch


def write_page(options: ReplayOptions, account: Account, result: Mapping[str, Any], zone: str) -> None:
    """Write `options.report`."""
    events = account.alerts.listed(as_ms(options.from_time))
    around = Surroundings(drawn(events))
    if around.views:
        look_around(options, around)
    judged_by = options.mapping or options.config
    replay = Replay(
        file=options.file.name,
        judged_by=judged_by.name if judged_by else "",
        zone=zone,
        lang=options.lang,
        result=result,
        events=events,
        names=account.names,
    )
    assert options.report is not None
    options.report.write_text(page(replay, around.points), encoding="utf-8")


def look_around(options: ReplayOptions, around: Surroundings) -> None:
    """Show it every reading of the input again. A text of frames is not read twice: its evidence has to do."""
    to_ms = as_ms(options.to_time)
    if options.mapping is not None:
        mapping = read_mapping(options.mapping)
        _look_at_recording(Recording(file=options.file, mapping=mapping, config=options.config), to_ms, around)
    elif options.config is None:
        second = Account()
        second.listen = lambda facts: around.take(facts.readings, second.bindings)
        replay_log(log_file(options.file), second, to_ms=to_ms)


def _look_at_recording(recording: Recording, to_ms: int | None, around: Surroundings) -> None:
    """Nothing is judged, so the order of the readings does not matter."""
    register = Register(recording.mapping)
    for read in recording.pieces(register, Account()):
        piece = read if to_ms is None else until(read, to_ms)
        readings = ReadingBatch(
            series=piece.series, device_ms=piece.device_ms, value=piece.value, flag=piece.flag, log_ms=piece.device_ms
        )
        around.take(readings, register.bindings)
