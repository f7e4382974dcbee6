"""paho-mqtt on an event loop: one connection to a broker, read only as far as it may be, acknowledged by hand.

paho's own thread is not used: it reads on whatever happens, and it would need locks around everything a message touches.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import Any, TypeVar

import paho.mqtt.client as mqtt

from engine.intake.bridge.settings import BridgeSettings, BrokerTls

READS_MAX = 200
"""Messages taken before the event loop turns to somebody else."""

TCP_S_MAX = 5.0

WHY = {"Unspecified error": "the connection broke"}
"""paho's word for a socket that was closed, and ours."""

T = TypeVar("T")


class LineError(Exception):
    """The broker cannot be used now: not there, or it said no, or it went away. The same may succeed later."""


class Refusal(LineError):
    """The broker says no to what it was asked; the line goes on."""


class NoAnswer(LineError):
    """The broker took what was sent, and said nothing. It may still do what it was asked."""


class Wire:
    """A connection from its beginning to its end. `ended` says why it ended, or what went wrong here.

    `take` gets each message and says whether more may be read; if not, nothing is read until `read_on`.
    """

    def __init__(
        self, settings: BridgeSettings, take: Callable[[mqtt.MQTTMessage], bool], before_connect: Callable[[], object]
    ) -> None:
        """`before_connect` is called once the broker is reached, before anything is sent to it; from another thread."""
        self.is_held = False  # the socket is not read
        self._settings = settings
        self._take = take
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[str] = self._loop.create_future()
        self._connack: asyncio.Future[bool] = self._loop.create_future()
        self._answers: dict[int, asyncio.Future[None]] = {}  # by packet id: what the broker has yet to answer
        self._taken = 0
        self._fd = -1
        self._client = self._make_client(before_connect)

    @property
    def is_open(self) -> bool:
        """Whether anything can be sent."""
        return self._fd >= 0

    async def connect(self) -> bool:
        """Log in; whether the broker still had the session. Nothing is read until `read_on`. LineError where that fails."""
        settings = self._settings
        try:
            context = await asyncio.to_thread(tls_context, settings.tls)
            if context is not None:
                self._client.tls_set_context(context)
            self._client.connect_async(settings.host, settings.port, settings.keep_alive_s)
            await asyncio.to_thread(self._client.reconnect)
        except OSError as error:
            raise LineError(f"{settings.place}: cannot be reached: {error}") from error
        self._fd = self._client.socket().fileno()
        self._loop.add_reader(self._fd, self._readable)
        self.flush()
        return await self._answered(self._connack, "CONNECT")

    async def subscribe(self, filter: str, instead_of: str = "") -> None:
        """Ask for messages, and for those of another filter no more. LineError where the broker will not."""
        if instead_of and instead_of != filter:
            await self._asked(self._client.unsubscribe(instead_of), f"UNSUBSCRIBE from {instead_of}")
        await self._asked(self._client.subscribe(filter, qos=1), f"SUBSCRIBE to {filter}")

    async def listen(self, topic: str) -> None:
        """Ask for a topic with QoS 0 as well; a broker that refuses it is asked no more. LineError where the line ends."""
        with contextlib.suppress(Refusal):
            await self._asked(self._client.subscribe(topic, qos=0), f"SUBSCRIBE to {topic}")

    async def publish(self, topic: str, payload: bytes) -> None:
        """Publish with QoS 1; returns when the broker has acknowledged it. LineError where the connection ends before."""
        sent = self._client.publish(topic, payload, qos=1)
        await self._asked((sent.rc, sent.mid), f"PUBLISH to {topic}", patient=True)

    def ack(self, packet_id: int) -> None:
        """Acknowledge a message; leaves with the next `flush`."""
        self._client.ack(packet_id, 1)

    def flush(self) -> None:
        """Write what waits; what the socket does not take now is written when it does."""
        if self._fd < 0:
            return
        self._client.loop_write()
        if self._fd < 0:
            return
        if self._client.want_write():
            self._loop.add_writer(self._fd, self.flush)
        else:
            self._loop.remove_writer(self._fd)

    def tend(self) -> None:
        """To be called about once a second: pings. A socket that is not read gives no answer to them."""
        if self._fd >= 0 and not self.is_held:
            self._client.loop_misc()
            self.flush()

    def hold(self) -> None:
        """Read nothing."""
        if self._fd >= 0 and not self.is_held:
            self._loop.remove_reader(self._fd)
        self.is_held = True

    def read_on(self) -> None:
        """Read again."""
        if self._fd >= 0 and self.is_held:
            self.is_held = False
            self._loop.add_reader(self._fd, self._readable)
            self._loop.call_soon(self._readable)

    def close(self) -> None:
        """Leave. The broker keeps the session."""
        with contextlib.suppress(OSError, ValueError):
            self._client.disconnect()
            self.flush()
        self._lost("closed")

    # what paho calls, always on this loop but for `before_connect`

    def _make_client(self, before_connect: Callable[[], object]) -> mqtt.Client:
        settings, version = self._settings, mqtt.CallbackAPIVersion.VERSION2
        client = mqtt.Client(version, settings.client_id, clean_session=False, manual_ack=True, reconnect_on_failure=False)
        client.connect_timeout = TCP_S_MAX
        if settings.user:
            client.username_pw_set(settings.user, settings.password.reveal() or None)
        client.on_socket_open = lambda *_: before_connect()
        client.on_socket_close = lambda *_: self._detach()
        client.on_socket_register_write = lambda *_: None  # `flush` looks after that
        client.on_connect = self._on_connect
        client.on_disconnect = lambda client, data, flags, reason, properties: self._lost(WHY.get(str(reason), str(reason)))
        client.on_message = self._on_message
        client.on_subscribe = lambda client, data, mid, codes, properties: self._on_answer(mid, codes)
        client.on_unsubscribe = lambda client, data, mid, codes, properties: self._on_answer(mid, codes)
        client.on_publish = lambda client, data, mid, code, properties: self._on_answer(mid, [code])
        return client

    def _on_connect(self, client: mqtt.Client, data: object, flags: Any, reason: Any, properties: object) -> None:
        if self._connack.done():
            return
        if reason.is_failure:
            self._connack.set_exception(
                LineError(f"{self._settings.place}: does not let {self._settings.client_id} in: {reason}")
            )
        else:
            self.hold()
            self._connack.set_result(bool(flags.session_present))

    def _on_answer(self, mid: int, codes: Any) -> None:
        answer = self._answers.pop(mid, None)
        if answer is None or answer.done():
            return
        refused = [code for code in codes if code.is_failure]
        if refused:
            answer.set_exception(Refusal(f"{self._settings.place}: the broker says no: {refused[0]}"))
        else:
            answer.set_result(None)

    def _on_message(self, client: mqtt.Client, data: object, message: mqtt.MQTTMessage) -> None:
        self._taken += 1
        if not self._take(message):
            self.hold()

    # reading, asking, ending

    def _readable(self) -> None:
        try:
            self._read()
        except Exception as error:  # an error here would leave a message unacknowledged, and others behind it
            if not self.ended.done():
                self.ended.set_exception(error)

    def _read(self) -> None:
        """Take what has arrived. `loop_read` takes one packet, or finds none."""
        for _ in range(READS_MAX):
            if self._fd < 0 or self.is_held:
                break
            before = self._taken
            self._client.loop_read()
            if self._taken == before and not self._has_more():
                break
        else:
            self._loop.call_soon(self._readable)
        self.flush()

    def _has_more(self) -> bool:
        """TLS hands over whole records: bytes may be here that the socket does not tell of."""
        sock = self._client.socket()
        return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0

    async def _asked(self, sent: tuple[Any, int | None], what: str, *, patient: bool = False) -> None:
        code, mid = sent
        if code != mqtt.MQTT_ERR_SUCCESS or mid is None:
            raise LineError(f"{self._settings.place}: {what}: {mqtt.error_string(code)}")
        answer = self._answers[mid] = self._loop.create_future()
        self.flush()
        await self._answered(answer, what, patient=patient)

    async def _answered(self, answer: asyncio.Future[T], what: str, *, patient: bool = False) -> T:
        """The broker's answer. `patient`: as long as the connection lives."""
        place, bound_s = self._settings.place, self._settings.connect_s_max
        either: set[asyncio.Future[Any]] = {answer, self.ended}
        await asyncio.wait(either, timeout=None if patient else bound_s, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        answer.cancel()
        if self.ended.done():
            raise LineError(f"{place}: expected an answer to {what}, the connection ended: {self.ended.result()}")
        raise NoAnswer(f"{place}: expected an answer to {what} within {bound_s:g} s")

    def _detach(self) -> None:
        """The socket is about to be closed."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
            self._fd = -1

    def _lost(self, why: str) -> None:
        self._detach()
        if not self.ended.done():
            self.ended.set_result(why)


def tls_context(tls: BrokerTls | None) -> ssl.SSLContext | None:
    """TLS 1.2 or newer, with the broker's name checked. OSError where a file will not do."""
    if tls is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=tls.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.cert is not None:
        context.load_cert_chain(tls.cert, tls.key)
    return context
