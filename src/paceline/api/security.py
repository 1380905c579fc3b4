"""Who is asking: an API key in `Authorization: Bearer pl_…`."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeAlias

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials
from starlette.exceptions import HTTPException
from starlette.responses import Response

from paceline.api.arriving import turn_of
from paceline.api.departing import stays_until_sent
from paceline.api.json_bodies import ReadBeside
from paceline.api.parts import parts_of
from paceline.auth.acting import address_of, become
from paceline.auth.principal import Principal
from paceline.domain.scopes import Scope
from paceline.limits import Taken
from paceline.services.request_rates import RateExceeded
from paceline.threads import OWNER

Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]

_READING = frozenset({"GET", "HEAD"})
_bearer = HTTPBearer(auto_error=False, bearerFormat="pl_…", description="An API key")


async def principal_of(request: Request) -> Principal:
    """Whoever sent this request. Raises 401. Asked once per request."""
    known: Principal | None = getattr(request.state, "principal", None)
    if known is None:
        known = request.state.principal = await _authenticated(request)
        become(known)
    return known


async def _authenticated(request: Request) -> Principal:
    parts = parts_of(request)
    header = request.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    principal = None
    address = address_of(request.scope)
    if scheme.lower() == "bearer":
        parts.rates.before_key(token.strip(), address)
        principal = await parts.api_keys.authenticate(token.strip())
    if principal is None:
        await parts.rates.stranger(address)
        detail = (
            "this API key is not valid (any more)"
            if header
            else "send an API key as a Bearer token"
        )
        raise HTTPException(401, detail, headers={"WWW-Authenticate": 'Bearer realm="paceline"'})
    return principal


class KnownFirst(APIRoute):
    """A route that reads no body of anybody who has no key, and serves so many of each at a time.

    The framework reads and parses a body before it asks what a route depends on.
    """

    def get_route_handler(self) -> Handler:
        """The handler, behind the look at the key."""
        handle = self.handler_in_turn()

        async def known(request: Request) -> Response:
            request = ReadBeside(request.scope, request.receive)
            caller, parts = await principal_of(request), parts_of(request)
            OWNER.set(caller.user_id)
            key = request.headers.get("authorization", "").partition(" ")[2].strip() or None
            try:
                taken = await parts.rates.owner(caller.user_id, key=key)
            except RateExceeded as error:
                request.state.rate = _rate_headers(error.taken)
                raise
            request.state.rate = _rate_headers(taken)  # for problems
            turns = turn_of(request, caller.user_id, work=parts.turnstile, uploads=parts.uploads)
            async with turns:
                response = await handle(request)
            await stays_until_sent(request, response, caller.user_id, downloads=parts.downloads)
            parts.unanswered.over()
            response.headers.update(request.state.rate)
            return response

        return known

    def handler_in_turn(self) -> Handler:
        """The handler, for a caller who is known and whose turn has come."""
        return super().get_route_handler()


def _rate_headers(taken: Taken) -> dict[str, str]:
    return {
        "RateLimit-Limit": str(taken.holds),
        "RateLimit-Remaining": str(taken.remaining),
        "RateLimit-Reset": str(math.ceil(taken.reset_ms / 1000)),
    }


async def _caller(
    request: Request,
    _documented: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Principal:
    return await principal_of(request)


Caller = Annotated[Principal, Depends(_caller)]


async def _only_admins_write() -> None:
    """Does nothing by itself: `held_to_scope` finds it at the route."""


ADMIN_TO_WRITE = Depends(_only_admins_write)
"""Marks routes that change who may send, or to whom: a key needs `admin`, unless it only reads."""


async def held_to_scope(request: Request) -> None:
    """Refuse what the key does not cover: reading needs `read`, all else `send` at least."""
    needed = Scope.READ
    if request.method not in _READING:
        strict = ADMIN_TO_WRITE in request.scope["route"].dependencies
        needed = Scope.ADMIN if strict else Scope.SEND
    refuse_beyond(await principal_of(request), needed)


def refuse_beyond(caller: Principal, needed: Scope) -> None:
    """Refuse a key that reaches less far. For what depends on the body, a route asks by itself."""
    scope = caller.scope
    if not scope.covers(needed):
        raise HTTPException(
            403,
            f"this API key has the scope `{scope}`, and this needs `{needed}`: "
            "make another key on the page API keys, or with `paceline api-key create`",
        )
