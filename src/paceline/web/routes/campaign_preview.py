"""What a campaign's message will be for one of its recipients, while somebody edits it."""

from __future__ import annotations

import uuid

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.domain.bounds import MAX_QUERY
from paceline.web.access import SignedIn, form_of
from paceline.web.frames import shown_in_a_frame
from paceline.web.parts import Wired
from paceline.web.preview import preview_frame, sample_of
from paceline.web.rendering import render

router = APIRouter(prefix="/campaigns")


@router.post("/{campaign_id}/preview", dependencies=shown_in_a_frame())
async def show_preview(
    request: Request, parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID
) -> Response:
    """The message as it stands on the page, saved or not, for the sandboxed frame."""
    owner = viewer.principal.user_id
    await parts.attachments.all_of(owner, campaign_id)  # for its owner alone
    return await preview_frame(parts.kept_in_campaigns, owner, campaign_id, await form_of(request))


@router.get("/{campaign_id}/sample")
async def show_sample(
    request: Request, parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID
) -> Response:
    """The recipient to preview as: the first one that is found by what is asked for."""
    sought = request.query_params.get("as", "")[:MAX_QUERY]
    found = await parts.email_queries.recipient(viewer.principal.user_id, campaign_id, sought)
    return render(
        request, "_sample.html", viewer=viewer, found=found, sample=sample_of(found), sought=sought
    )
