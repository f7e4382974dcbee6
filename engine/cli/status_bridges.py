"""What `outfall status` says of bridges: until when each was up to date, and what monitors were asked for."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.cli.times import shown
from engine.texts import Texts


def bridges_of(data: Path) -> list[dict[str, Any]]:
    """What the bridges of a data directory remember, as JSON."""
    from engine.files import BRIDGES
    from engine.intake.bridge.memory import memories

    return [asdict(memory) for memory in memories(data / BRIDGES)]


def bridge_rows(bridges: list[dict[str, Any]], say: Texts, zone: str) -> Iterator[tuple[str, str]]:
    """Name and text for people; a row for each gap besides."""
    for bridge in bridges:
        name = say("cli.status.bridge", name=bridge["client_id"])
        if bridge["whole_until_ms"]:
            at = shown(bridge["whole_until_ms"], zone)
            yield name, say("cli.status.bridge_whole", place=bridge["place"], at=at)
        for gap in bridge["gaps"]:
            key = "cli.status.gap_asked" if gap["done"] else "cli.status.gap_asking"
            span = {"start": shown(gap["from_ms"], zone), "end": shown(gap["to_ms"], zone)}
            yield name, say(key, **span, asked=gap["asked"])
