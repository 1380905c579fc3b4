"""A network in memory with a clock of its own: waiting takes no time, and nothing waits for ever.

The product connects through the event loop, so a loop that hands out connections in memory is all
that has to be put in its place. When nothing is left to do, the clock jumps to the next timer; when
there is no timer either, the conversation hangs, which is an error here.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
from collections.abc import Callable
from typing import Any, Protocol

from tests.fuzz.hunting import Wrong


class Line(Protocol):
    """What the far end of a connection can do to it."""

    def deliver(self, data: bytes) -> bool:
        """Bytes from the far end; False when the client no longer listens."""
        ...

    def end_of_file(self) -> None:
        """The far end says no more."""

    def reset(self) -> None:
        """The connection breaks."""


class Peer:
    """The far end of a connection; it speaks through `wire`, and `hears` is called."""

    def __init__(self) -> None:
        self.wire: Line

    def connected(self) -> None:
        """The client is there."""

    def hears(self, data: bytes) -> None:
        """The client wrote this."""

    def unread(self) -> int:
        """Octets that the client wrote and the network did not take."""
        return 0


class Wire(asyncio.Transport):
    """The client's end."""

    def __init__(self, loop: MemoryLoop, protocol: asyncio.Protocol, peer: Peer) -> None:
        super().__init__()
        self._loop, self._protocol, self._peer = loop, protocol, peer
        self._closing = False
        peer.wire = self

    def write(self, data: Any) -> None:
        if not self._closing:
            self._peer.hears(bytes(data))

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def get_write_buffer_size(self) -> int:
        return 0 if self._closing else self._peer.unread()

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._end(None)

    def abort(self) -> None:
        self._end(None)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.Protocol)
        self._protocol = protocol

    def pause_reading(self) -> None:
        """Taken as advice, as a socket's last bytes would."""

    def resume_reading(self) -> None:
        """See `pause_reading`."""

    def deliver(self, data: bytes) -> bool:
        if self._closing:
            return False
        self._protocol.data_received(data)
        return True

    def end_of_file(self) -> None:
        if not self._closing and not self._protocol.eof_received():
            self.close()

    def reset(self) -> None:
        self._end(ConnectionResetError(104, "Connection reset by peer"))

    def _end(self, error: Exception | None) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._protocol.connection_lost, error)


class _Jump(selectors.DefaultSelector):
    """Never waits: it moves the clock instead."""

    loop: MemoryLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise Wrong("the client waits for something that can never happen")
        if not ready and timeout:
            self.loop.now += timeout
        return ready


class MemoryLoop(asyncio.SelectorEventLoop):
    """`peers` makes the far end of each new connection."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.peers: Callable[[], Peer] = Peer
        selector = _Jump()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now

    async def getaddrinfo(self, host: Any, port: Any, **_rest: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]

    async def create_connection(self, protocol_factory: Any, *_where: Any, **_rest: Any) -> Any:
        protocol = protocol_factory()
        peer = self.peers()
        wire = Wire(self, protocol, peer)
        protocol.connection_made(wire)
        peer.connected()
        return wire, protocol
