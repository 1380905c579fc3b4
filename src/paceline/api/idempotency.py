"""`Idempotency-Key` on every POST that makes or sends something: asked again, a write is answered
again and not done again.

What was refused had no effect and may be tried again under the same key. What ended without an
answer (the process died, the database went away) may be tried again at once, and is then carried
out under the id that was reserved for it. GET, PATCH, DELETE, previews and what is about one person
are the same when they are repeated and need no key: theirs is not looked at.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from paceline.api.parts import parts_of
from paceline.api.security import Handler, KnownFirst, principal_of
from paceline.errors import DomainError, InvalidInput
from paceline.services.idempotency import (
    MAX_KEY_CHARACTERS,
    RETRY_AFTER_SECONDS,
    Answer,
    Ticket,
)
from paceline.services.ports import Settle

T = TypeVar("T")
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_REFUSED = (DomainError, HTTPException, RequestValidationError)
# What belongs to an answer beside its status and body.
_KEPT_HEADERS = ("location", "etag")
_CREATED = 201
_ALL_OR_NOTHING: set[Callable[..., Any]] = set()

_PARAMETER: dict[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": (
        "Any text of your own, new for each thing you mean to do. Sent again with the same key,"
        " the same request is answered as it was the first time and is not done again, for 24"
        " hours. The same means: method, path, query, Content-Type and body. With a key that was"
        " used for another request: 422. While the first one is at work: 409 with Retry-After."
        " What was refused (4xx) used no key up. Keys are the owner's: nobody shares them."
    ),
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_KEY_CHARACTERS,
        "pattern": "^[\\x21-\\x7e]+$",
    },
}
_RETRY_AFTER: dict[str, Any] = {
    "description": "Seconds. The first request with this Idempotency-Key is at work: ask again",
    "schema": {"type": "integer", "example": RETRY_AFTER_SECONDS},
}
_REPLAYED: dict[str, Any] = {
    "description": "`true`: this was done before, and this is the answer that it got then",
    "schema": {"type": "string", "enum": ["true"]},
}


def answered_or_not_done(endpoint: Endpoint) -> Endpoint:
    """Marks what stores its answer with all that it does.

    A key that has no answer there was used for nothing: a request that differs may have it.
    """
    _ALL_OR_NOTHING.add(endpoint)
    return endpoint


class IdempotentRoute(KnownFirst):
    """A route whose POST honours the header, and says so in the description of the API."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if "POST" in (options.get("methods") or ()):
            status = str(options.get("status_code") or 200)
            options["openapi_extra"] = _described(options.get("openapi_extra") or {}, status)
        super().__init__(path, endpoint, **options)

    def handler_in_turn(self) -> Handler:
        """The handler, behind the look at the key, for which the whole body is read."""
        handle = super().handler_in_turn()

        async def guarded(request: Request) -> Response:
            keys = set(request.headers.getlist(HEADER))
            if not keys or request.method != "POST":
                return await handle(request)
            if len(keys) > 1:
                raise InvalidInput.of(HEADER, "was given more than once")
            any_request = self.endpoint in _ALL_OR_NOTHING
            return await _once(request, keys.pop(), handle, any_request=any_request)

        return guarded


def reserved_id(request: Request) -> uuid.UUID | None:
    """The id that whatever this request creates must get; None: any."""
    ticket: Ticket | None = getattr(request.state, "ticket", None)
    return None if ticket is None else ticket.reserved_id


def settled_as(
    request: Request, shown: Callable[[T], BaseModel], *, status: int = 200
) -> Settle[T] | None:
    """Stores the answer in the transaction that does the work. None: the request has no key.

    For what cannot be found again by an id: a process that dies after its commit has answered.
    """
    ticket: Ticket | None = getattr(request.state, "ticket", None)
    if ticket is None:
        return None
    return _settle(request, ticket, shown, status)


def _settle(
    request: Request, ticket: Ticket, shown: Callable[[T], BaseModel], status: int
) -> Settle[T]:
    async def settle(session: Any, result: T, /) -> None:
        headers = {}
        if status == _CREATED:
            headers["location"] = f"{request.url.path.rstrip('/')}/{ticket.reserved_id}"
        body = shown(result).model_dump_json().encode()
        answer = Answer(status=status, body=body, headers=headers)
        await parts_of(request).idempotency.settle(session, ticket, answer)

    return settle


async def _once(request: Request, key: str, handle: Handler, *, any_request: bool) -> Response:
    idempotency = parts_of(request).idempotency
    caller = await principal_of(request)
    asked = await _fingerprint(request)
    standing = await idempotency.begin(caller.user_id, key, asked, any_request=any_request)
    if isinstance(standing, Answer):
        return Response(
            standing.body,
            status_code=standing.status,
            media_type="application/json",
            headers={**standing.headers, REPLAYED: "true"},
        )
    request.state.ticket = standing
    return await _carried_out(request, standing, handle)


async def _carried_out(request: Request, ticket: Ticket, handle: Handler) -> Response:
    idempotency = parts_of(request).idempotency
    async with idempotency.at_work(ticket, refused=_REFUSED):
        response = await handle(request)
    kept = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    answer = Answer(status=response.status_code, body=bytes(response.body), headers=kept)
    await idempotency.finish(ticket, answer)
    return response


async def _fingerprint(request: Request) -> bytes:
    kind = request.headers.get("content-type", "")
    query = urlencode(sorted(request.query_params.multi_items()))
    place = f"{request.method} {request.url.path}?{query} {kind}\n"
    return place.encode() + await request.body()


def _described(extra: Mapping[str, Any], status: str) -> dict[str, Any]:
    """The parameter and the headers, beside what a route says of itself. Twice is like once."""
    others = [p for p in extra.get("parameters", ()) if p.get("name") != HEADER]
    responses = {
        **extra.get("responses", {}),
        status: {"headers": {REPLAYED: _REPLAYED}},
        "409": {
            "description": "Its state does not allow it, or the first request is still at work",
            "headers": {"Retry-After": _RETRY_AFTER},
        },
    }
    return {**extra, "parameters": [*others, _PARAMETER], "responses": responses}
