"""Requests have to arrive in time: their head at once, their body no slower than a bad line would.

A connection costs a descriptor, and its request a turn, for as long as somebody likes to send one
octet after the other.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from paceline import clock

HEAD_SECONDS = 15.0
BODY_SECONDS = 30.0  # beside what its size allows
LEAST_OCTETS_PER_SECOND = 1024
_LATE = (
    b"HTTP/1.1 408 Request Timeout\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: 36\r\n\r\n"
    b"The request did not arrive in time.\n"
)


class HeadInTime(H11Protocol):
    """Closes a connection on which a request's line and headers do not arrive in time.

    Between requests the server's own timer holds; it ends with the first octet that follows. That
    may be of the body of a request which has its answer: what is left of it has this time, too.
    """

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """The first request is awaited from here on."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Some of a request."""
        super().data_received(data)
        at_work: RequestResponseCycle | None = self.cycle
        if at_work is not None and not at_work.response_complete:
            self._stop_waiting()
        elif self._waiting is None and not self.transport.is_closing():
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Over, by whomever."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _too_late(self) -> None:
        self._waiting = None
        if self.conn.their_state is h11.IDLE:  # otherwise their request has its answer
            self.transport.write(_LATE)
        self.transport.close()


class BodyInTime:
    """Ends a request whose body comes too slowly with 408. Pure ASGI.

    Only what is waited for counts: a request that waits for its turn is not its client's slowness.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        waited, received, more = 0.0, 0, True

        async def receiving() -> Message:
            nonlocal waited, received, more
            if not more:
                return await receive()  # to hear of the end of the connection
            allowed, asked = BODY_SECONDS + received / LEAST_OCTETS_PER_SECOND, clock.boottime()
            try:
                async with asyncio.timeout(allowed - waited):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, "the body did not arrive in time") from None
            waited += clock.boottime() - asked
            received += len(message.get("body", b""))
            more = message.get("more_body", False)
            return message

        await self.app(scope, receiving, send)
