"""Errors as people see them: a page, or a toast where only a part of a page was asked for."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from paceline.errors import Conflict, InvalidInput, NotFound, OperationalError
from paceline.web.access import Forbidden, SignInNeeded, sign_in_url
from paceline.web.bodies import MAX_REQUEST_OCTETS
from paceline.web.rendering import is_htmx, render, toast_only

log = logging.getLogger(__name__)

_TITLES = {
    400: "That request makes no sense",
    403: "Not allowed",
    404: "Not found",
    405: "Not found",
    409: "Not possible any more",
    413: "Too large",
    422: "That request makes no sense",
    500: "Something broke",
    503: "Out of reach for a moment",
}
NOT_FOUND = "There is nothing at this address, or it is not yours to see."
BROKEN = "This is our mistake, and it has been written to the log. Nothing was changed by it."
OUT_OF_REACH = "The database does not answer. What is scheduled stays scheduled; try again shortly."


def install(app: FastAPI) -> None:
    """Answer every error that a route lets through."""
    app.add_exception_handler(SignInNeeded, _sign_in_needed)
    app.add_exception_handler(Forbidden, _forbidden)
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(Conflict, _conflict)
    app.add_exception_handler(InvalidInput, _invalid)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OperationalError, _out_of_reach)
    app.add_exception_handler(Exception, _broken)


def failure(request: Request, status: int, message: str) -> Response:
    """The page, or the toast, of one error."""
    if is_htmx(request):
        return toast_only(message, status=status)
    title = _TITLES.get(status, "That did not work")
    return render(
        request, "error.html", viewer=None, status=status, code=status, title=title, message=message
    )


def too_large(request: Request) -> Response:
    """What whoever sends too much is told."""
    megabytes = MAX_REQUEST_OCTETS // (1024 * 1024)
    return failure(request, 413, f"This is more than {megabytes} MB at once; send less.")


def packed(request: Request) -> Response:
    """What whoever packs a form's body is told."""
    return failure(request, 415, "A form is read as it is: send it without Content-Encoding.")


def not_allowed(request: Request, _allowed: str) -> Response:
    """The page for a method that an address does not answer."""
    return failure(request, 405, NOT_FOUND)


async def _sign_in_needed(request: Request, error: Exception) -> Response:
    assert isinstance(error, SignInNeeded)
    url = sign_in_url(error.next_path)
    if is_htmx(request):
        return Response(status_code=200, headers={"HX-Redirect": url})
    return RedirectResponse(url, status_code=303)


async def _forbidden(request: Request, error: Exception) -> Response:
    return failure(request, 403, str(error))


async def _not_found(request: Request, _error: Exception) -> Response:
    return failure(request, 404, NOT_FOUND)


async def _conflict(request: Request, error: Exception) -> Response:
    return failure(request, 409, sentence(str(error)))


async def _invalid(request: Request, error: Exception) -> Response:
    return failure(request, 422, sentence(str(error)))


async def _unreadable(request: Request, _error: Exception) -> Response:
    # An address that was typed or cut off: as good as not there.
    return failure(request, 404, NOT_FOUND)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = {404: NOT_FOUND, 405: NOT_FOUND}
    return failure(request, error.status_code, known.get(error.status_code, str(error.detail)))


async def _out_of_reach(request: Request, error: Exception) -> Response:
    log.warning("a page could not be shown: %s", error)
    return failure(request, 503, OUT_OF_REACH)


async def _broken(request: Request, _error: Exception) -> Response:
    # Starlette raises the error again after this answer, so the server logs it with its trace.
    return failure(request, 500, BROKEN)


def sentence(text: str) -> str:
    """With a capital and a full stop, as services write neither."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + "."
