"""What is done to a sender at a press: pause, resume, verify; on its page, or in the drawer."""

from __future__ import annotations

import uuid

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.domain.lifecycle import SenderState
from paceline.leaving import while_there
from paceline.services.senders import SenderPatch
from paceline.web.access import SignedIn, Viewer
from paceline.web.once import OnceRoute
from paceline.web.parts import Parts, Wired
from paceline.web.rendering import go_to, wants_fragment
from paceline.web.routes.senders import verified
from paceline.web.sender_drawer import sender_detail

router = APIRouter(prefix="/senders", route_class=OnceRoute)


@router.post("/{sender_id}/pause")
async def pause_sender(
    request: Request, parts: Wired, viewer: SignedIn, sender_id: uuid.UUID
) -> Response:
    """Hold everything that this sender has to send."""
    patch = SenderPatch(state=SenderState.PAUSED)
    await parts.senders.patch(viewer.principal.user_id, sender_id, patch)
    return await _after(request, parts, viewer, sender_id, "Paused: its emails wait.")


@router.post("/{sender_id}/resume")
async def resume_sender(
    request: Request, parts: Wired, viewer: SignedIn, sender_id: uuid.UUID
) -> Response:
    """Let it send again."""
    patch = SenderPatch(state=SenderState.ACTIVE)
    await parts.senders.patch(viewer.principal.user_id, sender_id, patch)
    return await _after(request, parts, viewer, sender_id, "Resumed.")


@router.post("/{sender_id}/verify")
async def verify_sender(
    request: Request, parts: Wired, viewer: SignedIn, sender_id: uuid.UUID
) -> Response:
    """Connect and log in, and say how it went."""
    if wants_fragment(request):
        await while_there(request, parts.senders.verify(viewer.principal.user_id, sender_id))
        return await sender_detail(request, parts, viewer, sender_id)
    return await verified(request, parts, viewer, sender_id)


async def _after(
    request: Request, parts: Parts, viewer: Viewer, sender_id: uuid.UUID, said: str
) -> Response:
    if wants_fragment(request):
        return await sender_detail(request, parts, viewer, sender_id)
    return go_to(request, f"/senders/{sender_id}", said=said)
