"""The cookies of what is under way at a provider: a sign-in, or a consent for a sender."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from paceline.auth.oidc import Started
from paceline.auth.oidc.transactions import LIFETIME
from paceline.web.access import is_https
from paceline.web.parts import Parts

SIGN_IN, CONSENT = "paceline-sign-in-", "paceline-consent-"
BUTTON = "paceline-google-button"
# In one browser: tabs in which somebody left for the provider. Proxies take 8 KiB of cookies.
MAX_UNDER_WAY = {SIGN_IN: 4, CONSENT: 2}
_STATE_CHARACTERS = 12


def put_started(
    request: Request, response: Response, started: Started, parts: Parts, kind: str
) -> None:
    """Give the browser the cookie of what begins; each tab has its own.

    Those of earlier ones go once there are several: browsers keep only so many octets for a host.
    """
    names = [name for name in request.cookies if name.startswith(_named(kind, parts))]
    for name in names[: max(0, len(names) - MAX_UNDER_WAY[kind] + 1)]:
        _drop(response, name, parts)
    name = _of(started.state, kind)
    put_transaction(response, name, started.cookie, parts, LIFETIME.total_seconds())


def put_transaction(
    response: Response, name: str, value: str, parts: Parts, seconds: float
) -> None:
    """Lax: it has to come along when the provider sends the browser back."""
    response.set_cookie(
        _named(name, parts),
        value,
        max_age=int(seconds),
        path="/",
        secure=is_https(parts.base_url),
        httponly=True,
        samesite="lax",
    )


def started_cookie(request: Request, state: str, parts: Parts, kind: str) -> str | None:
    """What this browser was sent away with."""
    return request.cookies.get(_named(_of(state, kind), parts))


def drop_started(response: Response, state: str, parts: Parts, kind: str) -> None:
    """It came back: once is enough."""
    _drop(response, _named(_of(state, kind), parts), parts)


def button_cookie(request: Request, parts: Parts) -> str | None:
    """The cookie that Google's button was shown with."""
    return request.cookies.get(_named(BUTTON, parts))


def _drop(response: Response, name: str, parts: Parts) -> None:
    response.delete_cookie(
        name, path="/", secure=is_https(parts.base_url), httponly=True, samesite="lax"
    )


def _named(name: str, parts: Parts) -> str:
    return f"__Host-{name}" if is_https(parts.base_url) else name


def _of(state: str, kind: str) -> str:
    """Only what states are made of may become the name of a cookie."""
    return kind + "".join(c for c in state[:_STATE_CHARACTERS] if c.isascii() and c.isalnum())
