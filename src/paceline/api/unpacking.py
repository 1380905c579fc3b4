"""Unpacks request bodies that come as gzip, and refuses what was packed in any other way.

It stands before every look at a body, so that the limits count what comes out of it and nobody
ever takes packed octets for a table or for JSON. Pure ASGI.
"""

from __future__ import annotations

from collections.abc import Iterator

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from paceline.api.problems import problem
from paceline.domain.gzip_stream import BrokenGzip, Gunzip

_GZIP = ("gzip", "x-gzip")  # the same, RFC 9110 §8.4.1.3
_NOTHING: Iterator[bytes] = iter(())


class Unpacking:
    """Reads `Content-Encoding: gzip`; any other is answered 415 with what is taken instead."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        named = ",".join(Headers(scope=scope).getlist("content-encoding")).lower().split(",")
        codings = [coding for coding in map(str.strip, named) if coding not in ("", "identity")]
        if not codings:
            await self.app(scope, receive, send)
        elif len(codings) == 1 and codings[0] in _GZIP:
            await self.app(scope, _unpacked(receive), send)
        else:
            detail = "a body is taken as it is, or packed once with gzip (Content-Encoding: gzip)"
            # RFC 9110 §12.5.3: on a 415, the codings that would have been acceptable.
            await problem(415, detail, headers={"Accept-Encoding": "gzip"})(scope, receive, send)


def _unpacked(receive: Receive) -> Receive:
    gunzip = Gunzip()
    pieces = _NOTHING
    more, over = True, False

    async def unpacked() -> Message:
        nonlocal pieces, more, over
        if over:
            return await receive()  # to hear of the end of the connection
        try:
            while (piece := next(pieces, None)) is None and more:
                message = await receive()
                if message["type"] != "http.request":
                    return message
                pieces = gunzip.feed(message.get("body", b""))
                more = message.get("more_body", False)
            if piece is None:
                over = True
                gunzip.finish()
        except BrokenGzip as error:
            raise HTTPException(400, f"the body {error}") from error
        return {"type": "http.request", "body": piece or b"", "more_body": not over}

    return unpacked
