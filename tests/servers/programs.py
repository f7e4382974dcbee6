"""Where the programs of the servers are: on the PATH, where Debian keeps servers, or in the cache that script/test fills."""

import os
import shutil
from pathlib import Path


def cache() -> Path:
    """Where script/servers keeps what it fetched."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("OUTFALL_CACHE") or home / "outfall") / "servers"


def program(name: str) -> str:
    """A program's path; an error that says what to do where there is none."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    places = [str(cache() / "bin"), os.environ.get("PATH", ""), "/usr/sbin", *map(str, debian)]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        raise FileNotFoundError(f"{name}: expected it on the PATH or in {cache() / 'bin'}; script/servers fetches it")
    return found


def kafka_jars() -> Path:
    """The directory of Kafka's jars."""
    found = cache() / "kafka-4.1.0"
    if not any(found.glob("kafka_2.13-*.jar")):
        raise FileNotFoundError(f"the jars of Kafka: expected them in {found}; script/servers fetches them")
    return found
