"""`/status`: what is so right now, and what only a person can mend."""

from __future__ import annotations

from fastapi import APIRouter

from paceline.api.outgoing.status import OverviewOut
from paceline.api.parts import Wired
from paceline.api.security import Caller
from paceline.services.views import Summary

router = APIRouter(prefix="/status", tags=["status"])


@router.get("", response_model=OverviewOut)
async def status(parts: Wired, caller: Caller) -> Summary:
    """Whether emails go out, when the next one goes or until when it is held, and what needs you.

    The same as the dashboard says, in the same time whether there are fifty emails or a million.
    """
    return await parts.queries.summary(caller.user_id)
