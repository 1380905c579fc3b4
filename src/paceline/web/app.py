"""Puts the pages together into one ASGI application, to be mounted at `/` after the JSON API."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Depends, FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from paceline.methods import Methods
from paceline.web import failures
from paceline.web.access import close_form, is_https
from paceline.web.assets import FOLDER, URL, manifest
from paceline.web.bodies import BodyLimit
from paceline.web.headers import ImmutableFiles, SecurityHeaders
from paceline.web.parts import Parts
from paceline.web.routes import (
    api_keys,
    campaigns,
    compose,
    emails,
    inbox,
    navigation,
    queue,
    senders,
    settings,
    sign_in,
    suppressions,
)

GZIP_FROM_OCTETS = 800
_SCREENS = (
    *(sign_in, navigation, emails, campaigns, compose),
    *(senders, suppressions, api_keys, inbox, queue, settings),
)
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def create_web(parts: Parts) -> FastAPI:
    """The dashboard. Raises `AssetsMissing` when the front end was never built."""
    manifest()
    app = FastAPI(openapi_url=None, dependencies=[Depends(close_form)])
    app.state.parts = parts
    for module in _SCREENS:
        app.include_router(module.router)
    app.mount(URL, ImmutableFiles(directory=FOLDER))
    failures.install(app)
    app.add_middleware(Methods, routes=lambda: app.routes, refuse=failures.not_allowed)
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_FROM_OCTETS)
    app.add_middleware(BodyLimit, refuse=failures.too_large, refuse_packed=failures.packed)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=allowed_hosts(parts.base_url))
    app.add_middleware(SecurityHeaders, https=is_https(parts.base_url))
    return app


def allowed_hosts(base_url: str) -> list[str]:
    """The host names we answer to: any other is somebody's attempt at DNS rebinding."""
    host = urlsplit(base_url).hostname or "localhost"
    host = f"[{host}]" if ":" in host else host
    return list(_LOOPBACK) if host in _LOOPBACK else [host]
