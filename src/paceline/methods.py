"""The methods of every address: HEAD wherever GET is, OPTIONS everywhere, and a true `Allow`.

Pure ASGI, innermost: what the routes answer is read off the routes themselves, so that a route
which is added tomorrow is in `Allow` without anybody thinking of it (RFC 9110 §9.3.2, §9.3.7,
§15.5.6). An address that no route knows is left to the application's 404.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ASKED_FOR = ("GET", "POST", "PUT", "PATCH", "DELETE")
_OF_FILES = frozenset({"GET"})  # what is mounted is read only

Refuse = Callable[[Request, str], Awaitable[Response]]
"""Words a 405, given the value of `Allow`; the header is set here."""


class Methods:
    """Answers HEAD, OPTIONS and whatever is not allowed; lets the rest through."""

    def __init__(
        self, app: ASGIApp, *, routes: Callable[[], Sequence[BaseRoute]], refuse: Refuse
    ) -> None:
        self.app = app
        self._routes = routes
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method = scope["method"]
        if method in _ASKED_FOR and self._is_answered(scope):  # nearly always: one look
            await self.app(scope, receive, send)
            return
        allowed = self._allowed(scope)
        if not allowed or method in allowed - {"HEAD", "OPTIONS"}:
            await self.app(scope, receive, send)
        elif method == "HEAD" and "HEAD" in allowed:
            await self.app({**scope, "method": "GET"}, receive, _without_body(send))
        else:
            await self._told(allowed, method)(scope, receive, send)

    def _is_answered(self, scope: Scope) -> bool:
        own = (route for route in self._routes() if not isinstance(route, Mount))
        return any(route.matches(scope)[0] is Match.FULL for route in own)

    def _told(self, allowed: set[str], method: str) -> ASGIApp:
        value = ", ".join(sorted(allowed))

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            options = method == "OPTIONS"
            response = (
                Response(status_code=204) if options else await self._refuse(Request(scope), value)
            )
            response.headers["Allow"] = value
            await response(scope, receive, send)

        return answer

    def _allowed(self, scope: Scope) -> set[str]:
        """What this path answers; nothing, where there is none."""
        found: set[str] = set()
        for route in self._routes():
            if isinstance(route, Mount):
                matched, _ = route.matches(scope)
                found |= _OF_FILES if matched is not Match.NONE else set()
                continue
            for method in _ASKED_FOR:
                if route.matches({**scope, "method": method})[0] is Match.FULL:
                    found.add(method)
        if "GET" in found:
            found.add("HEAD")
        return found | {"OPTIONS"} if found else found


def _without_body(send: Send) -> Send:
    """The header as GET has it, its length included, and nothing after it."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.body":
            if message.get("more_body", False):
                return
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await send(message)

    return sending
