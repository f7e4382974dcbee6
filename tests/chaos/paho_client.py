"""A monitor's client with paho-mqtt, as a vendor would write it: the library reconnects and resends by itself."""

import re
import threading
import time
from queue import Empty, SimpleQueue
from typing import Any

import paho.mqtt.client as mqtt

from tests.chaos.frames import Speech
from tests.chaos.journal import Journal, digest

WINDOW = 50
SENDING = re.compile(r"Sending PUBLISH \(d\d, q1, r\d, m(\d+)\)")


class PahoClient(threading.Thread):
    """Publishes the messages of one monitor until `stop` is set, then waits for the last acknowledgements."""

    def __init__(
        self, speech: Speech, secret: str, port: int, *, rate: float, journal: Journal, stop: threading.Event
    ) -> None:
        super().__init__(daemon=True)
        self._speech, self._rate, self._journal, self._halt = speech, rate, journal, stop
        self._port = port
        self._number = 0
        self._names: dict[int, str] = {}  # by message id
        self._waiting: set[int] = set()
        # The library's thread only puts down what happened: it may hold locks that `publish` waits for.
        self._news: SimpleQueue[tuple[str, int]] = SimpleQueue()
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, speech.monitor.mn, clean_session=False)
        self._client.username_pw_set(speech.monitor.mn, secret)
        self._client.reconnect_delay_set(1, 1)
        self._client.max_inflight_messages_set(WINDOW)
        self._again: SimpleQueue[bytes] = SimpleQueue()  # asked for once more
        self._client.on_publish = self._acknowledged
        self._client.on_connect = lambda client, *_: client.subscribe(f"outfall/v1/{speech.monitor.mn}/down", qos=1)
        self._client.on_message = self._asked
        self._client.on_log = self._logged

    def run(self) -> None:
        """Until all is said and acknowledged."""
        self._client.connect_async("127.0.0.1", self._port, keepalive=60)
        self._client.loop_start()
        while not self._halt.is_set() or self._waiting or not self._again.empty():
            more = not self._halt.is_set() or not self._again.empty()
            if more and len(self._waiting) < WINDOW and self._client.is_connected():
                self._say()
            self._write_down()
            time.sleep(1 / self._rate)
        self._client.loop_stop()

    def _say(self) -> None:
        try:
            payload = self._again.get_nowait()
        except Empty:
            self._number += 1
            payload = self._speech.message(self._number)
        mn = self._speech.monitor.mn
        message = self._client.publish(f"outfall/v1/{mn}/up", payload, qos=1)
        self._names[message.mid] = digest(mn, payload)
        self._waiting.add(message.mid)

    def _write_down(self) -> None:
        while True:
            try:
                what, mid = self._news.get_nowait()
            except Empty:
                return
            if what == "sent":
                self._journal.sent(self._names[mid])
            else:
                self._waiting.discard(mid)
                self._journal.acknowledged(self._names[mid])

    def _asked(self, client: object, userdata: object, message: mqtt.MQTTMessage) -> None:
        """A request for history. What was said is looked through on the library's thread: the list only grows."""
        for payload in self._speech.history(message.payload):
            self._again.put(payload)

    def _acknowledged(self, client: object, userdata: object, mid: int, reason: Any, properties: object) -> None:
        if reason.is_failure:
            raise PermissionError(f"expected PUBACK 0, got {reason}")
        self._news.put(("acknowledged", mid))

    def _logged(self, client: object, userdata: object, level: int, text: str) -> None:
        """The library names each PUBLISH that it writes, first ones and resends."""
        if found := SENDING.match(text):
            self._news.put(("sent", int(found[1])))
