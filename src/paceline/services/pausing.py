"""Pausing all that is somebody's, senders first: nothing goes out while campaigns follow."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from paceline.domain.lifecycle import SenderState
from paceline.errors import Busy, Conflict, NotFound
from paceline.persistence.database import Database
from paceline.persistence.lanes import signal
from paceline.persistence.stores import people as store
from paceline.persistence.stores import senders
from paceline.services.campaigns import Campaigns
from paceline.services.ports import Bell

TRIES = 3  # of a campaign about which another command is at work, an import say
WHY_PAUSED = "its owner was deactivated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """How many were paused, and how many campaigns were not: their commands are at work still."""

    campaigns: int
    senders: int
    busy: int


async def pause_all(
    database: Database, bell: Bell, campaigns: Campaigns, user_id: uuid.UUID
) -> Paused:
    """Pause what is active of theirs. Each is its own transaction."""
    async with database.transaction() as session:
        active = await store.active_campaigns(session, user_id)
        going = await store.active_senders(session, user_id)
    for sender_id in going:
        async with database.transaction() as session:
            changes = {"state": SenderState.PAUSED, "state_reason": WHY_PAUSED}
            await senders.change_sender(session, user_id, sender_id, changes)
            await signal(session, sender_id)
    await bell.ring(going)
    paused, busy = 0, 0
    for campaign_id in active:
        try:
            paused += await _pause(campaigns, user_id, campaign_id)
        except Busy:
            busy += 1
    return Paused(campaigns=paused, senders=len(going), busy=busy)


async def _pause(campaigns: Campaigns, user_id: uuid.UUID, campaign_id: uuid.UUID) -> bool:
    """False where it was over by then. Raises `Busy` where its turn never came."""
    for left in reversed(range(TRIES)):
        try:
            await campaigns.pause(user_id, campaign_id)
        except Busy:
            if not left:
                raise
        except (Conflict, NotFound):
            return False
        else:
            return True
    return False
