"""The terminal as a channel: pages are printed."""

import sys
from collections.abc import Callable

from engine.duty.channels.channel import Outcome, Status
from engine.duty.page import Page
from engine.duty.page_text import page_text


def to_stdout(text: str) -> None:
    """Print at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Terminal:
    """Hands the text of a page to `show`, which prints it."""

    def __init__(self, show: Callable[[str], None] = to_stdout) -> None:
        self._show = show

    async def send(self, page: Page) -> Outcome:
        """Print it."""
        try:
            self._show(f"→ {page.person_name}  {page_text(page)}")
        except OSError as error:
            return Outcome(status=Status.FAILED, retry=True, detail=f"terminal: {error}")
        return Outcome(status=Status.DELIVERED, detail="printed", provider_id=page.page_id)

    async def close(self) -> None:
        """Nothing to let go of."""
