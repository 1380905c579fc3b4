"""The sign-in page, signing in by a one-time link or an invitation, and signing out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from paceline.auth.refusals import SignInRefused
from paceline.auth.sessions import BY_LINK
from paceline.web.access import (
    MaybeSignedIn,
    SignedIn,
    check_origin,
    cookie_of,
    count_stranger,
    drop_cookie,
    form_of,
    local_path,
    put_cookie,
)
from paceline.web.parts import Wired
from paceline.web.provider_words import problem_of
from paceline.web.rendering import render
from paceline.web.sign_in_page import origin_of, provider_name, sign_in_page

router = APIRouter()

MAX_TOKEN_CHARACTERS = 200
Token = Annotated[str, Query(max_length=MAX_TOKEN_CHARACTERS)]


@router.get("/login")
async def login(request: Request, parts: Wired, viewer: MaybeSignedIn, next: str = "/") -> Response:
    """Says how to get in. Somebody who is in already goes on at once."""
    if viewer is not None:
        return RedirectResponse(local_path(next), status_code=303)
    return sign_in_page(request, parts, local_path(next))


@router.get("/auth/link")
async def show_link(request: Request, token: Token = "") -> Response:
    """Only a button: what fetches links by itself (previews, prefetching) must not use it up."""
    return render(request, "link.html", viewer=None, token=token, invited=False, provider="")


@router.get("/auth/invitation")
async def show_invitation(request: Request, parts: Wired, token: Token = "") -> Response:
    """The same for somebody who was invited."""
    sign_in = parts.provider_sign_in
    provider = provider_name(sign_in) if sign_in is not None else ""
    return render(request, "link.html", viewer=None, token=token, invited=True, provider=provider)


@router.post("/auth/link")
async def use_link(request: Request, parts: Wired) -> Response:
    """Use the link up and sign in."""
    check_origin(request, base_url=parts.base_url)
    token = (await form_of(request)).get("token")
    try:
        user_id = await parts.links.consume(token) if isinstance(token, str) else None
    except SignInRefused as error:
        await count_stranger(request, parts)
        problem = problem_of(error.reason, provider="", email=error.email, redirect_uri="")
        return render(request, "link_dead.html", viewer=None, status=403, problem=problem)
    if user_id is None:
        await count_stranger(request, parts)
        return render(request, "link_dead.html", viewer=None, status=410, problem=None)
    cookie, _ = await parts.sessions.start(
        user_id,
        replaces=cookie_of(request, base_url=parts.base_url),
        origin=origin_of(request, BY_LINK),
    )
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
