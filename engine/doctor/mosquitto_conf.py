"""What can be read from a mosquitto.conf and not be seen from outside: above all, whether anything is on disk."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from engine.doctor.finding import Finding, error, good, note, warning

Settings = Mapping[str, str]

AUTOSAVE_S = 1800
"""Mosquitto's default of autosave_interval."""


def read_conf(text: str) -> dict[str, str]:
    """Name -> value of each line; of a name that stands twice the last.

    >>> read_conf("# a comment\\npersistence true\\n\\n  listener 1883 127.0.0.1\\n")
    {'persistence': 'true', 'listener': '1883 127.0.0.1'}
    """
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return {name: value.strip() for name, _, value in pairs}


def conf_findings(file: Path) -> Iterator[Finding]:
    """Every line, or its absence, that can lose data."""
    try:
        settings = read_conf(file.read_text("utf-8", "replace"))
    except OSError as failure:
        yield error("mqtt_conf_unreadable", file, reason=failure.strerror)
        return
    found = [finding for check in CHECKS for finding in check(settings, file)]
    yield from found or [good("mqtt_conf", file)]


def _persistence(settings: Settings, file: Path) -> Iterator[Finding]:
    if settings.get("persistence", "false") != "true":
        yield error("mqtt_conf_persistence", file)
        return
    interval_s = _number(settings.get("autosave_interval"), AUTOSAVE_S)
    if settings.get("autosave_on_changes", "false") == "true":
        yield warning("mqtt_conf_on_changes", file)
    elif interval_s > 1 or interval_s == 0:
        yield error("mqtt_conf_autosave", file, seconds=interval_s or "-")


def _bounds(settings: Settings, file: Path) -> Iterator[Finding]:
    if (bound := _number(settings.get("max_queued_messages"), 1000)) != 0:
        yield error("mqtt_conf_queued", file, count=bound)
    for name in ("max_queued_bytes", "memory_limit"):
        if _number(settings.get(name), 0):
            yield warning("mqtt_conf_bytes", file, name=name, value=settings[name])


def _session(settings: Settings, file: Path) -> Iterator[Finding]:
    if "persistent_client_expiration" in settings:
        yield warning("mqtt_conf_expiration", file, value=settings["persistent_client_expiration"])
    if settings.get("use_username_as_clientid", "false") != "true":
        yield warning("mqtt_conf_client_id", file)


def _rights(settings: Settings, file: Path) -> Iterator[Finding]:
    if settings.get("allow_anonymous", "false") == "true":
        yield error("mqtt_conf_anonymous", file)
    if not {"acl_file", "plugin", "auth_plugin"} & settings.keys():
        yield error("mqtt_conf_rights", file)


def _other_files(settings: Settings, file: Path) -> Iterator[Finding]:
    if "include_dir" in settings:
        yield note("mqtt_conf_include", file, folder=settings["include_dir"])


CHECKS: tuple[Callable[[Settings, Path], Iterator[Finding]], ...] = (
    _persistence,
    _bounds,
    _session,
    _rights,
    _other_files,
)


def _number(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdecimal() else default
