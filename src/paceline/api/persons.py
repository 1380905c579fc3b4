"""`/persons`: all that is kept about one recipient. The address is in the body, which no log has.

Both are for keys of the scope `admin`, and about the caller's own account alone.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from paceline.api.incoming import PersonIn, WipeIn
from paceline.api.outgoing.persons import WipedOut
from paceline.api.parts import Wired
from paceline.api.security import ADMIN_TO_WRITE, Caller, KnownFirst
from paceline.services.persons import Wiped

# Asked twice, the same is told, or nothing is left to wipe: an Idempotency-Key would only keep it.
router = APIRouter(
    prefix="/persons", tags=["persons"], route_class=KnownFirst, dependencies=[ADMIN_TO_WRITE]
)


@router.post("/export")
async def export(parts: Wired, caller: Caller, body: PersonIn) -> dict[str, Any]:
    """All that is kept about an address, as rows: emails, attempts, decisions, suppressions,
    drafts, refused rows of imports, and what the audit log says."""
    return await parts.persons.export(caller.user_id, body.address)


@router.post("/wipe", response_model=WipedOut)
async def wipe(parts: Wired, caller: Caller, body: WipeIn) -> Wiped:
    """Take an address out of everything, for good. Emails stay counted; what waits is cancelled.

    `under_way` emails are leaving just now: ask again in a minute; until then a suppression stays.
    `left` counts the rows, by table, in which you wrote the address yourself, and drafts with a
    list that cannot be read; they are left as they are. Who is not suppressed is mailed again if a
    list that has them is uploaded once more.
    """
    return await parts.persons.wipe(caller.user_id, body.address, suppressed=body.suppression)
