"""A form is carried out once: pressed twice, sent again by a browser, or found with Back.

Each form that creates something or sets something going carries a token, made when the page is
made. Sent a second time it leads to what came of the first, without doing anything again; while
the first is under way, it waits for that. A form that was refused may be mended and sent again
under its token. The same holds without JavaScript; with it, the button is out of order meanwhile.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeAlias, TypeVar, cast

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from paceline import clock
from paceline.errors import Conflict, DomainError, InvalidInput
from paceline.services.idempotency import Answer, Replay, Ticket
from paceline.services.ports import Settle
from paceline.web.access import (
    CSRF_FIELD,
    Forbidden,
    SignInNeeded,
    Viewer,
    count,
    form_of,
    maybe_signed_in,
)
from paceline.web.flash import Tone
from paceline.web.form_tokens import ALREADY, CHANGED, DONE, FIELD
from paceline.web.parts import parts_of
from paceline.web.rendering import go_to

Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

MAX_TOKEN_CHARACTERS = 100
PATIENCE_SECONDS = 25.0
# Whoever comes back later than this did not press twice; the page says why nothing happened.
PRESSED_TWICE = timedelta(seconds=10)
_CHUNK_OCTETS = 256 * 1024
_REFUSED = (DomainError, HTTPException, RequestValidationError, Forbidden, SignInNeeded)
_CSRF_PLACE = b"\0csrf\0"  # in a page that is kept: tokens of a sign-in are not stored twice
_ONCE: set[Callable[..., Any]] = set()


class SentBefore(Conflict):
    """This form was carried out before, with other content, and has no page to lead to."""


def carried_out_once(endpoint: Endpoint) -> Endpoint:
    """Marks what a form may do once only. What only looks, or sets the same again, needs none."""
    _ONCE.add(endpoint)
    return endpoint


class OnceRoute(APIRoute):
    """A route that looks at the token where its endpoint is marked."""

    def get_route_handler(self) -> Handler:
        """The handler, behind the look at the token."""
        handle = super().get_route_handler()
        if self.endpoint not in _ONCE:
            return handle

        async def guarded(request: Request) -> Response:
            try:
                return await _guarded(request, handle)
            finally:
                await request.close()

        return guarded


def reserved_id(request: Request) -> uuid.UUID | None:
    """The id that whatever this form creates must get; None: any."""
    ticket: Ticket | None = getattr(request.state, "ticket", None)
    return None if ticket is None else ticket.reserved_id


def leading_to(request: Request, place: str) -> Settle[Any] | None:
    """Stores where this form leads, below `place`, in the transaction that creates what is there.

    So whoever sends it again, after a process that died without a word, is led there and told
    whether what they changed since was used. None: the form has no token.
    """
    ticket: Ticket | None = getattr(request.state, "ticket", None)
    if ticket is None:
        return None
    answer = Answer(status=303, headers={"location": f"{place}/{ticket.reserved_id}"})

    async def settle(session: Any, _made: object, /) -> None:
        await parts_of(request).idempotency.settle(session, ticket, answer)

    return settle


async def _guarded(request: Request, handle: Handler) -> Response:
    parts = parts_of(request)
    viewer = await maybe_signed_in(request, parts)
    if viewer is None:
        return await handle(request)  # which sends them to sign in
    await count(request, parts, viewer)
    posted = await form_of(request)
    content = await _digest(posted)
    token = _token(request, posted)
    if token is None:
        return await handle(request)
    standing = await parts.idempotency.begin_form(
        viewer.principal.user_id,
        f"{request.url.path} {token}",
        content,
        patience_seconds=PATIENCE_SECONDS,
    )
    if isinstance(standing, Replay):
        return _replayed(request, viewer, standing)
    request.state.ticket = standing
    return await _carried_out(request, viewer, standing, handle)


def _token(request: Request, posted: FormData) -> str | None:
    token = posted.get(FIELD)
    if not isinstance(token, str) or not token:
        return None
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise InvalidInput.of("form", "is not one of ours: reload the page")
    request.state.once = token
    return token


async def _digest(posted: FormData) -> bytes:
    """Of what was typed and chosen; the encoding around it differs each time.

    The token, which is stored nowhere, goes in as well: a password cannot be guessed from this.
    """
    digest = hashlib.sha256()
    for name, value in posted.multi_items():
        if name == CSRF_FIELD:
            continue
        digest.update(f"{len(name)} {name} ".encode())
        if isinstance(value, UploadFile):
            digest.update(f"{value.filename} {value.size} ".encode())
            await value.seek(0)
            while chunk := await value.read(_CHUNK_OCTETS):
                digest.update(chunk)
            await value.seek(0)
        else:
            digest.update(f"{len(value)} {value} ".encode(errors="surrogatepass"))
    return digest.digest()


async def _carried_out(
    request: Request, viewer: Viewer, ticket: Ticket, handle: Handler
) -> Response:
    idempotency = parts_of(request).idempotency
    async with idempotency.at_work(ticket, refused=_REFUSED):
        response = await handle(request)
    if response.status_code >= 400:
        await idempotency.forget(ticket)
    else:
        await idempotency.finish(ticket, _answer(request, response, viewer))
    return response


def _answer(request: Request, response: Response, viewer: Viewer) -> Answer:
    path = response.headers.get("location") or response.headers.get("hx-redirect")
    if path is not None:
        said, tone = getattr(request.state, "said", ("", ""))
        return Answer(status=303, headers={"location": path, "said": said, "tone": tone})
    page = bytes(response.body).replace(viewer.csrf.encode(), _CSRF_PLACE)
    return Answer(status=response.status_code, body=page)


def _replayed(request: Request, viewer: Viewer, replay: Replay) -> Response:
    assert replay.answer is not None, "one that has none is waited for"
    path = replay.answer.headers.get("location")
    if path is None and not replay.is_same:
        raise SentBefore(
            "this form was carried out already, and what you changed since was not: "
            "reload its page to send it once more"
        )
    if path is None:
        page = replay.answer.body.replace(_CSRF_PLACE, viewer.csrf.encode())
        return HTMLResponse(page, status_code=replay.answer.status)
    if not replay.is_same:
        return go_to(request, _with(path, CHANGED))
    if clock.now() - replay.asked_at > PRESSED_TWICE:
        return go_to(request, _with(path, DONE))
    # The browser shows this answer rather than the first: it is to say the same.
    said, tone = (replay.answer.headers.get(name, "") for name in ("said", "tone"))
    return go_to(request, path, said=said, tone=cast("Tone", tone or "success"))


def _with(path: str, what: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}{ALREADY}={what}"
