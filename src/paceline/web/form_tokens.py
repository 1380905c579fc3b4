"""The token of a form: made with its page, sent with it, kept when the page is shown again."""

from __future__ import annotations

import secrets

from fastapi import Request

FIELD = "once"
ALREADY = "already"  # of the page that a repeated form leads to: `?already=changed`
DONE, CHANGED = "done", "changed"


def new_token() -> str:
    """For a page that is made."""
    return secrets.token_urlsafe(16)


def token_in(request: Request) -> str | None:
    """The token that this form came with."""
    token: str | None = getattr(request.state, FIELD, None)
    return token


def already(request: Request) -> str:
    """What the page is to say about a form that was carried out before; "" nothing."""
    said = request.query_params.get(ALREADY, "")
    return said if said in (DONE, CHANGED) else ""
