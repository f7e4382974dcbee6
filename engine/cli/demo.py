"""`outfall demo`: the simulated district."""

from pathlib import Path

import click

from engine.cli.base import command
from engine.texts import Texts


def make(say: Texts) -> click.Command:
    """The command."""

    @command(say, "demo")
    @click.option("--speed", type=click.FloatRange(1), default=900.0, show_default=True, help=say("cli.demo.speed"))
    @click.option("--seed", type=int, default=1, show_default=True, help=say("cli.demo.seed"))
    @click.option("--hours", type=click.FloatRange(0.1), default=25.5, show_default=True, help=say("cli.demo.hours"))
    @click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help=say("cli.demo.port"))
    @click.option("--data", type=click.Path(file_okay=False, path_type=Path), help=say("cli.demo.data"))
    @click.pass_context
    def demo(ctx: click.Context, speed: float, seed: int, hours: float, port: int, data: Path | None, json: bool) -> None:
        from engine.demo.main import run_demo
        from engine.demo.options import DemoOptions

        options = DemoOptions(json=json, speed=speed, seed=seed, lang=say.lang, data_dir=data, port=port, hours=hours)
        ctx.exit(run_demo(options))

    return demo
