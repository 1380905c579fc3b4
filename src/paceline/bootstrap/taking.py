"""Answers have to be taken: whoever reads one slowly, or never, holds it in memory for so long.

An answer is handed over in pieces, so that all but the last one waits in its request's turn. A
connection is dropped on which a piece is not taken in time, or all of them more slowly than the
worst line would: whoever takes a little now and then would have the answer held for hours.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from paceline.bootstrap.in_time import HeadInTime

PIECE_OCTETS = 64 * 1024  # as many as a connection takes before it makes an answer wait
PIECE_SECONDS = 30.0
# Of one answer, waited for its client in all: beside what its size allows, so that an export of
# 100 MB has three and a half hours, and 1 MiB three minutes.
ANSWER_SECONDS = 60.0
LEAST_OCTETS_PER_SECOND = 8 * 1024  # 64 kbit/s
_HANDED_OVER = "octets_handed_over"  # in a request's state, for the connection that it came by


class InPieces:
    """Hands a long answer over piece by piece. Pure ASGI."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope.setdefault("state", {})

        async def hand_over(message: Message) -> None:
            state[_HANDED_OVER] = state.get(_HANDED_OVER, 0) + len(message.get("body", b""))
            await send(message)

        async def sending(message: Message) -> None:
            body = message.get("body", b"")
            if message["type"] != "http.response.body" or len(body) <= PIECE_OCTETS:
                await hand_over(message)
                return
            more = message.get("more_body", False)
            for start in range(0, len(body), PIECE_OCTETS):
                end = start + PIECE_OCTETS
                is_more = more or end < len(body)
                await hand_over({**message, "body": body[start:end], "more_body": is_more})

        await self.app(scope, receive, sending)


class TakenInTime(HeadInTime):
    """Drops a connection whose client does not take what it is sent.

    Only the wait for it counts: an answer that takes long to make is not its slowness.
    """

    _untaken: asyncio.TimerHandle | None = None
    _paused_at: float | None = None  # of the loop's time
    _waited = 0.0  # seconds, for this answer to be taken

    def pause_writing(self) -> None:
        """There is more than the client has taken."""
        super().pause_writing()
        self._paused_at = self.loop.time()
        handed_over: int = self.scope["state"].get(_HANDED_OVER, 0)
        allowed = ANSWER_SECONDS + handed_over / LEAST_OCTETS_PER_SECOND
        self._watch(min(PIECE_SECONDS, max(0.0, allowed - self._waited)))

    def resume_writing(self) -> None:
        """It has taken nearly all of it."""
        super().resume_writing()
        self._stop_watching()
        if self._paused_at is not None:
            self._waited += self.loop.time() - self._paused_at
            self._paused_at = None

    def on_response_complete(self) -> None:
        """What is left of an answer after which the connection ends has its time, too."""
        super().on_response_complete()
        self._waited, self._paused_at = 0.0, None
        if self.transport.is_closing():
            self._watch()

    def timeout_keep_alive_handler(self) -> None:
        """The same where nobody asks for anything more."""
        super().timeout_keep_alive_handler()
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """The same where what follows is no request."""
        super().send_400_response(msg)
        self._watch()

    def _too_late(self) -> None:
        super()._too_late()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Over, by whomever."""
        self._stop_watching()
        super().connection_lost(exc)
        self._stop_watching()

    def _watch(self, seconds: float | None = None) -> None:
        if self._untaken is None:
            seconds = PIECE_SECONDS if seconds is None else seconds
            self._untaken = self.loop.call_later(seconds, self.transport.abort)

    def _stop_watching(self) -> None:
        if self._untaken is not None:
            self._untaken.cancel()
            self._untaken = None
