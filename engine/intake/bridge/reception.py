"""What all connections of one bridge share, one after the other: the way to the log, counts, refusals."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from engine.intake.bridge.dropped import Dropped
from engine.intake.bridge.mn_topic import MnTopic
from engine.intake.bridge.settings import BridgeSettings
from engine.intake.commit_queue import CommitQueue
from engine.intake.counts import Refused
from engine.intake.refusals import SHOWN_MAX, IntakeRefusal, RefusalBook
from engine.intake.settings import IntakeSettings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BridgeReception:
    """Where the messages of a bridge go."""

    settings: BridgeSettings
    intake: IntakeSettings  # the bounds that hold for every intake
    topic: MnTopic
    queue: CommitQueue
    partition_of: Callable[[str], int]  # MN -> partition of FRAMES
    counts: dict[str, int]
    refusals: RefusalBook
    dropped: Dropped

    def refuse(self, why: Refused, detail: str, topic: str = "", payload: bytes = b"") -> None:
        """Count and keep a refusal."""
        refusal = IntakeRefusal(
            at_ms=time.time_ns() // 1_000_000,
            reason=why,
            detail=detail,
            peer=self.settings.place,
            login=self.settings.client_id,
            client_id=self.settings.client_id,
            topic=topic[:256],
            size=len(payload),
            payload=payload[:SHOWN_MAX],
        )
        self.refusals.keep(refusal)
