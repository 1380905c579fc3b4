"""Puts the pages together into one ASGI application, to be mounted at `/` after the JSON API."""

from __future__ import annotations

from functools import cache
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from paceline.auth.acting import acting, address_of
from paceline.default_headers import DefaultHeaders
from paceline.methods import AnsweredMethods, Methods
from paceline.web import failures
from paceline.web.access import close_form, cookie_name, is_https
from paceline.web.assets import FOLDER, URL, manifest
from paceline.web.bodies import BodyLimit
from paceline.web.headers import PAGE_HEADERS, ImmutableFiles
from paceline.web.kept import KeptAnswers
from paceline.web.parts import PARTS, Parts
from paceline.web.routes import (
    account,
    api_keys,
    audit_log,
    bulk,
    campaign_changes,
    campaign_edit,
    campaign_preview,
    campaigns,
    compose,
    dashboard,
    draft_files,
    draft_list,
    draft_test,
    drafts,
    email_changes,
    email_lists,
    emails,
    inbox,
    navigation,
    notifications,
    provider,
    queue,
    review,
    sender_commands,
    sender_consent,
    sender_list,
    sender_upkeep,
    senders,
    settings,
    sign_in,
    suppressions,
    users,
)

GZIP_FROM_OCTETS = 800
_SCREENS = (
    *(sign_in, provider, account, navigation, dashboard, bulk, email_lists, emails),
    email_changes,
    *(
        campaigns,
        campaign_changes,
        campaign_edit,
        campaign_preview,
        compose,
        draft_files,
        draft_list,
        draft_test,
        review,
        drafts,
    ),
    *(sender_list, sender_consent, senders, sender_commands, sender_upkeep),
    *(suppressions, api_keys, audit_log, inbox, queue, users, settings, notifications),
)
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def create_web(parts: Parts) -> ASGIApp:
    """The dashboard. Raises `AssetsMissing` when the front end was never built."""
    manifest()
    pages = _application()

    async def dashboard(scope: Scope, receive: Receive, send: Send) -> None:
        state = {**scope.get("state", {}), PARTS: parts}
        with acting(address=address_of(scope)):
            await pages({**scope, "state": state}, receive, send)

    kept = KeptAnswers(dashboard, parts.watch, cookie=cookie_name(parts.base_url))
    known = TrustedHostMiddleware(kept, allowed_hosts=allowed_hosts(parts.base_url))
    return DefaultHeaders(known, PAGE_HEADERS, https=is_https(parts.base_url))


@cache
def _application() -> FastAPI:
    """One for all, as the API's: FastAPI takes its time over routes, and each request brings its
    parts along."""
    app = FastAPI(openapi_url=None, dependencies=[Depends(close_form)])
    for module in _SCREENS:
        app.include_router(module.router)
    app.mount(URL, ImmutableFiles(directory=FOLDER))
    failures.install(app)
    app.add_middleware(Methods, answered=AnsweredMethods(app.routes), refuse=failures.not_allowed)
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_FROM_OCTETS)
    app.add_middleware(
        BodyLimit,
        refuse=failures.too_large,
        keep=failures.keep_typed,
        refuse_packed=failures.packed,
    )
    return app


def allowed_hosts(base_url: str) -> list[str]:
    """The host names we answer to: any other is somebody's attempt at DNS rebinding."""
    host = urlsplit(base_url).hostname or "localhost"
    host = f"[{host}]" if ":" in host else host
    return list(_LOOPBACK) if host in _LOOPBACK else [host]
