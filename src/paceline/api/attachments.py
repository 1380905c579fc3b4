"""`/campaigns/{id}/attachments`: the files of a draft, each sent and had back as it is."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from paceline.api.idempotency import IdempotentRoute, reserved_id
from paceline.api.incoming import Given
from paceline.api.outgoing.base import PageOut, Shown
from paceline.api.parts import Wired
from paceline.api.security import Caller
from paceline.domain.file_headers import content_disposition
from paceline.services.attachments import AttachmentView, NewAttachment

router = APIRouter(
    prefix="/campaigns/{campaign_id}/attachments", tags=["campaigns"], route_class=IdempotentRoute
)

_FILE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}
ANY_KIND = "application/octet-stream"  # nobody's browser is to show it, whatever it says that it is
_FILE_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"content": {ANY_KIND: {"schema": {"type": "string", "format": "binary"}}}}
}


class AttachmentQuery(Given):
    """What the file is called, and whether the HTML shows it."""

    # Not asked for here but where the campaign is looked up: another owner's is not found first.
    file_name: str = Field(default="", description="Required; without a folder")
    inline: bool = Field(default=False, description="An image, shown by `cid:` and its name")
    content_id: str | None = Field(default=None, description="Another name for `cid:`")


class AttachmentOut(Shown):
    """A file of a campaign, without what is in it. `content_id`: null where it is not inline."""

    id: uuid.UUID
    file_name: str
    content_type: str
    octets: int
    inline: bool
    content_id: str | None
    created_at: datetime


@router.post("", status_code=201, response_model=AttachmentOut, openapi_extra=_FILE_BODY)
async def add(
    request: Request,
    response: Response,
    parts: Wired,
    caller: Caller,
    campaign_id: uuid.UUID,
    query: Annotated[AttachmentQuery, Query()],
) -> AttachmentView:
    """Attach a file to a draft. The body is the file, and Content-Type says what it is."""
    new = NewAttachment(
        file_name=query.file_name,
        content_type=request.headers.get("content-type", ""),
        inline=query.inline,
        content_id=query.content_id,
    )
    added = await parts.attachments.add(
        caller.user_id, campaign_id, new, request.stream(), reserved_id=reserved_id(request)
    )
    response.headers["Location"] = f"{request.url.path.rstrip('/')}/{added.id}"
    return added


@router.get("", response_model=PageOut[AttachmentOut])
async def list_all(parts: Wired, caller: Caller, campaign_id: uuid.UUID) -> dict[str, object]:
    """All files of a campaign, in the order in which they were attached."""
    found = await parts.attachments.all_of(caller.user_id, campaign_id)
    return {"items": found, "next_cursor": None}


@router.get("/{attachment_id}", response_class=Response, responses=_FILE_ANSWER)
async def download(
    parts: Wired, caller: Caller, campaign_id: uuid.UUID, attachment_id: uuid.UUID
) -> Response:
    """What is in a file, as it was attached, to be kept; the list says what kind it is."""
    file, content = await parts.kept_in_campaigns.file(caller.user_id, campaign_id, attachment_id)
    return Response(
        content,
        media_type=ANY_KIND,
        headers={"Content-Disposition": content_disposition(file.file_name)},
    )


@router.delete("/{attachment_id}", status_code=204)
async def remove(
    parts: Wired, caller: Caller, campaign_id: uuid.UUID, attachment_id: uuid.UUID
) -> None:
    """Take a file off a draft."""
    await parts.attachments.remove(caller.user_id, campaign_id, attachment_id)
