"""The drafts that are being written: their list, throwing one away, having it back."""

from __future__ import annotations

import uuid

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.web.access import SignedIn
from paceline.web.listing import Column
from paceline.web.parts import Wired
from paceline.web.rendering import go_to, render

router = APIRouter()

COLUMNS = (
    Column(key="name", label="Draft"),
    Column(key="list", label="Recipients", line=True),
    Column(key="saved", label="Saved", look="pl-quiet tabular-nums"),
    Column(key="actions", label="Actions", align="end", look="relative z-10"),
)


@router.get("/drafts")
async def list_drafts(
    request: Request, parts: Wired, viewer: SignedIn, deleted: uuid.UUID | None = None
) -> Response:
    """All of them, the last touched first. `deleted`: the one that may be had back."""
    owner = viewer.principal.user_id
    gone = None
    if deleted is not None:
        draft = await parts.drafts.get(owner, deleted)
        gone = draft if draft.deleted_at else None
    drafts = await parts.drafts.all_open(owner)
    return render(
        request,
        "drafts.html",
        viewer=viewer,
        section="drafts",
        columns=COLUMNS,
        drafts=drafts,
        gone=gone,
    )


@router.post("/compose/{draft_id}/delete")
async def delete(request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID) -> Response:
    """Throw it away. For a week it can be had back."""
    await parts.drafts.delete(viewer.principal.user_id, draft_id)
    return go_to(request, f"/drafts?deleted={draft_id}")


@router.post("/compose/{draft_id}/restore")
async def restore(
    request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID
) -> Response:
    """Have it back, and go on writing."""
    await parts.drafts.restore(viewer.principal.user_id, draft_id)
    return go_to(request, f"/compose/{draft_id}")
