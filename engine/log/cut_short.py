"""What to say of a log whose file lost its end."""

from pathlib import Path

from engine.log.errors import LogError
from engine.log.file import missing_pages
from engine.log.reader import LogReader
from engine.log.record import Topic


def refuse_cut_file(file: Path) -> None:
    """Raise LogError with what is left and what is gone, if the file is shorter than it says it is."""
    missing = missing_pages(file) if file.exists() else 0
    if not missing:
        return
    reason = f"{file}: cut short: {missing} pages are missing at its end. {_losses(file)}"
    raise LogError(f"{reason}. Restore it from a copy, or move it away and read what is left with `outfall replay`")


def _losses(file: Path) -> str:
    """What each partition still holds, and where its first unreadable record is."""
    try:
        with LogReader(file, on_damage=lambda damage: None) as reader:
            lost = [_loss(reader, topic, p) for topic in Topic for p in range(reader.partitions(topic))]
    except LogError as error:
        return f"Nothing of it can be read ({error})"
    return "; ".join(text for text in lost if text) or "Every record can be read"


def _loss(reader: LogReader, topic: Topic, partition: int) -> str:
    for record in reader.records(topic, partition):
        if reader.damaged:
            reader.damaged.clear()
            end = reader.span(topic, partition).end
            return f"{topic.value}/{partition} can be read up to offset {record.offset - 1} of {end - 1}"
    return ""
