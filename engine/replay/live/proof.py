"""Whether a recording gives the same alerts by the live path and by a plain replay."""

from dataclasses import dataclass
from typing import Any

from engine.config.problem import BadFile, Place, Problem
from engine.replay.account import Account, Progress
from engine.replay.command import recording_of
from engine.replay.live.run import LiveCount, play_live
from engine.replay.options import ReplayOptions
from engine.replay.recording import replay_recording
from engine.replay.times import as_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Both hashes, and what became of the frames."""

    count: LiveCount
    alerts_sha256: str  # by the live path
    replayed_sha256: str  # by the plain replay

    @property
    def holds(self) -> bool:
        """Every frame is in the log, and the alerts are the same."""
        return self.count.holds and self.alerts_sha256 == self.replayed_sha256

    def as_json(self) -> dict[str, Any]:
        """What `--live` adds to the result."""
        return {"replayed_sha256": self.replayed_sha256, "live": self.count.as_json()}


def prove(options: ReplayOptions, account: Account, progress: Progress) -> tuple[Account, Proof, str]:
    """Both ways: (the account of the live path, the proof, the zone of the recording's days)."""
    if options.mapping is None:
        raise BadFile([Problem(place=Place(file=str(options.file)), path="", key="live_no_mapping")])
    recording = recording_of(options.file, options.mapping, as_ms(options.to_time), options.config)
    account, count = play_live(recording, account, progress)
    plain = replay_recording(recording, Account(), batch=options.batch, partitions=options.partitions)
    from_ms = as_ms(options.from_time)
    proof = Proof(
        count=count,
        alerts_sha256=account.result(from_ms)["alerts_sha256"],
        replayed_sha256=plain.result(from_ms)["alerts_sha256"],
    )
    return account, proof, recording.mapping.judging.zone
