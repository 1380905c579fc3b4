"""One's own account: the ways in, and where one is signed in."""

from __future__ import annotations

import uuid

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from paceline.errors import NotFound
from paceline.web.access import (
    SignedIn,
    cookie_of,
    drop_cookie,
)
from paceline.web.parts import Wired
from paceline.web.rendering import go_to, render
from paceline.web.sign_in_page import provider_name
from paceline.web.user_agents import described, is_handheld

router = APIRouter()

PICTURE_POLICY = "default-src 'none'; sandbox"
PICTURE_KEPT_SECONDS = 24 * 3600


@router.get("/account")
async def account(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """The page."""
    cookie = cookie_of(request, base_url=parts.base_url) or ""
    sessions = await parts.sessions.list(viewer.principal.user_id, cookie=cookie)
    sign_in = parts.provider_sign_in
    ways = await parts.users.ways_in(viewer.principal.user_id)
    offered = sign_in if sign_in is not None and sign_in.provider.settings.redirects else None
    return render(
        request,
        "account.html",
        viewer=viewer,
        section="account",
        sessions=sessions,
        described=described,
        is_handheld=is_handheld,
        ways=ways,
        provider=provider_name(sign_in) if sign_in else "",
        may_connect=offered is not None and offered.provider.settings.issuer not in ways,
    )


@router.get("/account/picture")
async def picture(parts: Wired, viewer: SignedIn) -> Response:
    """One's own picture, which we keep; its address changes with it."""
    found = await parts.avatars.of(viewer.principal.user_id)
    if found is None:
        raise NotFound("no picture")
    media_type, content = found
    return Response(
        content,
        media_type=media_type,
        headers={
            "Content-Security-Policy": PICTURE_POLICY,
            "Cache-Control": f"private, max-age={PICTURE_KEPT_SECONDS}",
        },
    )


@router.post("/account/sessions/{handle}/end")
async def end_session(
    request: Request, parts: Wired, viewer: SignedIn, handle: uuid.UUID
) -> Response:
    """Sign out somewhere else."""
    if not await parts.sessions.end_one(viewer.principal.user_id, handle):
        raise NotFound("no such sign-in")
    return go_to(request, "/account", said="Signed out there.")


@router.post("/account/sign-out-everywhere")
async def sign_out_everywhere(parts: Wired, viewer: SignedIn) -> Response:
    """End all of one's sign-ins, this one included."""
    await parts.sessions.end_all(viewer.principal.user_id)
    response = RedirectResponse("/login", status_code=303)
    drop_cookie(response, base_url=parts.base_url)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response
