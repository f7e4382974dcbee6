"""What the command line hands to the demo."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """One call of `outfall demo`; `engine.demo.main.run_demo` carries it out."""

    json: bool = False  # no board, as fast as it can, one object at the end
    speed: float = 900.0  # simulated seconds per second; not used with `json`
    seed: int = 1
    lang: str = "en"  # "en" or "zh"
    data_dir: Path | None = None  # kept when given; None: a temporary one, removed at the end
    port: int = 0  # of the MQTT endpoint on 127.0.0.1; 0: any free one
    hours: float = 25.5  # simulated; the whole story needs 25.5
