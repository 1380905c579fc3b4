"""Ends the requests that a process which is asked to stop cannot wait for. Pure ASGI.

They are told so, with when to come back; without this the server would cut them off with a 500.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# What is still being sent is read for so long after the answer, so that the answer arrives.
LAST_READ_SECONDS = 1.0


class EndInTime:
    """Passes requests on. After `end()` those that have no answer yet get `refusal`'s."""

    def __init__(self, app: ASGIApp, *, refusal: Callable[[Request], Response]) -> None:
        self.app = app
        self._refusal = refusal
        self._running: set[asyncio.Task[object]] = set()
        self._ended = False

    def end(self) -> int:
        """Break off what is under way; how many requests that were."""
        self._ended = True
        for task in self._running:
            task.cancel()
        return len(self._running)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        task, has_begun = asyncio.current_task(), False
        assert task is not None, "called by a server"

        async def sending(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        self._running.add(task)
        try:
            await self.app(scope, receive, sending)
        except asyncio.CancelledError:
            if not self._ended or has_begun:
                raise
            task.uncancel()
            await self._refuse(scope, receive, send)
        finally:
            self._running.discard(task)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = self._refusal(Request(scope))
        response.headers["Connection"] = "close"
        await response(scope, receive, send)
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_READ_SECONDS):
                while (await receive()).get("more_body", False):
                    pass
