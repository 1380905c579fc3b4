"""Who is asking: an API key in `Authorization: Bearer pl_…`, or whoever else vouches for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeAlias

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials
from starlette.exceptions import HTTPException

from paceline.api.parts import parts_of
from paceline.auth.principal import Principal

Vouch: TypeAlias = Callable[[Request], Awaitable[Principal | None]]
"""Finds out who is asking by other means than a key: a web session, for one."""

_bearer = HTTPBearer(auto_error=False, bearerFormat="pl_…", description="An API key")


async def principal_of(request: Request) -> Principal:
    """Whoever sent this request. Raises 401. Asked once per request."""
    known: Principal | None = getattr(request.state, "principal", None)
    if known is None:
        known = request.state.principal = await _authenticated(request)
    return known


async def _authenticated(request: Request) -> Principal:
    parts = parts_of(request)
    header = request.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    principal = None
    if scheme.lower() == "bearer":
        principal = await parts.api_keys.authenticate(token.strip())
    elif not header and parts.vouch is not None:
        principal = await parts.vouch(request)
    if principal is None:
        detail = "this API key is not valid" if header else "send an API key as a Bearer token"
        raise HTTPException(401, detail, headers={"WWW-Authenticate": 'Bearer realm="paceline"'})
    return principal


async def _caller(
    request: Request,
    _documented: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Principal:
    return await principal_of(request)


Caller = Annotated[Principal, Depends(_caller)]
