"""The dev inbox: mail that was caught on this machine instead of being sent."""

from __future__ import annotations

import uuid

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.domain.bounds import MAX_QUERY
from paceline.web.access import Administrator, Viewer, form_of
from paceline.web.forms import text_of
from paceline.web.frames import shown_in_a_frame
from paceline.web.headers import file_of, mail_frame
from paceline.web.listing import Column, ListState, Selection, as_id
from paceline.web.mail_body import View
from paceline.web.once import OnceRoute, carried_out_once
from paceline.web.parts import Parts, Wired
from paceline.web.rendering import go_to, render, wants_fragment
from paceline.web.wording import count

router = APIRouter(prefix="/inbox", route_class=OnceRoute)


COLUMNS = (
    Column(key="to", label="To"),
    Column(key="subject", label="Subject", line=True, look="pl-grow"),
    Column(key="from", label="From", wide_from="md", look="pl-quiet"),
    Column(key="received", label="Received", look="pl-quiet tabular-nums whitespace-nowrap"),
    Column(key="size", label="Size", align="end", wide_from="lg", look="pl-quiet tabular-nums"),
)


@router.get("")
async def show_inbox(request: Request, parts: Wired, viewer: Administrator) -> Response:
    """What was caught, the newest first."""
    template = "_inbox_rows.html" if wants_fragment(request) else "inbox.html"
    return await _listed(request, parts, viewer, template)


@router.get("/rows")
async def inbox_rows(request: Request, parts: Wired, viewer: Administrator) -> Response:
    """What moves, for the page that is open already."""
    return await _listed(request, parts, viewer, "_inbox_live.html")


async def _listed(request: Request, parts: Parts, viewer: Viewer, template: str) -> Response:
    state = ListState.read(request.query_params, path="/inbox", filters=("q",))
    page = await parts.caught_mail.newest(q=state.q, before=as_id(state.cursor), limit=state.size)
    return render(
        request,
        template,
        viewer=viewer,
        section="inbox",
        columns=COLUMNS,
        state=state,
        page=page,
        dev_inbox=parts.dev_inbox,
    )


@router.post("/drop")
@carried_out_once
async def drop_messages(request: Request, parts: Wired, viewer: Administrator) -> Response:
    """Drop the messages that were ticked, or all."""
    posted = await form_of(request)
    q = text_of(posted, "q").strip()[:MAX_QUERY]
    dropped = await parts.caught_mail.drop(Selection.read(posted), q=q)
    return go_to(request, "/inbox", said=f"{count(dropped, 'message')} dropped.")


@router.post("/clear")
@carried_out_once
async def clear_inbox(request: Request, parts: Wired, viewer: Administrator) -> Response:
    """Drop everything that was caught."""
    dropped = await parts.caught_mail.drop(Selection(ids=(), everything=True))
    return go_to(request, "/inbox", said=f"{count(dropped, 'message')} dropped.")


@router.get("/{message_id}")
async def show_message(
    request: Request,
    parts: Wired,
    viewer: Administrator,
    message_id: uuid.UUID,
    view: str = "",
) -> Response:
    """One caught message, in one of its views."""
    template = "_inbox_drawer.html" if wants_fragment(request) else "inbox_message.html"
    return await _message(request, parts, viewer, message_id, template=template, view=view)


@router.get("/{message_id}/view")
async def show_view(
    request: Request,
    parts: Wired,
    viewer: Administrator,
    message_id: uuid.UUID,
    view: str = "",
) -> Response:
    """The same without what is around it, for whoever looks at another view."""
    template = "_inbox_message.html"
    return await _message(request, parts, viewer, message_id, template=template, view=view)


@router.get("/{message_id}/body", dependencies=shown_in_a_frame())
async def show_message_body(
    parts: Wired, viewer: Administrator, message_id: uuid.UUID, view: str = ""
) -> Response:
    """What it says, for the sandboxed frame."""
    asked = View.named(view)
    return mail_frame(await parts.caught_mail.document(message_id, asked))


@router.get("/{message_id}/parts/{number}")
async def download_part(
    parts: Wired, viewer: Administrator, message_id: uuid.UUID, number: int
) -> Response:
    """An attachment, as a file: whatever it is, no browser shows it as a page of ours."""
    name, content = await parts.caught_mail.part(message_id, number)
    return file_of(name, content)


async def _message(
    request: Request,
    parts: Parts,
    viewer: Viewer,
    message_id: uuid.UUID,
    *,
    template: str,
    view: str,
) -> Response:
    message = await parts.caught_mail.get(message_id)
    return render(
        request,
        template,
        viewer=viewer,
        section="inbox",
        message=message,
        view=view if view in message.views else message.views[0],
    )
