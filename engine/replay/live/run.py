"""A recording through the live path, from the survey to the account, on a data directory that is gone afterwards."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.demo.tally import Tally
from engine.replay.account import Account, Progress
from engine.replay.live.collect import Logged, collect
from engine.replay.live.play import Play, Played
from engine.replay.live.survey import survey
from engine.replay.recording import Recording

NOTHING = Tally(
    now_ms=0, made=0, published=0, acknowledged=0, damaged=0, copies=0, back_filled=0, readings=0, copied_readings=0,
    ahead_readings=0,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCount:
    """How the live path fared."""

    played: Played
    logged: Logged

    @property
    def holds(self) -> bool:
        """Whether every frame that was published has its PUBACK and stands in the log."""
        tally = self.played.tally
        return tally.published == tally.acknowledged == self.logged.payloads

    def as_json(self) -> dict[str, Any]:
        """As `outfall replay --live --json` gives it."""
        tally, played = self.played.tally, self.played
        return {
            "published": tally.published,
            "acknowledged": tally.acknowledged,
            "in_log": self.logged.payloads,
            "records": self.logged.records,
            "published_s": round(played.published_s, 2),
            "seconds": round(played.seconds, 2),
            "readings_per_s": round(tally.readings / played.seconds) if played.seconds else 0,
        }


def play_live(recording: Recording, account: Account, progress: Progress) -> tuple[Account, LiveCount]:
    """Publish a recording to a real host; the account of what that host judged. LiveError where it cannot end."""
    found, account = survey(recording, account)
    account.units, account.names = recording.mapping.units, recording.mapping.names
    account.rule_versions.append(found.register.rules().version)
    account.bindings = found.register.bindings
    if not found.readings:
        nothing = Played(tally=NOTHING, published_s=0.0, seconds=0.0)
        return account, LiveCount(played=nothing, logged=Logged(records=0, payloads=0))
    with tempfile.TemporaryDirectory(prefix="outfall-live-") as folder:
        data = Path(folder)
        played = Play(recording, found, data, progress).run()
        return account, LiveCount(played=played, logged=collect(data, account))
