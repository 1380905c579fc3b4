"""Deleting a sender: what of its work stands in the way is said first, and cancelled if asked for.

The row stays, for what it has sent refers to it; its secrets go, and nobody sees it any more.
"""

from __future__ import annotations

import uuid

from paceline.auth.auditing import note
from paceline.domain.acts import Act
from paceline.domain.lifecycle import CampaignState, SenderState
from paceline.errors import Conflict, NotFound
from paceline.persistence.database import Database
from paceline.persistence.lanes import signal
from paceline.persistence.moments import NOW
from paceline.persistence.stores import sender_work
from paceline.persistence.stores import senders as store
from paceline.persistence.stores.sender_work import OpenCampaign, SenderWork
from paceline.services.campaigns import Campaigns
from paceline.services.dkim import NO_KEY
from paceline.services.ports import Bell
from paceline.services.versions import ANY, Only, version_of_sender

__all__ = ["OpenCampaign", "SenderRemoval", "SenderWork"]

_SHOWN = 3  # campaigns that a refusal names
_EMPTIED: dict[str, object] = {
    **NO_KEY,
    "smtp_username": None,
    "smtp_password": None,
    "smtp_grant": None,
    "last_check": None,
    "state": SenderState.PAUSED,
    "state_reason": None,
}


class SenderRemoval:
    """Ends senders."""

    def __init__(self, database: Database, bell: Bell, campaigns: Campaigns) -> None:
        self._database = database
        self._bell = bell
        self._campaigns = campaigns

    async def work(self, owner_id: uuid.UUID, sender_id: uuid.UUID) -> SenderWork:
        """What it still has to do. Raises `NotFound`."""
        async with self._database.transaction() as session:
            if await store.sender(session, owner_id, sender_id) is None:
                raise NotFound("there is no such sender")
            return await sender_work.work_of(session, sender_id)

    async def remove(
        self, owner_id: uuid.UUID, sender_id: uuid.UUID, *, cancel: bool = False, only: Only = ANY
    ) -> None:
        """Delete it. Raises `Conflict`, with the reasons, while it has work.

        `cancel`: end that first. What is on its way arrives, and is waited for by asking again.
        """
        if cancel:
            await self._end_work(owner_id, sender_id, only)
        async with self._database.transaction() as session:
            sender = await store.sender(session, owner_id, sender_id, for_update=True)
            if sender is None:
                raise NotFound("there is no such sender")
            only.check(version_of_sender(sender))
            work = await sender_work.work_of(session, sender_id)
            if work:
                raise Conflict(refusal(work))
            gone = {**_EMPTIED, "deleted_at": NOW}
            await store.change_sender(session, owner_id, sender_id, gone)
            told = {"id": sender_id}
            await note(session, owner_id, Act.SENDER_DELETED, sender.from_address, told)

    async def _end_work(self, owner_id: uuid.UUID, sender_id: uuid.UUID, only: Only) -> None:
        async with self._database.transaction() as session:
            # Before anything is cancelled, which cannot be taken back.
            sender = await store.sender(session, owner_id, sender_id)
            if sender is not None:
                only.check(version_of_sender(sender))
        while (work := await self.work(owner_id, sender_id)).campaigns:
            for campaign in work.campaigns:
                if campaign.state is CampaignState.DRAFT:
                    await self._campaigns.discard(owner_id, campaign.id)
                else:
                    await self._campaigns.cancel(owner_id, campaign.id)
        while await self._call_back_some(sender_id):
            pass
        await self._bell.ring([sender_id])

    async def _call_back_some(self, sender_id: uuid.UUID) -> int:
        async with self._database.transaction() as session:
            count = await sender_work.call_back_singles(session, sender_id)
            await signal(session, sender_id)
        return count


def refusal(work: SenderWork) -> str:
    """Why it is not deleted, and what to do."""
    if work.on_their_way and not (work.campaigns or work.single_emails):
        count = work.on_their_way
        return f"{_counted(count, 'email')} on the way: try again in a minute"
    names = [f"{c.name} ({c.state}, {c.to_go:,} to go)" for c in work.campaigns[:_SHOWN]]
    more = len(work.campaigns) - len(names)
    parts = [*names, *([f"{more} more campaigns"] if more else [])]
    if work.single_emails:
        parts.append(_counted(work.single_emails, "single email"))
    return f"this sender still has work: {', '.join(parts)}. Cancel it first, or with `cancel`"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
