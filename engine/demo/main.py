"""`outfall demo`: plays the story of a simulated district through the real pipeline."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What the command line hands to the demo."""

    json: bool = False  # no board, as fast as it can, one object at the end
    speed: float = 900.0  # simulated seconds per second; not used with `json`
    seed: int = 1
    lang: str = "en"  # "en" or "zh"
    data_dir: Path | None = None  # kept when given; None: a temporary one, removed at the end
    port: int = 0  # of the MQTT endpoint on 127.0.0.1; 0: any free one
    hours: float = 26.0  # simulated hours; the whole story needs 26


def run_demo(options: DemoOptions) -> int:
    """Play it. 0 if the account adds up and the alerts of every scene played came, else 1; 130 after Ctrl-C."""
    raise SystemExit(f"outfall demo: not wired to the pipeline yet (asked for {options})")
