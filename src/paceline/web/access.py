"""Who is looking, and whether a write came from one of our pages.

Reads the session cookie, never an API key. Every route takes `SignedIn` or is one of the few that
people see before they sign in.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from paceline.auth import csrf
from paceline.auth.acting import address_of, become
from paceline.auth.principal import Principal
from paceline.auth.sessions import LIFETIME
from paceline.errors import OperationalError
from paceline.threads import OWNER
from paceline.web.form_reading import read_form
from paceline.web.parts import Parts, Wired

COOKIE = "paceline-session"
ZONE_COOKIE = "zone"  # set by frontend/js/theme.js
CSRF_FIELD = "csrf"
CSRF_HEADER = "X-CSRF-Token"
MAX_NEXT_CHARACTERS = 2_000
_SAFE_METHODS = frozenset({"GET", "HEAD"})


class SignInNeeded(Exception):
    """Nobody is signed in; `next_path` is where to go afterwards."""

    def __init__(self, next_path: str) -> None:
        super().__init__(next_path)
        self.next_path = next_path


class Forbidden(Exception):
    """The request is refused; the message says why, to a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """The signed-in person, and the token that their forms carry."""

    principal: Principal
    csrf: str


def is_https(base_url: str) -> bool:
    """Decided by the setting, never by the request, which a proxy may have changed."""
    return urlsplit(base_url).scheme == "https"


def cookie_name(base_url: str) -> str:
    """`__Host-` ties the cookie to this very host, where the browser lets us ask for it."""
    return f"__Host-{COOKIE}" if is_https(base_url) else COOKIE


def put_cookie(response: Response, value: str, *, base_url: str) -> None:
    """Sign the browser in. Lax, not Strict: a link in a mail has to find its reader signed in."""
    response.set_cookie(
        cookie_name(base_url),
        value,
        max_age=int(LIFETIME.total_seconds()),
        path="/",
        secure=is_https(base_url),
        httponly=True,
        samesite="lax",
    )


def drop_cookie(response: Response, *, base_url: str) -> None:
    """Sign the browser out."""
    response.delete_cookie(
        cookie_name(base_url), path="/", secure=is_https(base_url), httponly=True, samesite="lax"
    )


def cookie_of(request: Request, *, base_url: str) -> str | None:
    """The session cookie as the browser sent it."""
    return request.cookies.get(cookie_name(base_url))


async def maybe_signed_in(request: Request, parts: Wired) -> Viewer | None:
    """Who is signed in, if anybody. Refuses writes that do not come from our own pages.

    Found out once per request.
    """
    known: Viewer | None = getattr(request.state, "viewer", None)
    if known is not None:
        return known
    check_origin(request, base_url=parts.base_url)
    cookie = cookie_of(request, base_url=parts.base_url)
    resolved = None if cookie is None else await parts.sessions.resolve(cookie)
    if resolved is None:
        return None
    principal, token = resolved
    if request.method not in _SAFE_METHODS and not await _carries(request, token):
        raise Forbidden("This form is from an earlier sign-in. Reload the page and try again.")
    become(principal)
    viewer = request.state.viewer = Viewer(principal=principal, csrf=token)
    return viewer


async def who_looks(request: Request, parts: Parts) -> Viewer | None:
    """Whose page an error stands on, found by the cookie alone: nothing is done for them.

    None also where it cannot be found out.
    """
    known: Viewer | None = getattr(request.state, "viewer", None)
    cookie = cookie_of(request, base_url=parts.base_url)
    if known is not None or cookie is None:
        return known
    try:
        resolved = await parts.sessions.resolve(cookie)
    except OperationalError:
        return None
    return resolved and Viewer(principal=resolved[0], csrf=resolved[1])


async def signed_in(
    request: Request, parts: Wired, viewer: Annotated[Viewer | None, Depends(maybe_signed_in)]
) -> AsyncIterator[Viewer]:
    """Who is signed in, when it is their turn; anybody else is sent to sign in first."""
    if viewer is None:
        if cookie_of(request, base_url=parts.base_url) is not None:
            await count_stranger(request, parts)
        raise SignInNeeded(_here(request))
    await count(request, parts, viewer)
    if request.method not in _SAFE_METHODS:
        await form_of(request)  # a form that is still being sent takes no turn
    async with parts.turnstile.turn(viewer.principal.user_id):
        yield viewer
    parts.unanswered.over()


async def count(request: Request, parts: Parts, viewer: Viewer) -> None:
    """Count this request, once, as one of its owner's. Raises `TooMuchAtOnce`."""
    if getattr(request.state, "is_counted", False):
        return
    request.state.is_counted = True
    OWNER.set(viewer.principal.user_id)
    await parts.rates.owner(viewer.principal.user_id)


async def count_stranger(request: Request, parts: Parts) -> None:
    """Count a try to get in from this address, which has failed. Raises `TooMuchAtOnce`."""
    await parts.rates.stranger(address_of(request.scope))


async def administrator(viewer: Annotated[Viewer, Depends(signed_in)]) -> Viewer:
    """The signed-in administrator; everybody else is refused."""
    if not viewer.principal.is_admin:
        raise Forbidden("Only administrators can see this.")
    return viewer


SignedIn = Annotated[Viewer, Depends(signed_in)]
MaybeSignedIn = Annotated[Viewer | None, Depends(maybe_signed_in)]
Administrator = Annotated[Viewer, Depends(administrator)]


def check_origin(request: Request, *, base_url: str) -> None:
    """Let writes through only where the browser vouches that they are from our own pages."""
    if request.method in _SAFE_METHODS:
        return
    headers = request.headers
    if not csrf.same_origin(
        fetch_site=headers.get("sec-fetch-site"), origin=headers.get("origin"), base_url=base_url
    ):
        raise Forbidden(f"This request did not come from {base_url}.")


async def close_form(request: Request) -> AsyncIterator[None]:
    """Let go of uploaded files once the request is over, however it ended."""
    try:
        yield
    finally:
        await request.close()


async def form_of(request: Request) -> FormData:
    """The posted form, which is read once, however often it is asked for."""
    known: FormData | None = getattr(request.state, "typed", None)
    if known is None:
        known = request.state.typed = await read_form(request)
    return known


async def _carries(request: Request, token: str) -> bool:
    given: object = request.headers.get(CSRF_HEADER)
    if given is None:
        given = (await form_of(request)).get(CSRF_FIELD)
    return isinstance(given, str) and csrf.token_matches(token, given)


def _here(request: Request) -> str:
    """Where to come back to: this page, or the one that a form or a fragment belongs to."""
    if request.method in _SAFE_METHODS and "hx-request" not in request.headers:
        query = request.url.query
        return request.url.path + (f"?{query}" if query else "")
    page = urlsplit(request.headers.get("hx-current-url") or request.headers.get("referer") or "/")
    return local_path(page.path + (f"?{page.query}" if page.query else ""))


def local_path(path: str | None) -> str:
    """`path` if it stays on this site, else `/`: an open redirect would lend out our good name."""
    if not path or len(path) > MAX_NEXT_CHARACTERS or not path.isprintable():
        return "/"
    if not path.startswith("/") or path.startswith("//") or "\\" in path:
        return "/"
    return path


def sign_in_url(next_path: str) -> str:
    """The sign-in page, with the way back."""
    return "/login" if next_path == "/" else f"/login?next={quote(next_path, safe='/')}"
