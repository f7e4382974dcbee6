"""`outfall sensor import`: registry files taken in, after the register as a whole was checked with them."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.base import Out, command, config_option, fail, loaded
from engine.exit_codes import ExitCode
from engine.texts import Texts

if TYPE_CHECKING:
    from rich.console import Console

    from engine.config.doc import Config
    from engine.registry_files.difference import Change


def make(say: Texts) -> click.Command:
    """The command."""

    @command(say, "sensor.import")
    @config_option(say)
    @click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
    @click.option("--dry-run", is_flag=True, help=say("cli.sensor.import.dry"))
    def sensor_import(config: Path, json: bool, paths: tuple[Path, ...], dry_run: bool) -> None:
        settings = loaded(config)
        folder = _folder(settings)
        changes = _checked(settings, folder, paths)
        if not dry_run:
            for path in paths:
                _put(path, folder / path.name)
        content = {"dry_run": dry_run, "into": str(folder), "changes": [asdict(change) for change in changes]}
        Out(say=say, json=json).answer(content, lambda console: _show(console, say, changes, dry_run))

    return sensor_import


def _folder(settings: "Config") -> Path:
    """Where imported files go."""
    for path in settings.registry_paths:
        if path.is_dir():
            return path
    return fail(ExitCode.FAILED, "cli.sensor.import.no_folder", config=settings.file)


def _checked(settings: "Config", folder: Path, paths: Sequence[Path]) -> "list[Change]":
    """What the files change. The whole configuration is read with them in their places; BadFile with its errors."""
    from engine.config.load import load_config
    from engine.registry_files.assemble import Register
    from engine.registry_files.difference import differences
    from engine.registry_files.load import sources

    kept = [s for p in settings.registry_paths for s in sources(p) if s not in [folder / path.name for path in paths]]
    new = load_config(settings.file, registry=[*kept, *paths])
    last = Register(registry=settings.registry, limits=settings.rules.limits)
    return differences(last, Register(registry=new.registry, limits=new.rules.limits))


def _put(source: Path, target: Path) -> None:
    """Copy a file or a folder to its place in one step."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".import-") as name:
        new = Path(name) / source.name
        if source.is_dir():
            shutil.copytree(source, new)
            if target.exists():
                target.rename(Path(name) / "old")
        else:
            shutil.copyfile(source, new)
        new.rename(target)


def _show(console: "Console", say: Texts, changes: "list[Change]", dry_run: bool) -> None:
    if not changes:
        console.print(say("cli.sensor.import.same"))
        return
    console.print(say("cli.sensor.import.would" if dry_run else "cli.sensor.import.did"))
    for change in changes:
        console.print(f"  {change.sign} {change.table} {change.name}", markup=False)
