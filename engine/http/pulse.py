"""How late the event loop is: everything of a host but the stages' threads waits for it."""

import asyncio
from collections import deque

BEAT_S = 0.25
KEPT_S = 60.0


class Pulse:
    """Beats four times a second and notes how late each beat came."""

    def __init__(self) -> None:
        self._late: deque[tuple[float, float]] = deque()
        self._due: float | None = None

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._due = loop.time() + BEAT_S
            await asyncio.sleep(BEAT_S)
            self._note(loop.time())

    def worst_s(self) -> float:
        """The latest beat of the last minute, and the one that is late now."""
        now = asyncio.get_running_loop().time()
        self._forget(now)
        late_now = 0.0 if self._due is None else now - self._due
        return max(0.0, late_now, *(late for _, late in self._late))

    def _note(self, now: float) -> None:
        assert self._due is not None
        late = now - self._due
        while self._late and self._late[-1][1] <= late:  # none before it will be the worst again
            self._late.pop()
        self._late.append((now, late))
        self._forget(now)

    def _forget(self, now: float) -> None:
        while self._late and self._late[0][0] < now - KEPT_S:
            self._late.popleft()
