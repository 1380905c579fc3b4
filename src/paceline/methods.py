"""The methods of every address: HEAD wherever GET is, OPTIONS everywhere, and a true `Allow`.

Pure ASGI, innermost: what the routes answer is read off the routes themselves, so that a route
which is added tomorrow is in `Allow` without anybody thinking of it (RFC 9110 §9.3.2, §9.3.7,
§15.5.6). A word of ours beside paths with an id (`/emails/bulk`, `/emails/{email_id}`) is no id and
answers for itself. An address that no route knows is left to the application's 404.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

from fastapi.routing import iter_route_contexts
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_OF_FILES = frozenset({"GET"})  # what is mounted is read only

Refuse = Callable[[Request, str], Awaitable[Response]]
"""Words a 405, given the value of `Allow`; the header is set here."""


class AnsweredMethods:
    """What each path answers, read off the routes once, when all of them are there.

    FastAPI puts them together then, and not at the first request, which would hold up all others.
    """

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        fixed: dict[str, frozenset[str]] = {}
        patterns: dict[re.Pattern[str], frozenset[str]] = {}
        for route in iter_route_contexts(routes):
            mounted = isinstance(route.original_route, Mount)
            methods = _OF_FILES if mounted else frozenset(route.methods or ())
            if route.param_convertors:
                patterns[route.path_regex] = patterns.get(route.path_regex, frozenset()) | methods
            elif route.path is not None:
                fixed[route.path] = fixed.get(route.path, frozenset()) | methods
        self._fixed = fixed
        self._patterns = tuple(patterns.items())

    def of(self, path: str) -> frozenset[str]:
        """The methods that routes answer there; none where there is no route."""
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed
        found = (methods for pattern, methods in self._patterns if pattern.match(path))
        return frozenset().union(*found)


class Methods:
    """Answers HEAD, OPTIONS and whatever is not allowed; lets the rest through."""

    def __init__(self, app: ASGIApp, *, answered: AnsweredMethods, refuse: Refuse) -> None:
        self.app = app
        self._answered = answered
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method = scope["method"]
        answered = self._answered.of(scope["path"].removeprefix(scope.get("root_path", "")))
        if not answered or (method in answered and method != "HEAD"):
            await self.app(scope, receive, send)
        elif method == "HEAD" and "GET" in answered:
            await self.app({**scope, "method": "GET"}, receive, _without_body(send))
        else:
            await self._told(answered, method)(scope, receive, send)

    def _told(self, answered: frozenset[str], method: str) -> ASGIApp:
        head = {"HEAD"} if "GET" in answered else set()
        value = ", ".join(sorted(answered | head | {"OPTIONS"}))

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            options = method == "OPTIONS"
            response = (
                Response(status_code=204) if options else await self._refuse(Request(scope), value)
            )
            response.headers["Allow"] = value
            await response(scope, receive, send)

        return answer


def _without_body(send: Send) -> Send:
    """The header as GET has it, its length included, and nothing after it."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.body":
            if message.get("more_body", False):
                return
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await send(message)

    return sending
