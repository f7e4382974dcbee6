"""Files that hold one secret each: made once, with an owner and a mode that lets nobody else read them."""

import os
import secrets
import tempfile
from pathlib import Path

SECRET_BYTES = 24
"""192 random bits."""


def made_once(file: Path, owner: int) -> str:
    """The secret of a file; a new random one where there is no file yet."""
    if file.exists():
        return file.read_text("utf-8").strip()
    secret = secrets.token_urlsafe(SECRET_BYTES)
    write(file, secret + "\n", owner)
    return secret


def write(file: Path, text: str, owner: int) -> None:
    """Put text into a file that only its owner can read, whole or not at all; `owner` is a user's number."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as draft:
        draft.write(text)
        draft.flush()
        os.fsync(draft.fileno())
    Path(draft.name).chmod(0o400)
    own(Path(draft.name), owner)
    Path(draft.name).replace(file)


def own(file: Path, owner: int) -> None:
    """Give a file to a user; nothing to do where it is theirs already."""
    if file.stat().st_uid != owner:
        os.chown(file, owner, owner)
