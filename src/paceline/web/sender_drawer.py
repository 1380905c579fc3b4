"""A sender beside the list that it is from: at a glance, and with what is done to it from there."""

from __future__ import annotations

import uuid

from fastapi import Request
from starlette.responses import Response

from paceline.together import together
from paceline.web.access import Viewer
from paceline.web.parts import Parts
from paceline.web.rendering import render, zone_of


async def sender_drawer(
    request: Request, parts: Parts, viewer: Viewer, sender_id: uuid.UUID
) -> Response:
    """The drawer, to be opened."""
    return await _glance(request, parts, viewer, sender_id, "_sender_drawer.html")


async def sender_detail(
    request: Request, parts: Parts, viewer: Viewer, sender_id: uuid.UUID
) -> Response:
    """What is in it, for the one that is open already."""
    return await _glance(request, parts, viewer, sender_id, "_sender_live.html")


async def _glance(
    request: Request, parts: Parts, viewer: Viewer, sender_id: uuid.UUID, template: str
) -> Response:
    owner = viewer.principal.user_id
    sender, use, overview = await together(
        parts.senders.get(owner, sender_id),
        parts.sender_uses.of(owner, sender_id, zone_of(request)),
        parts.queries.overview(owner),
    )
    found = [each.status for each in overview.now.senders if each.sender_id == sender_id]
    status = found[0] if found else None
    return render(
        request,
        template,
        viewer=viewer,
        section="senders",
        sender=sender,
        use=use,
        so=status,
        held_by=status.held_by if status else None,
    )
