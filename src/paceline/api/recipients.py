"""`/recipients/preview`: how a file of recipients would be read, before any of it is stored."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException

from paceline.api.bodies import TABLES, media_type
from paceline.api.incoming import PreviewQuery
from paceline.api.outgoing.tables import PreviewOut
from paceline.api.parts import Wired
from paceline.api.security import Caller, KnownFirst
from paceline.services import import_previews
from paceline.services.views import ImportPreview

# It stores nothing, so that it needs no Idempotency-Key: the same file is read in the same way.
router = APIRouter(prefix="/recipients", tags=["campaigns"], route_class=KnownFirst)

TABLE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/gzip": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.post("/preview", response_model=PreviewOut, openapi_extra=TABLE_BODY)
async def preview(
    request: Request, _parts: Wired, _caller: Caller, query: Annotated[PreviewQuery, Query()]
) -> ImportPreview:
    """Read a file as an import would, and store nothing.

    The answer says how it was read, what is to be asked about it, and who the first recipients are.
    Give the same parameters to `/campaigns/{id}/recipients`, and it is read in the same way.
    """
    if media_type(request.headers) not in TABLES:
        raise HTTPException(415, "send the file as text/csv or application/gzip")
    return await import_previews.preview_upload(
        request.stream(), required=query.field, choices=query.choices()
    )
