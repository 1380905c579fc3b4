"""Response headers of the API: what it answers is data, for nobody's page and nobody's cache."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HSTS_SECONDS = 365 * 24 * 3600

_ALWAYS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


class ApiHeaders:
    """Plain ASGI, as exports are streamed. A route that brings one of these keeps its own."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self.app = app
        hsts = (b"strict-transport-security", f"max-age={HSTS_SECONDS}".encode())
        self._always = (*_ALWAYS, hsts) if https else _ALWAYS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers: list[tuple[bytes, bytes]] = list(message["headers"])
                present = {name.lower() for name, _ in headers}
                headers += [pair for pair in self._always if pair[0] not in present]
                message["headers"] = headers
            await send(message)

        await self.app(scope, receive, sending)
