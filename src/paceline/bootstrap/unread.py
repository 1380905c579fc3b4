"""Lets a refusal arrive: reads what a client is still sending before it is answered. Pure ASGI.

A connection that is closed over unread bytes is reset, and the answer is lost with them. Where the
rest does not come, or is too much, the connection ends with the answer.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_UNREAD_OCTETS = 256 * 1024 * 1024  # thrown away as it comes
MAX_SECONDS = 10.0
# Nobody waits for what is thrown away: no faster than a good line, and others are served meanwhile.
PAUSE_SECONDS = 0.005
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_TOO_SLOW = 408  # it had its time
_CLOSE = (b"connection", b"close")


class ReadToTheEnd:
    """Takes the rest of a body off the wire before an error is answered, within bounds."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in _WITH_BODY:
            await self.app(scope, receive, send)
            return
        unread = True

        async def receiving() -> Message:
            nonlocal unread
            message = await receive()
            unread = message["type"] == "http.request" and message.get("more_body", False)
            return message

        async def rest() -> None:
            octets = 0
            while unread and octets < MAX_UNREAD_OCTETS:
                octets += len((await receiving()).get("body", b""))
                await asyncio.sleep(PAUSE_SECONDS)

        async def sending(message: Message) -> None:
            if unread and message["type"] == "http.response.start" and message["status"] >= 400:
                try:
                    async with asyncio.timeout(
                        0 if message["status"] == _TOO_SLOW else MAX_SECONDS
                    ):
                        await rest()
                except TimeoutError:
                    pass  # it is slow on purpose, or far away: the answer may be lost
                if unread:
                    message = {**message, "headers": [*message["headers"], _CLOSE]}
            await send(message)

        await self.app(scope, receiving, sending)
