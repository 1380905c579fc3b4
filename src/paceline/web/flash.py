"""What is said about a write that is done: it survives the redirect in a cookie of a minute."""

from __future__ import annotations

import json
from typing import Literal, NamedTuple
from urllib.parse import quote, unquote

from fastapi import Request
from starlette.responses import Response

MAX_CHARACTERS = 300
LIFETIME_SECONDS = 60
Tone = Literal["success", "error", "warning", "info"]
_TONES = frozenset({"success", "error", "warning", "info"})


class Flash(NamedTuple):
    """One sentence, and whether it is good news."""

    message: str
    tone: str


def cookie_name(*, https: bool) -> str:
    """`__Host-`, so that no neighbour under the same domain speaks in our name."""
    return "__Host-flash" if https else "flash"


def put(response: Response, message: str, *, tone: Tone, https: bool) -> None:
    """Have the next page say it."""
    response.set_cookie(
        cookie_name(https=https),
        quote(json.dumps([tone, message[:MAX_CHARACTERS]])),
        max_age=LIFETIME_SECONDS,
        path="/",
        secure=https,
        httponly=True,
        samesite="lax",
    )


def take(request: Request, *, https: bool) -> Flash | None:
    """What this page is to say. Never raises: a cookie is anybody's text."""
    raw = request.cookies.get(cookie_name(https=https))
    if raw is None:
        return None
    try:
        tone, message = json.loads(unquote(raw))
        known = tone in _TONES and isinstance(message, str)
    except (ValueError, TypeError):
        return None
    if not known:
        return None
    return Flash(message[:MAX_CHARACTERS], tone)


def drop(response: Response, *, https: bool) -> None:
    """It is said once."""
    response.delete_cookie(
        cookie_name(https=https), path="/", secure=https, httponly=True, samesite="lax"
    )
