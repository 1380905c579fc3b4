"""Bounds what a request may carry, before anything reads it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from paceline.domain.bounds import MAX_BODY_OCTETS, MAX_FILE_OCTETS

# A list of recipients, the message around it, and the form's own lines.
MAX_REQUEST_OCTETS = MAX_FILE_OCTETS + 2 * MAX_BODY_OCTETS
MAX_FIELD_OCTETS = MAX_REQUEST_OCTETS  # of one form field: what is too long is still reported
# A token, or a credential: what is read before it is known who sends it.
MAX_SIGN_IN_OCTETS = 4 * 1024
MAX_FORM_OCTETS = 256 * 1024  # fields that people fill in by hand, and a thousand ticks
# Of a form that is refused for its size: what its sender typed is shown again.
MAX_KEPT_OCTETS = 2 * 1024 * 1024

_SIGN_IN = re.compile(r"/(?:auth/|login|sign-out).*")
_WITH_MESSAGE_OR_LIST = re.compile(
    r"/(?:compose/.+|campaigns/[^/]+/(?:edit|change|preview|files|images)|emails/[^/]+/edit|suppressions(?:/.*)?)"
)


class TooLarge(Exception):
    """The body is past the bound; whoever reads it stops here."""


def most_octets(path: str) -> int:
    """How large a body may be that is sent to this address."""
    if _SIGN_IN.fullmatch(path):
        return MAX_SIGN_IN_OCTETS
    return MAX_REQUEST_OCTETS if _WITH_MESSAGE_OR_LIST.fullmatch(path) else MAX_FORM_OCTETS


class BodyLimit:
    """Refuses a body that says it is too large, and stops one that turns out to be.

    `keep` may read a body that is refused: up to `MAX_KEPT_OCTETS`, then it gets `TooLarge`.

    No browser packs what a form sends; what was packed all the same is refused rather than misread.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        refuse: Callable[[Request, int], Awaitable[Response]],
        keep: Callable[[Request], Awaitable[None]],
        refuse_packed: Callable[[Request], Awaitable[Response]],
    ) -> None:
        self.app = app
        self.refuse = refuse
        self.keep = keep
        self.refuse_packed = refuse_packed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = most_octets(scope["path"])
        headers = Headers(scope=scope)
        if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            await (await self.refuse_packed(Request(scope)))(scope, receive, send)
            return
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > most:
            request = Request(scope, _at_most(MAX_KEPT_OCTETS, receive))
            if int(declared) <= MAX_KEPT_OCTETS:
                await self.keep(request)
            await (await self.refuse(request, most))(scope, receive, send)
            return
        try:
            await self.app(scope, _at_most(most, receive), send)
        except TooLarge:
            await (await self.refuse(Request(scope), most))(scope, receive, send)


def _at_most(most: int, receive: Receive) -> Receive:
    """Receives up to `most` octets of a body. Raises `TooLarge` where there are more."""
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise TooLarge
        return message

    return counted
