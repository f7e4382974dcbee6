"""What a person sees while the demo plays: the live board, or plain lines where there is no terminal, or nothing."""

from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, RenderableType
from rich.live import Live

from engine.demo.board import View, board, clock
from engine.demo.state import BoardState
from engine.demo.story import START_MS, playing
from engine.demo.words import say
from rules.alert import Step

HOUR_MS = 3_600_000

Look = Callable[[int, int], View]
"""(width, height) -> what there is to draw."""


class Front(Protocol):
    """Told several times a second that there may be something new."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None: ...

    def show(self, state: BoardState, look: Look) -> None:
        """Draw it, or say what is new."""


class Silent:
    """For `--json`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, state: BoardState, look: Look) -> None:
        """Nothing."""


class LiveBoard:
    """The board on the terminal's other screen; what was there before comes back at the end."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop")

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, state: BoardState, look: Look) -> None:
        """Draw it."""
        width, height = self._console.size
        self._live.update(board(state, look(width, height)), refresh=True)


class Lines:
    """Scenes as they begin, pages as they go out, and a line each simulated hour."""

    def __init__(self, say_line: Callable[[RenderableType], None], lang: str) -> None:
        self._say = say_line
        self._lang = lang
        self._scenes: set[str] = set()
        self._pages = 0
        self._hour = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, state: BoardState, look: Look) -> None:
        """Say what is new."""
        tally = look(80, 24).tally
        for scene in playing(tally.now_ms):
            if scene.id not in self._scenes:
                self._scenes.add(scene.id)
                title, tells = scene.title.say(self._lang), scene.tells.say(self._lang)
                self._say(f"{clock(tally.now_ms)}  {say('scene', self._lang)}: {title}. {tells}")
        new, self._pages = state.shown - self._pages, state.shown
        for page in list(state.pages)[-new:] if new else ():
            self._say(f"{clock(tally.now_ms)}  {page}")
        hour = (tally.now_ms - START_MS) // HOUR_MS
        if hour > self._hour:
            self._hour = hour
            self._say(self._counts(state, look(80, 24)))

    def _counts(self, state: BoardState, view: View) -> str:
        parts = (
            ("acknowledged", view.tally.acknowledged),
            ("readings", state.readings),
            ("refused", sum(state.refused.values())),
            ("alerts", state.steps[Step.OPENED]),
            ("pages", state.paged),
            ("waiting", view.waiting),
        )
        return f"{clock(view.tally.now_ms)}  " + ", ".join(f"{say(word, self._lang)} {n:,}" for word, n in parts)
