"""`outfall doctor`: looks at everything that a running system stands on, with the fix beside each finding."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.base import Out, command, config_option, fail
from engine.exit_codes import ExitCode
from engine.texts import Texts

if TYPE_CHECKING:
    from rich.console import Console

    from engine.config.doc import Config
    from engine.doctor.finding import Finding
    from engine.doctor.patient import Broker, Patient

SUBJECTS = ("configuration", "environment", "data", "listener", "tls", "mqtt", "kafka", "influx", "database")
STYLES = {"good": "green", "note": "cyan", "warning": "yellow", "error": "bold red"}


def make(say: Texts) -> click.Command:
    """The command."""
    file = click.Path(exists=True, dir_okay=False, path_type=Path)

    @command(say, "doctor")
    @config_option(say)
    @click.option("--only", type=click.Choice(SUBJECTS), multiple=True, help=say("cli.doctor.only"))
    @click.option("--probe", is_flag=True, help=say("cli.doctor.probe"))
    @click.option("--broker", multiple=True, help=say("cli.doctor.broker"))
    @click.option("--broker-user", default="", help=say("cli.doctor.broker_user"))
    @click.option("--broker-password-file", type=file, help=say("cli.doctor.broker_password_file"))
    @click.option("--mosquitto-conf", type=file, help=say("cli.doctor.mosquitto_conf"))
    @click.pass_context
    def doctor(ctx: click.Context, /, config: Path, json: bool, only: tuple[str, ...], **asked: Any) -> None:
        findings = tuple(_findings(config, only, asked, say))
        counts = Counter(finding.severity.value for finding in findings)
        content = {"findings": [finding.to_json(say) for finding in findings], "counts": dict(counts)}
        Out(say=say, json=json).answer(content, lambda console: _show(console, say, findings, counts))
        ctx.exit(ExitCode.FAILED if counts["error"] else ExitCode.OK)

    return doctor


def _findings(file: Path, only: tuple[str, ...], asked: dict[str, Any], say: Texts) -> "Iterable[Finding]":
    from engine.config.load import load_config
    from engine.config.problem import BadFile
    from engine.doctor.configuration import problem_findings
    from engine.doctor.examine import examine

    if not file.exists():
        fail(ExitCode.CONFIG, "cli.error.no_config", file=file)
    try:
        config = load_config(file)
    except BadFile as bad:
        return problem_findings(bad.problems, say)
    return examine(_patient(config, asked), say, only)


def _patient(config: "Config", asked: dict[str, Any]) -> "Patient":
    from engine.doctor.patient import Patient

    return Patient(
        config=config,
        brokers=tuple(_brokers(config, asked)),
        probe=asked["probe"],
        mosquitto_conf=asked["mosquitto_conf"],
    )


def _brokers(config: "Config", asked: dict[str, Any]) -> "Iterable[Broker]":
    """Those named on the line, else those of the bridges."""
    from engine.config.secrets import read_secret
    from engine.doctor.patient import Broker
    from engine.duty.settings import Secret

    secret, user = asked["broker_password_file"], asked["broker_user"]
    login = {"user": user, "password": read_secret(secret) if secret else Secret("")}
    for text in asked["broker"]:
        host, colon, port = text.rpartition(":")
        if not colon or not port.isdecimal():
            fail(ExitCode.USAGE, "cli.doctor.bad_broker", value=text)
        yield Broker(host=host.strip("[]"), port=int(port), **login)
    if not asked["broker"]:
        found = {(bridge.host, bridge.port): bridge.tls for bridge in config.bridges}
        yield from (Broker(host=host, port=port, tls=tls, **login) for (host, port), tls in found.items())


def _show(console: "Console", say: Texts, findings: "tuple[Finding, ...]", counts: Counter[str]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    for finding in findings:
        severity = finding.severity.value
        mark = Text(f"{say(f'cli.doctor.severity.{severity}'):8}", style=STYLES[severity])
        place = f" {finding.where}" if finding.where else ""
        console.print(mark.append(f"{finding.subject}{place}: {finding.saw(say)}", style="default"))
        for key, text in (("why", finding.why(say)), ("fix", finding.fix(say))):
            if text:
                console.print(Padding(Text(say(f"cli.doctor.{key}", text=text)), (0, 0, 0, 9), expand=False))
    console.print(say("cli.doctor.counts", **{name: counts[name] for name in ("error", "warning", "note", "good")}))
