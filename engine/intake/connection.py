"""One socket: bytes in and out, when to read on, when to end."""

import asyncio
import socket
from enum import Flag
from typing import cast

from engine.intake.commit_queue import Share
from engine.intake.counts import Refused
from engine.intake.handshake import PACKET_HEAD_MAX
from engine.intake.pace import Pace
from engine.intake.reception import Reception
from engine.intake.session import Session
from sensors.mqtt.build import build
from sensors.mqtt.packets import Goodbye, PacketType, Version
from sensors.mqtt.reader import PacketReader
from sensors.mqtt.reasons import MqttError, Reason

CLOSE_S_MAX = 5.0
"""How long a peer may take to read the last bytes."""


class Pause(Flag):
    """Why a socket is not read."""

    WINDOW = 1  # its own messages wait for the log
    QUEUE = 2  # too much of everybody's waits
    PEER = 4  # it does not read its answers
    PACE = 8  # it sends too fast
    END = 16  # it is about to be closed


NO_PAUSE = Pause(0)


class Connection(asyncio.BufferedProtocol):
    """One client. Reads no further than its bounds allow; acknowledges when the log has committed."""

    def __init__(self, reception: Reception) -> None:
        settings = reception.settings
        self.peer = ""
        self.share: Share | None = None
        self.waiting = 0
        self.session = Session(self, reception)
        self._reception = reception
        self._reader = PacketReader(packet_max=settings.payload_max + PACKET_HEAD_MAX)
        self._loop = asyncio.get_running_loop()
        self._pauses = NO_PAUSE
        self._pace = Pace(per_s=bound, burst_s=1.0) if (bound := settings.messages_per_s_max) else None
        self._heard = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None  # CONNECT, then keep-alive, then the end
        self._last_words = b""

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.peer = "{}:{}".format(*(transport.get_extra_info("peername") or ("?", 0))[:2])
        self._reception.counts["connections"] += 1
        connections_max = self._reception.settings.connections_max
        if len(self._reception.connections) >= connections_max:
            self.session.refuse(Refused.CONNECTIONS, f"{connections_max} connections are open, no more are accepted")
            self.abort()
            return
        self._reception.connections.add(self)
        keep_tcp_alive(transport.get_extra_info("socket"))
        self._timer = self._loop.call_later(self._reception.settings.connect_s_max, self._no_connect)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._reception.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._heard = self._loop.time()
        self._reader.feed(self._reception.buffer[:nbytes])
        self._read_on()

    def eof_received(self) -> bool:
        return False  # close

    def pause_writing(self) -> None:
        self._pause(Pause.PEER)

    def resume_writing(self) -> None:
        self._resume(Pause.PEER)

    def connection_lost(self, error: Exception | None) -> None:
        if self._timer:
            self._timer.cancel()
        self._pauses |= Pause.END
        self._reception.queue.forget(self)
        self._reception.connections.discard(self)
        if self._reception.sessions.get(self.session.key) is self:
            del self._reception.sessions[self.session.key]
        self.session.ended()

    # what the session calls

    def write(self, data: bytes | bytearray) -> None:
        """Send now."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def answer(self, data: bytes) -> None:
        """Send behind every answer that still waits for the log."""
        if self.share is None:
            self.write(data)
        else:
            self._reception.queue.behind(self, data)

    def logged_in(self) -> None:
        """From here on the keep-alive counts."""
        if self._timer:
            self._timer.cancel()
        self._timer = None
        self._watch()

    def finish(self, reason: Reason | None) -> None:
        """Read no more, answer what has been received when it is stored, then close; `reason` None: without a word.

        What came before a message that ends the connection is acknowledged: else its sender would send it for ever.
        """
        if Pause.END in self._pauses:
            return
        self._pause(Pause.END)
        self._last_words = self._goodbye(reason)
        if self.share is None:
            self._close()

    def close(self, reason: Reason) -> None:
        """Close at once; what is not acknowledged yet will not be, but is stored."""
        self._pause(Pause.END)
        self._last_words = self._goodbye(reason)
        self._close()

    def shut(self) -> None:
        """The endpoint stops: `finish`, and the client did not go offline."""
        self.session.is_shut = True
        self.finish(Reason.SERVER_SHUTTING_DOWN)

    def abort(self) -> None:
        """Close without a word, now."""
        self._transport.abort()

    # what the queue calls

    def stored(self, share: Share) -> None:
        """All of this share is in the log."""
        if share.answers and not self._transport.is_closing():
            self._reception.counts["acknowledged"] += share.told
            self._transport.write(share.answers)
        if Pause.END in self._pauses:
            if self.share is None:
                self._close()
        elif Pause.WINDOW in self._pauses and self.waiting <= self._reception.settings.unacknowledged_max // 2:
            self._resume(Pause.WINDOW)

    def room(self) -> None:
        """The queue has room again."""
        self._resume(Pause.QUEUE)

    # reading on

    def _read_on(self) -> None:
        reader, take = self._reader, self.session.take
        try:
            while not self._pauses and (packet := reader.next()) is not None:
                take(packet)
                self._check_bounds()
        except MqttError as error:
            self.session.broken(error, reader.glimpse())

    def _check_bounds(self) -> None:
        if self.waiting >= self._reception.settings.unacknowledged_max:
            self._pause(Pause.WINDOW)
        if self._reception.queue.full:
            self._pause(Pause.QUEUE)
            self._reception.queue.tell_when_room(self)
        if self._pace and (wait_s := self._pace.take(now=self._loop.time())):
            self._pause(Pause.PACE)
            self._loop.call_later(wait_s, self._resume, Pause.PACE)

    def _pause(self, why: Pause) -> None:
        if not self._pauses:
            self._reception.counts["pauses"] += why is not Pause.END
            self._transport.pause_reading()
        self._pauses |= why

    def _resume(self, why: Pause) -> None:
        if why not in self._pauses:
            return
        self._pauses &= ~why
        if not self._pauses and not self._transport.is_closing():
            self._heard = self._loop.time()
            self._read_on()
            if not self._pauses:
                self._transport.resume_reading()

    # ending

    def _watch(self) -> None:
        """Look again when the keep-alive would be over if nothing came. A socket that is not read is not silent."""
        if not self.session.keep_alive_s:
            return
        bound_s = 1.5 * self.session.keep_alive_s
        now = self._loop.time()
        heard = now if self._pauses else self._heard
        if now - heard >= bound_s:
            self._reception.counts["keep_alive_expired"] += 1
            self.close(Reason.KEEP_ALIVE_TIMEOUT)
        else:
            self._timer = self._loop.call_later(heard + bound_s - now, self._watch)

    def _no_connect(self) -> None:
        self.session.broken(MqttError(Reason.PROTOCOL_ERROR, "no CONNECT in time"), self._reader.glimpse())

    def _goodbye(self, reason: Reason | None) -> bytes:
        """MQTT 5 is told why; before 5, and before CONNECT, a server has no word for it."""
        if reason is None or not self.session.key or self.session.version is not Version.V5:
            return b""
        return build(Goodbye(type=PacketType.DISCONNECT, reason=reason), Version.V5)

    def _close(self) -> None:
        if self._transport.is_closing():
            return
        if self._last_words:
            self._transport.write(self._last_words)
        self._transport.close()
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_later(CLOSE_S_MAX, self._transport.abort)


def keep_tcp_alive(sock: socket.socket) -> None:
    """Find a peer that vanished even if it asked for no MQTT keep-alive: after about two minutes."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
