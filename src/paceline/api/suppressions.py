"""`/suppressions`: the addresses that must not be mailed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from paceline.api.bodies import TABLES, media_type
from paceline.api.idempotency import IdempotentRoute
from paceline.api.incoming import SuppressionImportQuery, SuppressionsIn
from paceline.api.outgoing.base import PageOut
from paceline.api.outgoing.suppressions import (
    AddedOut,
    RemovalOut,
    SuppressionOut,
    SuppressionReportOut,
)
from paceline.api.paging import Cursor, Limit
from paceline.api.parts import Wired
from paceline.api.recipients import TABLE_BODY
from paceline.api.security import ADMIN_TO_WRITE, Caller
from paceline.persistence.stores.suppressions import Wanted, Why
from paceline.services.suppressions import IMPORTED, checked
from paceline.services.views import SuppressionReport

router = APIRouter(prefix="/suppressions", tags=["suppressions"], route_class=IdempotentRoute)

Search = Annotated[str | None, Query(description="Words of the address; the last may go on")]
Reason = Annotated[str | None, Query(description="`hard_bounce`, `manual` or `import`")]
Note = Annotated[str | None, Query(description="Why; the audit log keeps it")]


@router.post("", response_model=AddedOut)
async def add(parts: Wired, caller: Caller, body: SuppressionsIn) -> AddedOut:
    """Suppress addresses. It holds from the next email on, also in campaigns under way."""
    added = await parts.suppressions.add(
        caller.user_id, body.addresses, note=body.note, actor=caller.actor
    )
    return AddedOut(added=added)


@router.post("/import", response_model=SuppressionReportOut, openapi_extra=TABLE_BODY)
async def add_file(
    request: Request,
    parts: Wired,
    caller: Caller,
    query: Annotated[SuppressionImportQuery, Query()],
) -> SuppressionReport:
    """Suppress the addresses of a file, read as recipients are.

    One that cannot be read suppresses nobody; what was cut short goes on when it is sent again.

    Rows that say that they have opted out are taken like all others.
    """
    if media_type(request.headers) not in TABLES:
        raise HTTPException(415, "send the file as text/csv or application/gzip")
    return await parts.suppressions.add_file(
        caller.user_id,
        request.stream(),
        choices=query.choices(),
        why=Why(reason=IMPORTED, note=query.note, added_by=caller.actor),
    )


@router.get("", response_model=PageOut[SuppressionOut])
async def list_all(
    *,
    parts: Wired,
    caller: Caller,
    q: Search = None,
    reason: Reason = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PageOut[SuppressionOut]:
    """The list, by address, and why each is on it."""
    page = await parts.suppressions.page(
        caller.user_id, wanted=Wanted(q=q, reason=reason), cursor=cursor, limit=limit
    )
    return PageOut[SuppressionOut](
        items=[SuppressionOut.model_validate(item) for item in page.items],
        next_cursor=page.next_cursor,
    )


@router.get("/export", response_class=StreamingResponse)
async def export(
    parts: Wired, caller: Caller, q: Search = None, reason: Reason = None
) -> StreamingResponse:
    """The list as CSV. What a spreadsheet would take for a formula begins with an apostrophe."""
    wanted = checked(Wanted(q=q, reason=reason))
    return StreamingResponse(
        parts.suppressions.export(caller.user_id, wanted=wanted),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="suppressions.csv"'},
    )


@router.get("/removed", response_model=PageOut[RemovalOut])
async def list_removed(parts: Wired, caller: Caller, limit: Limit = 50) -> PageOut[RemovalOut]:
    """What was taken off the list, the latest first: by whom, and why."""
    removed = await parts.suppressions.removed(caller.user_id, limit=limit)
    items = [RemovalOut.model_validate(entry) for entry in removed]
    return PageOut[RemovalOut](items=items, next_cursor=None)


@router.delete("/{address}", status_code=204, dependencies=[ADMIN_TO_WRITE])
async def remove(parts: Wired, caller: Caller, address: str, note: Note = None) -> None:
    """Let an address be mailed again."""
    await parts.suppressions.remove(caller.user_id, address, actor=caller.actor, note=note)
