"""One connection as bytes and replies: reading, writing, deadlines, TLS. It knows no mail.

A channel fails once and for good. After a timeout, garbage, a loss or an abort, `lost` says why,
every call raises `ChannelLost`, and nothing is ever read from it again: a reply that comes late
would be taken for the answer to the next command.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Sequence
from typing import cast

from paceline import clock
from paceline.delivery.deadline import Deadline
from paceline.delivery.outbox import Outbox
from paceline.delivery.replies import BadReply, RawReply, ReplyParser

MAX_UNREAD_REPLIES = 16  # more than any pipelined batch of ours asks for
BLOCK_OCTETS = 128 * 1024  # of body handed over at a time, each with its own deadline
HOLD_OCTETS = 16 * 1024  # of body that any kernel takes at once, so that nobody waits for it
DRAIN_LOOK_SECONDS = 0.005
TLS_GOODBYE_SECONDS = 2


class ChannelLost(Exception):
    """The connection is gone; the message says how."""


class Channel(asyncio.Protocol):
    """The asyncio side. One task uses it at a time."""

    __slots__ = (
        "_deadline",
        "_held",
        "_leave_by",
        "_local_address",
        "_loop",
        "_outbox",
        "_parser",
        "_replies",
        "_socket",
        "_transport",
        "_waiter",
        "closed",
        "dropped",
        "garbage",
        "held_up",
        "lost",
        "remote_address",
        "retiring",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, outbox: Outbox) -> None:
        self._loop = loop
        self._outbox = outbox
        self._held = b""  # until this turn of the loop is over
        self._leave_by: float | None = None
        self._local_address: str
        self._parser = ReplyParser()
        self._replies: deque[RawReply] = deque()
        self._transport: asyncio.Transport
        self._socket: asyncio.Transport  # below TLS, the same as _transport without it
        self._waiter: asyncio.Future[None] | None = None
        self._deadline = Deadline(loop, self._overdue)
        self.closed: asyncio.Future[None] = loop.create_future()
        self.lost: str | None = None
        self.dropped = False  # lost by the other side, rather than failed by this one
        self.held_up = False  # failed because what was to leave by a certain time had not left
        self.retiring = False
        self.garbage: bytes | None = None  # how that began which was no reply
        self.remote_address = ""

    # Called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = self._socket = cast(asyncio.Transport, transport)
        sockname = transport.get_extra_info("sockname")
        self._local_address = str(sockname[0]) if sockname else "127.0.0.1"
        peername = transport.get_extra_info("peername")
        self.remote_address = str(peername[0]) if peername else ""

    def data_received(self, data: bytes) -> None:
        if self.lost is not None:
            return
        try:
            self._parser.feed(data, self._replies)
        except BadReply as bad:
            self.garbage = bad.octets
            self.fail(str(bad))
            return
        if self.retiring:
            self._transport.close()
        elif len(self._replies) > MAX_UNREAD_REPLIES:
            self.fail("replies that nobody asked for")
        elif self._replies:
            self._wake()

    def eof_received(self) -> None:
        self._drop("the server closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        self._drop(
            f"the connection was lost ({exc})" if exc else "the server closed the connection"
        )
        self._deadline.stop()
        if not self.closed.done():
            self.closed.set_result(None)

    # Called by the conversation.

    @property
    def local_address(self) -> str:
        """Our end of it, an IP address."""
        return self._local_address

    @property
    def quiet(self) -> bool:
        """Whether it is open and the server has said nothing that was not read."""
        return self._parser.idle and not self._replies and self.lost is None and not self.retiring

    def expect_silence(self) -> None:
        """Ends the channel if the server has said more than it was asked.

        What it said would be taken for the answer to what is about to be asked.
        """
        if not self.quiet:
            self.fail("replies that nobody asked for")

    def write(self, data: bytes | memoryview) -> None:
        """Hands bytes to the kernel, as far as it takes them. Raises `ChannelLost`."""
        if self.lost is not None:
            raise ChannelLost(self.lost)
        if self._held:
            data, self._held = self._held + data, b""
        self._transport.write(data)

    def write_soon(self, data: bytes) -> None:
        """`write` at the end of this turn of the loop, or with the next `write` if that is sooner.

        In one bunch with what other connections have to say: see `Outbox`.
        """
        if self.lost is not None:
            raise ChannelLost(self.lost)
        if not self._held:
            self._outbox.add(self._flush)
        self._held += data

    def write_while_quiet(self, data: bytes, *, leave_by: float) -> None:
        """`write_soon`, unless the server speaks first or `leave_by` (boot time, seconds) passes.

        Then it never leaves, and `held_back` says so: the channel is to be given up.
        """
        self.write_soon(data)
        self._leave_by = leave_by

    @property
    def held_back(self) -> bool:
        """Whether what was to be written soon has not left, which after a loss it never will."""
        return self._held != b""

    async def read(self, seconds: float) -> RawReply:
        """The next reply. What arrived before a loss is still handed out. Raises `ChannelLost`."""
        await self.wait(seconds)
        return self._replies.popleft()

    async def wait(self, seconds: float) -> None:
        """Waits until there is a reply to be taken. Raises `ChannelLost` as `read` does."""
        if not self._replies:
            deadline = self._loop.time() + seconds
            while not self._replies:
                if self.lost is not None:
                    raise ChannelLost(self.lost)
                self._deadline.set(deadline)
                self._waiter = self._loop.create_future()
                try:
                    await self._waiter
                finally:
                    self._waiter = None

    def take_reply(self) -> RawReply | None:
        """A reply that has come already, if any."""
        return self._replies.popleft() if self._replies else None

    def take_replies(self, first_digits: Sequence[int]) -> list[RawReply] | None:
        """Takes all that have come if they begin with these digits, one each, or else none."""
        replies = self._replies
        if [reply.code // 100 for reply in replies] != first_digits:
            return None
        taken = list(replies)
        replies.clear()
        return taken

    async def write_blocks(self, data: bytes, seconds: float) -> None:
        """Writes it all and waits until the kernel has it; `seconds` for each block.

        Returns early when the server speaks, which before the end of a body means that it refuses.
        """
        view = memoryview(data)
        for start in range(0, len(view), BLOCK_OCTETS):
            self.write(view[start : start + BLOCK_OCTETS])
            await self.drain(seconds)
            if self._replies:
                return

    @property
    def clogged(self) -> bool:
        """Whether the kernel has not taken all that was handed to it."""
        return self._socket.get_write_buffer_size() > 0

    async def drain(self, seconds: float) -> None:
        """Waits until the kernel has it all, or the server speaks. Raises `ChannelLost`."""
        # Looked at, not waited for: the callbacks of a transport speak of its own buffer, and under
        # TLS that is not the one before the kernel.
        pending = self._socket.get_write_buffer_size
        deadline = self._loop.time() + seconds
        while pending() and not self._replies:
            if self.lost is None and self._loop.time() >= deadline:
                self.fail("the server did not take the data in time")
            if self.lost is not None:
                raise ChannelLost(self.lost)
            await asyncio.sleep(DRAIN_LOOK_SECONDS)

    async def start_tls(self, context: ssl.SSLContext, host: str, seconds: float) -> None:
        """Encrypts from here on. Whatever was said in plain text and not yet read is fatal.

        Such bytes could be an attacker's, meant to be taken for replies inside TLS (CVE-2011-0411).
        Raises `ChannelLost`; the handshake's own failure is in its message.
        """
        if not self.quiet:
            self.fail("bytes in plain text behind the last reply before TLS")
        if self.lost is not None:
            raise ChannelLost(self.lost)
        try:
            transport = await self._loop.start_tls(
                self._socket,
                self,
                context,
                server_hostname=host,
                ssl_handshake_timeout=seconds,
                ssl_shutdown_timeout=TLS_GOODBYE_SECONDS,
            )
        except (OSError, TimeoutError) as error:  # ssl.SSLError is an OSError
            self.fail(f"the TLS handshake failed: {_tls_reason(error)}")
            raise ChannelLost(self.lost) from error
        if transport is None:
            self.fail("the connection was lost during the TLS handshake")
            raise ChannelLost(self.lost)
        self._transport = transport

    def retire(self, seconds: float) -> None:
        """Says goodbye without waiting: closes on any answer, and after `seconds` without one."""
        if self.lost is None and not self.retiring:
            self.retiring = True
            self.write(b"QUIT\r\n")
            self._deadline.set(self._loop.time() + seconds)

    def abort(self, why: str = "dropped by us") -> None:
        """Drops the connection now, unsent bytes and all."""
        self.fail(why)

    def fail(self, why: str) -> None:
        """Ends the channel for `why`, unless it ended before."""
        self._lose(why)
        self._socket.abort()

    def _flush(self) -> None:
        if self.lost is not None or not self._held:
            return
        if self._leave_by is not None:
            if not self.quiet:
                return
            if clock.boottime() > self._leave_by:
                self.held_up = True
                self.fail("held up for too long")
                return
            self._leave_by = None
        held, self._held = self._held, b""
        self._transport.write(held)

    def _drop(self, why: str) -> None:
        self.dropped = self.dropped or self.lost is None
        self._lose(why)

    def _lose(self, why: str) -> None:
        if self.lost is None:
            self.lost = why
            self._deadline.stop()
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _overdue(self) -> None:
        if self._waiter is not None or self.retiring:
            self.fail("the server did not answer in time")


def _tls_reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError) and error.reason:
        return str(error.reason).replace("_", " ").lower()
    return str(error) or type(error).__name__
