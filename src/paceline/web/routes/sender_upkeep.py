"""What is done to a sender once in a while: its DKIM key made and dropped, the sender deleted."""

from __future__ import annotations

import uuid

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.delivery import DkimAlgorithm
from paceline.errors import Conflict
from paceline.web.access import SignedIn, Viewer, form_of
from paceline.web.forms import text_of
from paceline.web.once import OnceRoute
from paceline.web.parts import Parts, Wired
from paceline.web.rendering import go_to, render

router = APIRouter(prefix="/senders", route_class=OnceRoute)


@router.post("/{sender_id}/dkim")
async def make_key(
    request: Request, parts: Wired, viewer: SignedIn, sender_id: uuid.UUID
) -> Response:
    """Give it a key that every receiver reads; the page shows the record to publish."""
    owner = viewer.principal.user_id
    await parts.senders.make_dkim_key(owner, sender_id, DkimAlgorithm.RSA)
    said = "Its emails are signed from now on: publish the record."
    return go_to(request, f"/senders/{sender_id}#dns", said=said)


@router.post("/{sender_id}/dkim/drop")
async def drop_key(
    request: Request, parts: Wired, viewer: SignedIn, sender_id: uuid.UUID
) -> Response:
    """Forget its key."""
    await parts.senders.drop_dkim_key(viewer.principal.user_id, sender_id)
    said = "Its emails go unsigned from now on."
    return go_to(request, f"/senders/{sender_id}#dns", said=said)


@router.get("/{sender_id}/delete")
async def ask_before_deleting(
    request: Request, parts: Wired, viewer: SignedIn, sender_id: uuid.UUID
) -> Response:
    """What becomes of its work is said first."""
    return await _question(request, parts, viewer, sender_id)


@router.post("/{sender_id}/delete")
async def delete_sender(
    request: Request, parts: Wired, viewer: SignedIn, sender_id: uuid.UUID
) -> Response:
    """Delete it; its work is cancelled if the form said so."""
    owner = viewer.principal.user_id
    cancel = text_of(await form_of(request), "cancel") == "yes"
    sender = await parts.senders.get(owner, sender_id)
    try:
        await parts.sender_removal.remove(owner, sender_id, cancel=cancel)
    except Conflict as conflict:
        return await _question(request, parts, viewer, sender_id, refused=str(conflict))
    return go_to(request, "/senders", said=f"{sender.from_address} is deleted.")


async def _question(
    request: Request, parts: Parts, viewer: Viewer, sender_id: uuid.UUID, *, refused: str = ""
) -> Response:
    owner = viewer.principal.user_id
    return render(
        request,
        "sender_delete.html",
        viewer=viewer,
        section="senders",
        status=409 if refused else 200,
        sender=await parts.senders.get(owner, sender_id),
        work=await parts.sender_removal.work(owner, sender_id),
        refused=refused,
        problems={},
    )
