"""`Idempotency-Key` on every POST: asked again, a write is answered again and not done again.

What was refused had no effect and may be tried again under the same key. What ended without an
answer (the process died, the database went away) stays taken for a while, and is then carried out
under the id that was reserved for it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from paceline.api.parts import parts_of
from paceline.api.security import principal_of
from paceline.errors import DomainError
from paceline.services.idempotency import Answer, Ticket

Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_REFUSED = (DomainError, HTTPException, RequestValidationError)


class IdempotentRoute(APIRoute):
    """A route whose POST honours the header."""

    def get_route_handler(self) -> Handler:
        """The handler, behind the look at the key."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if key is None or request.method != "POST":
                return await handle(request)
            return await _once(request, key, handle)

        return guarded


def reserved_id(request: Request) -> uuid.UUID | None:
    """The id that whatever this request creates must get; None: any."""
    reserved: uuid.UUID | None = getattr(request.state, "reserved_id", None)
    return reserved


async def _once(request: Request, key: str, handle: Handler) -> Response:
    idempotency = parts_of(request).idempotency
    caller = await principal_of(request)
    standing = await idempotency.begin(caller.user_id, key, await _fingerprint(request))
    if isinstance(standing, Answer):
        return Response(
            standing.body,
            status_code=standing.status,
            media_type="application/json",
            headers={REPLAYED: "true"},
        )
    request.state.reserved_id = standing.reserved_id
    return await _carried_out(request, standing, handle)


async def _carried_out(request: Request, ticket: Ticket, handle: Handler) -> Response:
    idempotency = parts_of(request).idempotency
    try:
        response = await handle(request)
    except _REFUSED:
        await idempotency.forget(ticket)
        raise
    answer = Answer(status=response.status_code, body=bytes(response.body))
    await idempotency.finish(ticket, answer)
    return response


async def _fingerprint(request: Request) -> bytes:
    kind = request.headers.get("content-type", "")
    place = f"{request.method} {request.url.path} {kind}\n"
    return place.encode() + await request.body()
