"""Errors as people see them: a page, or a toast where only a part of a page was asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse, Response

from paceline.errors import Conflict, InvalidInput, NotFound, OperationalError, TooMuchAtOnce
from paceline.services.idempotency import UnderWay
from paceline.web.access import (
    CSRF_FIELD,
    Forbidden,
    SignInNeeded,
    Viewer,
    form_of,
    maybe_signed_in,
    sign_in_url,
    who_looks,
)
from paceline.web.bodies import TooLarge
from paceline.web.form_reading import URLENCODED, media_type
from paceline.web.form_tokens import FIELD as TOKEN_FIELD
from paceline.web.form_tokens import token_in
from paceline.web.frames import framed, framed_signed_out, is_framed
from paceline.web.navigation import GROUPS
from paceline.web.parts import parts_of
from paceline.web.rendering import Look, asks_for_news, is_htmx, render, toast_only
from paceline.web.wording import sentence

MAX_TYPED_CHARACTERS = 3_000_000
_SECRET = re.compile("password|secret|token|credential", re.IGNORECASE)

_TITLES = {
    400: "That request makes no sense",
    403: "Not allowed",
    404: "Not found",
    405: "Not this way",
    409: "Not possible any more",
    413: "Too large",
    412: "Changed meanwhile",
    422: "Not possible like that",
    429: "Too much at once",
    500: "Something broke",
    503: "Out of reach for a moment",
}
_LIST_OF_A_DRAFT = re.compile(r"/compose/[^/]+/recipients")
_LABELS = {"/emails": "Emails"} | {
    entry.path: entry.label for group in GROUPS for entry in group.entries if not entry.for_admins
}
FOR_A_FORM = "This address takes what a form sends, and shows nothing. Nothing was changed."
NOT_FOUND = "There is nothing at this address, or it is not yours to see."
BROKEN = "This is our mistake, and it has been written to the log."
OUT_OF_REACH = "The database does not answer. What is scheduled stays scheduled."
TRY_AGAIN = "Try again in a moment."
SIGN_IN_HEADER = "X-Sign-In"  # where a page that asked for news can be signed in to (live.js)
# A write that ended without an answer may have been carried out: nobody knows until they look.
MAY_BE_DONE = "What you sent may have been carried out all the same: look before you send it again."
SAFE_TO_REPEAT = (
    "What you sent may have been carried out all the same. You can look, or send the form again: "
    "it will not be done twice."
)
NOTHING_GOES_OUT = "Reading a list schedules and sends nothing: choose it again, or another one."
UNDER_WAY = (
    "This form was sent before, and is still being worked on. It is done once; nothing is lost "
    "when you leave this page."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A form's fields, those of them that are worth being shown, and whether there was more: files
    and passwords, which are not sent back."""

    fields: list[tuple[str, str]]
    shown: list[tuple[str, str]]
    had_more: bool


def install(app: FastAPI) -> None:
    """Answer every error that a route lets through."""
    app.add_exception_handler(SignInNeeded, _sign_in_needed)
    app.add_exception_handler(Forbidden, _forbidden)
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(Conflict, _conflict)
    app.add_exception_handler(InvalidInput, _invalid)
    app.add_exception_handler(TooMuchAtOnce, _too_much)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OperationalError, _out_of_reach)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _broken)


async def failure(
    request: Request, status: int, message: str, *, look: Look | None = None
) -> Response:
    """The page, toast or frame of one error: a page beside the sidebar for whoever is signed in."""
    if is_framed(request):
        return framed(message, status=status)
    if is_htmx(request):
        return toast_only(message, status=status, look=look)
    title = _TITLES.get(status, "That did not work")
    known: Viewer | None = getattr(request.state, "viewer", None)  # whose form it is, for certain
    return render(
        request,
        "error.html",
        viewer=await who_looks(request, parts_of(request)),
        status=status,
        section=request.url.path.strip("/").partition("/")[0],
        code=status,
        title=title,
        message=message,
        look=look or way_on(request),
        typed=typed_in(request),
        # What was too large would be so again.
        again=known.csrf if known and request.method == "POST" and status != 413 else "",
        path=request.url.path,
    )


def way_on(request: Request) -> Look | None:
    """The list that an address lies under, unless it is that itself."""
    section, _, rest = request.url.path.strip("/").partition("/")
    path = "/drafts" if section == "compose" else f"/{section}"
    label = _LABELS.get(path)
    return Look(path=path, label=label) if label and rest else None


def typed_in(request: Request) -> Typed | None:
    """What a form held that came to nothing: it is shown again, so that nobody types it twice."""
    form: FormData | None = getattr(request.state, "typed", None)
    if form is None:
        return None
    fields = [
        (name, value)
        for name, value in form.multi_items()
        if isinstance(value, str) and name != CSRF_FIELD and not _SECRET.search(name)
    ]
    if sum(len(value) for _, value in fields) > MAX_TYPED_CHARACTERS:
        return None
    had_more = any(
        bool(value) and _SECRET.search(name) if isinstance(value, str) else bool(value.filename)
        for name, value in form.multi_items()
        if name != CSRF_FIELD
    )
    return Typed(
        fields=fields,
        shown=[(_label(name), value) for name, value in fields if _is_worth(name, value)],
        had_more=had_more,
    )


def _is_worth(name: str, value: str) -> bool:
    """Whether somebody may have typed it, rather than ticked or chosen."""
    return name not in (TOKEN_FIELD, "csrf") and len(value.strip()) > 1


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize().replace("Smtp", "SMTP").replace("Html", "HTML")


def where_to_look(request: Request) -> Look:
    """Where it is seen what came of a form."""
    section, _, rest = request.url.path.strip("/").partition("/")
    if section == "emails" and rest == "bulk":
        return Look(path="/emails", label="Look under Emails")
    if section in ("campaigns", "senders", "emails") and rest:
        return Look(path=f"/{section}/{rest.partition('/')[0]}", label="Look")
    if section in ("senders", "inbox"):
        return Look(path=f"/{section}", label=f"Look under {section.capitalize()}")
    return Look(path="/campaigns", label="Look under Campaigns")


async def _lost(request: Request, status: int, message: str) -> Response:
    """An answer that was lost on our side: it says no more than is known."""
    if request.method in ("GET", "HEAD"):
        return await failure(request, status, f"{message} {TRY_AGAIN}")
    if _LIST_OF_A_DRAFT.fullmatch(request.url.path):
        return await failure(request, status, f"{message} {NOTHING_GOES_OUT}")
    known = MAY_BE_DONE if token_in(request) is None else SAFE_TO_REPEAT
    return await failure(request, status, f"{message} {known}", look=where_to_look(request))


async def too_large(request: Request, most: int) -> Response:
    """What whoever sends more than `most` octets is told."""
    bound = f"{most >> 20} MB" if most >> 20 else f"{most >> 10} KB"
    return await failure(
        request,
        413,
        f"This is more than {bound} at once. It was not taken, and nothing was changed: send less.",
    )


async def keep_typed(request: Request) -> None:
    """Read a form that is refused for its size, for what it held to be shown: of whoever is signed
    in and sends it from a page of theirs."""
    if is_htmx(request) or media_type(request) != URLENCODED:
        return  # the page is still there, or there are files
    try:
        viewer = await maybe_signed_in(request, parts_of(request))
        if viewer is not None:
            await form_of(request)
    except (Forbidden, InvalidInput, OperationalError, ClientDisconnect, TooLarge):
        request.state.typed = None


async def packed(request: Request) -> Response:
    """What whoever packs a form's body is told."""
    return await failure(request, 415, "A form is read as it is: send it without Content-Encoding.")


async def not_allowed(request: Request, allowed: str) -> Response:
    """The page for a method that an address does not answer."""
    method = request.method
    told = f"This address answers {allowed}, not {method}. Nothing was changed."
    return await failure(request, 405, FOR_A_FORM if method == "GET" else told)


async def _sign_in_needed(request: Request, error: Exception) -> Response:
    assert isinstance(error, SignInNeeded)
    if is_framed(request):
        return framed_signed_out(request)
    url = sign_in_url(error.next_path)
    if asks_for_news(request):
        # Nobody pressed anything: the page stays, with what was typed on it, and says so itself.
        away = {"HX-Reswap": "none", SIGN_IN_HEADER: url}
        return Response(status_code=401, headers=away)
    if is_htmx(request):
        return Response(status_code=200, headers={"HX-Redirect": url})
    return RedirectResponse(url, status_code=303)


async def _forbidden(request: Request, error: Exception) -> Response:
    return await failure(request, 403, str(error))


async def _not_found(request: Request, _error: Exception) -> Response:
    return await failure(request, 404, NOT_FOUND)


async def _conflict(request: Request, error: Exception) -> Response:
    if isinstance(error, UnderWay):
        return await failure(request, 409, UNDER_WAY, look=where_to_look(request))
    return await failure(request, 409, sentence(str(error)))


async def _too_much(request: Request, error: Exception) -> Response:
    assert isinstance(error, TooMuchAtOnce)
    told = f"{sentence(str(error))} Try again in {error.retry_after_seconds} s."
    response = await failure(request, 429, told)
    response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


async def _invalid(request: Request, error: Exception) -> Response:
    return await failure(request, 422, sentence(str(error)))


async def _unreadable(request: Request, _error: Exception) -> Response:
    # An address that was typed or cut off: as good as not there.
    return await failure(request, 404, NOT_FOUND)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    told = NOT_FOUND if error.status_code == 404 else str(error.detail)
    return await failure(request, error.status_code, told)


async def _out_of_reach(request: Request, error: Exception) -> Response:
    parts_of(request).unanswered.met(error)
    return await _lost(request, 503, OUT_OF_REACH)


async def _gone(_request: Request, _error: Exception) -> Response:
    # Nobody hears it: the page was left while it still sent. What it keeps it sends again.
    return Response(status_code=400)


async def _broken(request: Request, _error: Exception) -> Response:
    # Starlette raises the error again after this answer, so the server logs it with its trace.
    return await _lost(request, 500, BROKEN)
