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

    No browser packs what a form sends; what was packed all the same is refused rather than misread.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        refuse: Callable[[Request, int], Awaitable[Response]],
        refuse_packed: Callable[[Request], Awaitable[Response]],
    ) -> None:
        self.app = app
        self.refuse = refuse
        self.refuse_packed = refuse_packed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        received, most = 0, most_octets(scope["path"])

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise TooLarge
            return message

        headers = Headers(scope=scope)
        if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            await (await self.refuse_packed(Request(scope)))(scope, receive, send)
            return
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > most:
            await (await self.refuse(Request(scope), most))(scope, receive, send)
            return
        try:
            await self.app(scope, counted, send)
        except TooLarge:
            await (await self.refuse(Request(scope), most))(scope, receive, send)
