"""Refuses a request that says twice where its body ends. Pure ASGI.

With `Transfer-Encoding` and `Content-Length` both, a proxy may have gone by the other one: what it
took for a body we would take for somebody's next request. RFC 9112 §6.1 lets a server refuse it,
and has the connection end in any case.
"""

from __future__ import annotations

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_BOTH = frozenset({b"transfer-encoding", b"content-length"})
_REFUSED = PlainTextResponse(
    "A request has a Content-Length or a Transfer-Encoding, not both.",
    status_code=400,
    headers={"Connection": "close"},
)


class OneFraming:
    """Lets all others through."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_twofold = scope["type"] == "http" and {name for name, _ in scope["headers"]} >= _BOTH
        await (_REFUSED if is_twofold else self.app)(scope, receive, send)
