"""Routes whose answers are shown in a sandboxed frame: what went wrong is told there, in words.

An error's page does not show in a frame, which its policy forbids: whoever looked saw nothing. What
is refused before it comes to its route, such as a body that is too large, is known by what the
browser says of itself.
"""

from __future__ import annotations

from typing import Any

from fastapi import Depends, Request
from starlette.responses import Response

from paceline.web.headers import mail_frame
from paceline.web.mail_body import text_document

SIGNED_OUT = "You were signed out."
_STATE = "told_when_signed_out"


def shown_in_a_frame(signed_out: str = SIGNED_OUT) -> list[Any]:
    """A route's dependencies, of which this comes before whatever may refuse the request."""

    async def mark(request: Request) -> None:
        setattr(request.state, _STATE, signed_out)

    return [Depends(mark)]


def is_framed(request: Request) -> bool:
    """Whether the answer to this request is for a frame."""
    return hasattr(request.state, _STATE) or request.headers.get("sec-fetch-dest") == "iframe"


def framed(message: str, *, status: int) -> Response:
    """An error as a frame shows it."""
    response = mail_frame(text_document(message))
    response.status_code = status
    return response


def framed_signed_out(request: Request) -> Response:
    """What stands in the frame of whoever is no longer signed in."""
    return framed(getattr(request.state, _STATE, SIGNED_OUT), status=401)
