"""Secrets stand in files of their own, so that a configuration can be shown to anybody."""

import os
from collections.abc import Iterator
from pathlib import Path

from engine.config.problem import Problem
from engine.config.validate import YamlWhere
from engine.duty.settings import Secret


def secret_problems(file: Path, where: YamlWhere) -> Iterator[Problem]:
    """Why a secret cannot be read from a file: missing, empty, or readable by others."""
    try:
        mode, text = file.stat().st_mode & 0o777, file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        yield where.problem("", "no_secret", value=file, reason=reason)
        return
    if not text.strip():
        yield where.problem("", "empty_secret", value=file)
    if mode & (0o027 if _handed_over(file) else 0o077):
        yield where.problem("", "open_secret", value=file, mode=f"{mode:03o}")


def _handed_over(file: Path) -> bool:
    """Whether systemd handed it to this process alone (LoadCredential=).

    It says who may read by an access list, where it can; the mode then shows the list's widest right as that of the group.
    """
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return folder is not None and file.is_relative_to(folder)


def read_secret(file: Path) -> Secret:
    """The secret of a file that has no problems."""
    return Secret(file.read_text("utf-8").strip())
