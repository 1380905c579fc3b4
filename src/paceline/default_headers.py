"""Response headers that every answer carries, unless its route brings its own."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HSTS_SECONDS = 365 * 24 * 3600


class DefaultHeaders:
    """Plain ASGI rather than BaseHTTPMiddleware, which would buffer what is streamed."""

    def __init__(
        self, app: ASGIApp, headers: Sequence[tuple[bytes, bytes]], *, https: bool
    ) -> None:
        """`headers`: names in lower case. With `https`, browsers are told to stay there, too."""
        self.app = app
        hsts = (b"strict-transport-security", f"max-age={HSTS_SECONDS}".encode())
        self._headers = (*headers, hsts) if https else tuple(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                missing = [pair for pair in self._headers if pair[0] not in present]
                message["headers"] = [*message["headers"], *missing]
            await send(message)

        await self.app(scope, receive, sending)
