"""Every error as `application/problem+json` (RFC 9457), also those that the framework raises.

A problem says what to do in words for a person; `errors` names the fields, as the caller wrote
them. Nothing of the inside gets out: no traces, no SQL, no values that were not the caller's.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from paceline.api.outgoing.tables import ShapeOut
from paceline.api.parts import parts_of
from paceline.domain.tables.shape import OpenQuestions
from paceline.errors import (
    Busy,
    Conflict,
    DomainError,
    FieldProblem,
    InvalidInput,
    NotFound,
    OperationalError,
    Outdated,
    TooLate,
    TooMuchAtOnce,
)
from paceline.observability import request_id
from paceline.services.idempotency import RETRY_AFTER_SECONDS as UNDER_WAY_SECONDS
from paceline.services.idempotency import KeyUsed, UnderWay
from paceline.services.imports import FileTooLarge

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2
MAX_ERRORS = 100

Handler = Callable[[Request, Exception], Awaitable[Response]]

_UNPARSED = "There was an error parsing the body"  # FastAPI's, of what breaks its parser
_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "json_invalid": "is not valid JSON",
    "string_type": "must be text",
    "string_unicode": "must be text without halves of surrogate pairs",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_attributes_type": "must be an object",
    "model_type": "must be an object",
    "uuid_parsing": "is no id",
    "uuid_type": "is no id",
    "finite_number": "must be a finite number",
}


def problem(
    status: int,
    detail: str,
    *,
    errors: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, object] | None = None,
) -> Response:
    """A problem document."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **(extra or {}),
    }
    if number := request_id():
        body["request_id"] = number
    if errors:
        listed = [{"field": e.field, "message": e.message} for e in errors[:MAX_ERRORS]]
        body["errors"] = listed
    # ASCII, so that whatever half of a character the caller sent can be told back to them.
    content = json.dumps(body).encode("ascii")
    return Response(content, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def install(app: FastAPI) -> None:
    """Answer every error of this application with a problem."""
    for kind, handler in (
        (DomainError, _domain),
        (OperationalError, _operational),
        (RequestValidationError, _validation),
        (HTTPException, _http),
        (ClientDisconnect, _gone),
        (Exception, _bug),
    ):
        app.add_exception_handler(kind, _with_rate(handler))


def _with_rate(handler: Handler) -> Handler:
    """What is left of the caller's rate, on problems as on all other answers."""

    async def answered(request: Request, error: Exception) -> Response:
        response = await handler(request, error)
        response.headers.update(getattr(request.state, "rate", {}))
        return response

    return answered


async def _domain(_request: Request, error: Exception) -> Response:
    match error:
        case Outdated():
            return problem(412, str(error), headers={"ETag": f'"{error.current}"'})
        case Conflict():
            return _conflict(error)
        case InvalidInput():
            status = 413 if isinstance(error, FileTooLarge) else 422
            told = _told(error.problems)
            return problem(status, told, errors=error.problems, extra=_beside(error))
        case TooMuchAtOnce():
            wait = {"Retry-After": str(error.retry_after_seconds)}
            return problem(429, str(error), headers=wait)
        case NotFound():
            return problem(404, str(error))
    return problem(400, str(error))


def _conflict(error: Conflict) -> Response:
    wait = {"Retry-After": str(UNDER_WAY_SECONDS)} if isinstance(error, UnderWay | Busy) else None
    extra = {"result": "too_late"} if isinstance(error, TooLate) else None
    return problem(409, str(error), headers=wait, extra=extra)


def _told(errors: Sequence[FieldProblem]) -> str:
    first = f"{errors[0].field}: {errors[0].message}"
    return first if len(errors) == 1 else f"{first} (and {len(errors) - 1} more)"


def _beside(error: InvalidInput) -> Mapping[str, object] | None:
    """What the first request under a key made; of a table that has to be asked about, its shape."""
    if isinstance(error, KeyUsed):
        return {"made": error.made}
    if not isinstance(error, OpenQuestions):
        return None
    return {"shape": ShapeOut.model_validate(error.shape).model_dump(mode="json")}


async def _operational(request: Request, error: Exception) -> Response:
    parts_of(request).unanswered.met(error)
    detail = f"A part of the system does not answer right now. {_try_again(request)}"
    return problem(503, detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


async def _validation(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError), "registered for nothing else"
    found = error.errors()
    if any(e["loc"][:1] == ("path",) for e in found):
        return problem(404, "there is no such thing")
    if any(e["type"] == "json_invalid" for e in found):
        return problem(400, "the body is not valid JSON")
    errors = [FieldProblem(_field(e["loc"]), _words(e)) for e in found]
    return problem(422, _told(errors), errors=errors)


def _field(loc: Sequence[object]) -> str:
    """`("body", "recipients", 3, "email")` as `recipients[3].email`."""
    name = ""
    for part in loc[1:]:
        if isinstance(part, int):
            name += f"[{part}]"
        else:
            name += f".{part}" if name else str(part)
    return name or str(loc[0])


def _words(error: Mapping[str, object]) -> str:
    kind, message = str(error["type"]), str(error["msg"])
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    message = message.replace("Input should be ", "must be ", 1)
    return _WORDS.get(kind) or message[:1].lower() + message[1:]


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "registered for nothing else"
    detail = str(error.detail)
    if error.status_code == 404 and detail == "Not Found":
        detail = f"there is nothing at {request.url.path[:200]}"
    if detail == _UNPARSED:
        detail = "the body is not valid JSON, or nested too deeply"
    return problem(error.status_code, detail, headers=error.headers)


async def _gone(_request: Request, _error: Exception) -> Response:
    return problem(400, "you left before it was done")  # nobody hears it


def stopping(request: Request) -> Response:
    """What a request is told that this process cannot wait for any longer."""
    detail = f"Paceline is being stopped or restarted. {_try_again(request)}"
    return problem(503, detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


async def _bug(request: Request, _error: Exception) -> Response:
    # The server logs the trace; the caller learns that it was not their fault.
    said = "Something went wrong on our side; it has been noted."
    return problem(500, said if request.method == "GET" else f"{said} {_try_again(request)}")


def _try_again(request: Request) -> str:
    """What is known about a write whose answer got lost on our side, and what to do about it."""
    if request.method != "POST":  # the same when it is repeated
        return "Try again in a moment."
    if "idempotency-key" in request.headers:
        return "Send it again with the same Idempotency-Key: it will not be done twice."
    return "It may have been carried out all the same: look before you send it again."
