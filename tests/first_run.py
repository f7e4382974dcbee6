"""The scripts of docker/first_run as modules. They are started in their own folder and import each other from there."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parent.parent / "docker/first_run"


def script(name: str) -> ModuleType:
    """One of them."""
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
    return importlib.import_module(name)
