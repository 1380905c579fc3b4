"""Answers have to be taken: whoever reads one slowly, or never, holds it in memory for so long.

An answer is handed over in pieces, so that all but the last one waits in its request's turn, and a
connection on which a piece is not taken in time is dropped.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from paceline.bootstrap.in_time import HeadInTime

PIECE_OCTETS = 64 * 1024  # as many as a connection takes before it makes an answer wait
PIECE_SECONDS = 30.0


class InPieces:
    """Hands a long answer over piece by piece. Pure ASGI."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            body = message.get("body", b"")
            if message["type"] != "http.response.body" or len(body) <= PIECE_OCTETS:
                await send(message)
                return
            more = message.get("more_body", False)
            for start in range(0, len(body), PIECE_OCTETS):
                end = start + PIECE_OCTETS
                is_more = more or end < len(body)
                await send({**message, "body": body[start:end], "more_body": is_more})

        await self.app(scope, receive, sending)


class TakenInTime(HeadInTime):
    """Drops a connection whose client does not take what it is sent."""

    _untaken: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """There is more than the client has taken."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """It has taken nearly all of it."""
        super().resume_writing()
        self._stop_watching()

    def on_response_complete(self) -> None:
        """What is left of an answer after which the connection ends has its time, too."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._watch()

    def timeout_keep_alive_handler(self) -> None:
        """The same where nobody asks for anything more."""
        super().timeout_keep_alive_handler()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Over, by whomever."""
        self._stop_watching()
        super().connection_lost(exc)
        self._stop_watching()

    def _watch(self) -> None:
        if self._untaken is None:
            self._untaken = self.loop.call_later(PIECE_SECONDS, self.transport.abort)

    def _stop_watching(self) -> None:
        if self._untaken is not None:
            self._untaken.cancel()
            self._untaken = None
