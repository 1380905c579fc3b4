"""`/suppressions`: the addresses that must not be mailed."""

from __future__ import annotations

from fastapi import APIRouter

from paceline.api.idempotency import IdempotentRoute
from paceline.api.incoming import SuppressionsIn
from paceline.api.outgoing import AddedOut, PageOut, SuppressionOut
from paceline.api.paging import Cursor, Limit
from paceline.api.parts import Wired
from paceline.api.security import ADMIN_TO_WRITE, Caller

router = APIRouter(prefix="/suppressions", tags=["suppressions"], route_class=IdempotentRoute)


@router.post("", response_model=AddedOut)
async def add(parts: Wired, caller: Caller, body: SuppressionsIn) -> AddedOut:
    """Suppress addresses. It holds from the next email on, also in campaigns under way."""
    return AddedOut(added=await parts.suppressions.add(caller.user_id, body.addresses))


@router.get("", response_model=PageOut[SuppressionOut])
async def list_all(
    parts: Wired, caller: Caller, cursor: Cursor = None, limit: Limit = 50
) -> PageOut[SuppressionOut]:
    """The list, by address."""
    page = await parts.suppressions.list(caller.user_id, cursor=cursor, limit=limit)
    return PageOut[SuppressionOut](
        items=[SuppressionOut.model_validate(item) for item in page.items],
        next_cursor=page.next_cursor,
    )


@router.delete("/{address}", status_code=204, dependencies=[ADMIN_TO_WRITE])
async def remove(parts: Wired, caller: Caller, address: str) -> None:
    """Let an address be mailed again."""
    await parts.suppressions.remove(caller.user_id, address)
