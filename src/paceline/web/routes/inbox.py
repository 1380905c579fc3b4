"""The dev inbox: mail that was caught on this machine instead of being sent."""

from __future__ import annotations

import uuid

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.web.access import Administrator
from paceline.web.headers import mail_frame
from paceline.web.once import OnceRoute, carried_out_once
from paceline.web.parts import Wired
from paceline.web.rendering import go_to, render, wants_fragment

router = APIRouter(prefix="/inbox", route_class=OnceRoute)


@router.get("")
async def show_inbox(
    request: Request, parts: Wired, viewer: Administrator, before: uuid.UUID | None = None
) -> Response:
    """What was caught, the newest first."""
    page = await parts.caught_mail.newest(before=before)
    template = "_inbox_live.html" if wants_fragment(request) else "inbox.html"
    return render(
        request,
        template,
        viewer=viewer,
        section="inbox",
        page=page,
        before=before,
        dev_inbox=parts.dev_inbox,
    )


@router.post("/clear")
@carried_out_once
async def clear_inbox(request: Request, parts: Wired, viewer: Administrator) -> Response:
    """Drop everything that was caught."""
    await parts.caught_mail.clear()
    return go_to(request, "/inbox")


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
