"""The publishers, a process of its own that no kill reaches: `python -m tests.chaos.publish FOLDER` until SIGTERM.

FOLDER/publishers.json: {"port", "rate", "secrets": {mn: secret}}. Every third monitor speaks through paho-mqtt.
"""

import asyncio
import json
import signal
import sys
import threading
import time
from pathlib import Path

from tests.chaos.frames import Speech, monitors
from tests.chaos.journal import Journal
from tests.chaos.paho_client import PahoClient
from tests.chaos.raw_client import RawClient

PLAN = "publishers.json"


async def main(folder: Path) -> None:
    """Publish until SIGTERM, then wait until everything is acknowledged."""
    plan = json.loads((folder / PLAN).read_text())
    journal, began_s = Journal(folder), time.time()
    stop, halt = asyncio.Event(), threading.Event()

    def end() -> None:
        stop.set()
        halt.set()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
    speeches = [Speech(monitor, began_s) for monitor in monitors(len(plan["secrets"]))]
    port, rate, secrets = plan["port"], plan["rate"], plan["secrets"]
    paho = [
        PahoClient(speech, secrets[speech.monitor.mn], port, rate=rate, journal=journal, stop=halt)
        for speech in speeches[2::3]
    ]
    for thread in paho:
        thread.start()
    others = [speech for n, speech in enumerate(speeches) if n % 3 != 2]
    await asyncio.gather(*(RawClient(s, secrets[s.monitor.mn], port, rate, journal, stop).run() for s in others))
    for thread in paho:
        await asyncio.to_thread(thread.join)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
