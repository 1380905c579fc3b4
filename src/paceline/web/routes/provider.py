"""Signing in by a provider: leaving for it, coming back, and Google's own button."""

from __future__ import annotations

import logging
import uuid
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from paceline.auth import csrf
from paceline.auth.oidc import ProviderSignIn, SignedInBy
from paceline.auth.refusals import ProviderUnreachable, Refusal, SignInRefused
from paceline.errors import NotFound
from paceline.web.access import (
    Forbidden,
    MaybeSignedIn,
    check_origin,
    cookie_of,
    count_stranger,
    form_of,
    put_cookie,
)
from paceline.web.parts import Parts, Wired
from paceline.web.rendering import go_to
from paceline.web.sign_in_page import next_of, origin_of, sign_in_page, words_for
from paceline.web.transaction_cookies import (
    BUTTON,
    SIGN_IN,
    button_cookie,
    drop_started,
    put_started,
    put_transaction,
    started_cookie,
)

router = APIRouter()
log = logging.getLogger(__name__)

CALLBACK = "/auth/callback"
MAX_PARAMETERS = 20
_FAILED = (SignInRefused, ProviderUnreachable)


@router.get("/auth/start")
async def start(
    request: Request, parts: Wired, viewer: MaybeSignedIn, connect: str = ""
) -> Response:
    """Leave for the provider. By GET: a form that leads elsewhere is what our policy forbids."""
    sign_in = _offered(parts)
    if request.url.netloc != urlsplit(parts.base_url).netloc:
        # The cookie has to be where the provider sends people back to: localhost, not 127.0.0.1.
        return RedirectResponse(f"{parts.base_url}/auth/start?{request.url.query}", 303)
    connects: uuid.UUID | None = None
    if connect and viewer is not None:
        _check_own_page(request, parts)
        connects = viewer.principal.user_id
    next_path = "/account" if connects else next_of(request)
    try:
        started = await sign_in.start(next_path, connects=connects)
    except _FAILED as error:
        return await _told(request, parts, sign_in, error, next_path)
    response = RedirectResponse(started.url, 303)
    put_started(request, response, started, parts, SIGN_IN)
    return response


@router.get(CALLBACK)
async def come_back(request: Request, parts: Wired, viewer: MaybeSignedIn) -> Response:
    """What the provider sent the browser back with."""
    sign_in = _offered(parts)
    pairs = request.query_params.multi_items()
    answer = dict(pairs)
    state = answer.get("state", "")
    cookie = started_cookie(request, state, parts, SIGN_IN)
    try:
        if len(pairs) > MAX_PARAMETERS or len(answer) != len(pairs):
            raise SignInRefused(Refusal.UNTRUSTED, "the answer says the same thing twice")
        done = await sign_in.finish(
            answer,
            cookie,
            viewer=viewer.principal.user_id if viewer else None,
        )
    except _FAILED as error:
        response = await _told(request, parts, sign_in, error, sign_in.wanted(answer, cookie))
    else:
        parts.silent_provider.over()
        response = await _signed_in(request, parts, done)
    drop_started(response, state, parts, SIGN_IN)
    return response


@router.post("/auth/google")
async def google_button(request: Request, parts: Wired) -> Response:
    """The ID token that Google's script posts from our own sign-in page."""
    sign_in = _offered(parts, button=True)
    check_origin(request, base_url=parts.base_url)
    form = await form_of(request)
    # Google's own check (double submit), beside ours: the nonce that is bound to the cookie.
    kept, sent = request.cookies.get("g_csrf_token"), form.get("g_csrf_token")
    if not kept or not isinstance(sent, str) or not csrf.token_matches(kept, sent):
        raise Forbidden("This did not come from Google's button. Reload the page and try again.")
    credential = form.get("credential")
    try:
        done = await sign_in.finish_button(
            credential if isinstance(credential, str) else "", button_cookie(request, parts)
        )
    except _FAILED as error:
        return await _told(request, parts, sign_in, error, "/")
    response = await _signed_in(request, parts, done)
    put_transaction(response, BUTTON, "", parts, 0)
    return response


def _offered(parts: Parts, *, button: bool = False) -> ProviderSignIn:
    """The sign-in, where this way is set up."""
    sign_in = parts.provider_sign_in
    if sign_in is None:
        raise NotFound("no provider")
    settings = sign_in.provider.settings
    if not (settings.button if button else settings.redirects):
        raise NotFound("another way in")
    return sign_in


async def _signed_in(request: Request, parts: Parts, done: SignedInBy) -> Response:
    if done.connected:
        return go_to(request, done.next_path, said="Connected: you can sign in by it from now on.")
    response = RedirectResponse(done.next_path, 303)
    cookie, _ = await parts.sessions.start(
        done.user_id,
        replaces=cookie_of(request, base_url=parts.base_url),
        origin=origin_of(request, done.method),
    )
    put_cookie(response, cookie, base_url=parts.base_url)
    return response


async def _told(
    request: Request,
    parts: Parts,
    sign_in: ProviderSignIn,
    error: SignInRefused | ProviderUnreachable,
    next_path: str,
) -> Response:
    """What the person can do on the page, and what was wrong in the logs. Counted by address."""
    await count_stranger(request, parts)
    if isinstance(error, SignInRefused):
        await sign_in.note_refusal(error)
    if isinstance(error, ProviderUnreachable):
        parts.silent_provider.met(error)
    else:
        log.warning("nobody was signed in: %s", error)
    return sign_in_page(request, parts, next_path, problem=words_for(sign_in, error))


def _check_own_page(request: Request, parts: Parts) -> None:
    """A link from another site must not give somebody's account another way in."""
    page = urlsplit(request.headers.get("referer", ""))
    origin = f"{page.scheme}://{page.netloc}" if page.netloc else None
    if not csrf.same_origin(
        fetch_site=request.headers.get("sec-fetch-site"), origin=origin, base_url=parts.base_url
    ):
        raise Forbidden("Connect an account from your account page.")
