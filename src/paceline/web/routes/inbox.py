"""The dev inbox: mail that was caught on this machine instead of being sent."""

from __future__ import annotations

import uuid

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.web.access import Administrator, form_of
from paceline.web.headers import mail_frame
from paceline.web.listing import Column, ListState, Selection, as_id
from paceline.web.once import OnceRoute, carried_out_once
from paceline.web.parts import Wired
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
    state = ListState.read(request.query_params, path="/inbox")
    page = await parts.caught_mail.newest(before=as_id(state.cursor), limit=state.size)
    return render(
        request,
        "_inbox_live.html" if wants_fragment(request) else "inbox.html",
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
    dropped = await parts.caught_mail.drop(Selection.read(await form_of(request)))
    return go_to(request, "/inbox", said=f"{count(dropped, 'message')} dropped.")


@router.post("/clear")
@carried_out_once
async def clear_inbox(request: Request, parts: Wired, viewer: Administrator) -> Response:
    """Drop everything that was caught."""
    dropped = await parts.caught_mail.drop(Selection(ids=(), everything=True))
    return go_to(request, "/inbox", said=f"{count(dropped, 'message')} dropped.")


@router.get("/{message_id}")
async def show_message(
    request: Request, parts: Wired, viewer: Administrator, message_id: uuid.UUID
) -> Response:
    """One caught message."""
    message = await parts.caught_mail.get(message_id)
    template = "_inbox_drawer.html" if wants_fragment(request) else "inbox_message.html"
    return render(request, template, viewer=viewer, section="inbox", message=message)


@router.get("/{message_id}/body")
async def show_message_body(parts: Wired, viewer: Administrator, message_id: uuid.UUID) -> Response:
    """What it says, for the sandboxed frame."""
    return mail_frame((await parts.caught_mail.get(message_id)).html)
