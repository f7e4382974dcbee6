"""How far a command is, file by file, for whoever looks at a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def watched(label: str, *, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """What to tell (name of a file, bytes done, of how many). Nothing is drawn where nobody looks."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda name, done, size: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(binary_units=True))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=None)

        def told(name: str, done: int, size: int) -> None:
            bar.update(task, description=f"{label} {name}", completed=done, total=size)

        yield told
