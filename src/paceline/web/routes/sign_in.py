"""Signing in by a one-time link, and signing out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from paceline.web.access import (
    MaybeSignedIn,
    SignedIn,
    check_origin,
    cookie_of,
    drop_cookie,
    form_of,
    local_path,
    put_cookie,
)
from paceline.web.parts import Wired
from paceline.web.rendering import render

router = APIRouter()

MAX_TOKEN_CHARACTERS = 200
Token = Annotated[str, Query(max_length=MAX_TOKEN_CHARACTERS)]


@router.get("/login")
async def login(request: Request, viewer: MaybeSignedIn, next: str = "/") -> Response:
    """Says how to get in. Somebody who is in already goes on at once."""
    if viewer is not None:
        return RedirectResponse(local_path(next), status_code=303)
    return render(request, "login.html", viewer=None)


@router.get("/auth/link")
async def show_link(request: Request, token: Token = "") -> Response:
    """Only a button: what fetches links by itself (previews, prefetching) must not use it up."""
    return render(request, "link.html", viewer=None, token=token)


@router.post("/auth/link")
async def use_link(request: Request, parts: Wired) -> Response:
    """Use the link up and sign in."""
    check_origin(request, base_url=parts.base_url)
    token = (await form_of(request)).get("token")
    user_id = await parts.links.consume(token) if isinstance(token, str) else None
    if user_id is None:
        return render(request, "link_dead.html", viewer=None, status=410)
    before = cookie_of(request, base_url=parts.base_url)
    cookie, _ = await parts.sessions.start(user_id, replaces=before)
    response = RedirectResponse("/", status_code=303)
    put_cookie(response, cookie, base_url=parts.base_url)
    return response


@router.post("/sign-out")
async def sign_out(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """End this session."""
    cookie = cookie_of(request, base_url=parts.base_url)
    if cookie is not None:
        await parts.sessions.end(cookie)
    response = RedirectResponse("/login", status_code=303)
    drop_cookie(response, base_url=parts.base_url)
    # Nothing of what was seen stays behind on a shared computer.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response
