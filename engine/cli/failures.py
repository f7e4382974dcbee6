"""How an error ends a command: one text that says what to do, or one JSON object, and an exit code that tells the kind."""

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from engine.cli.base import Failure
from engine.exit_codes import ExitCode
from engine.texts import Texts

if TYPE_CHECKING:
    from engine.config.problem import Problem


def told(say: Texts, error: BaseException, *, as_json: bool) -> int:
    """Print what went wrong; the exit code. An error that nobody foresaw is raised again: its traceback is wanted."""
    if isinstance(error, click.UsageError) and error.ctx is not None and not as_json:
        click.echo(error.ctx.get_usage(), err=True)
    found = _lines(say, error)
    if found is None:
        raise error
    code, kind, lines = found
    if as_json:
        content = {"kind": kind, "text": "\n".join(lines), "exit_code": int(code), **_details(say, error)}
        print(json.dumps({"ok": False, "error": content}, ensure_ascii=False, default=str))
    else:
        for line in lines:
            print(line, file=sys.stderr)
    return int(code)


def _lines(say: Texts, error: BaseException) -> tuple[ExitCode, str, list[str]] | None:
    if isinstance(error, Failure):
        return error.code, error.key.removeprefix("cli.error."), [say(error.key, **error.values)]
    if isinstance(error, click.ClickException):
        return ExitCode.USAGE, "usage", [say("cli.error.usage", reason=error.format_message())]
    problems = _problems(error)
    if problems:
        texts = [problem.text(say) for problem in problems]
        return ExitCode.CONFIG, "config", [*texts, say("cli.error.problems", count=len(texts))]
    for name, code in KNOWN.items():
        if any(cls.__name__ == name for cls in type(error).__mro__):
            return code, name, [say("cli.error.known", reason=str(error))]
    if isinstance(error, OSError) and error.filename:
        return ExitCode.FAILED, "os", [say("cli.error.known", reason=f"{error.filename}: {error.strerror}")]
    return None


KNOWN = {
    "DirectoryInUseError": ExitCode.IN_USE,
    "LogError": ExitCode.LOG,
    "StoreError": ExitCode.STORE,
    "DatabaseUnavailableError": ExitCode.STORE,
    "CredentialsError": ExitCode.INTAKE,
    "RecordDamaged": ExitCode.LOG,
    "LiveError": ExitCode.FAILED,
    "NotARecordingError": ExitCode.FAILED,
    "MovedError": ExitCode.CONFIG,
    "BackupError": ExitCode.FAILED,
}
"""Errors of the layers below whose message says what to do, by name: importing them would make every start slower."""


def _problems(error: BaseException) -> "Iterable[Problem]":
    return getattr(error, "problems", ()) if type(error).__name__ == "BadFile" else ()


def _details(say: Texts, error: BaseException) -> dict[str, object]:
    problems = [problem.to_json(say) for problem in _problems(error)]
    return {"problems": problems} if problems else {}
