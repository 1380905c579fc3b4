"""How much an owner may store. Past it, new things are refused, and what is there is sent."""

from __future__ import annotations

import uuid

from paceline.errors import Conflict
from paceline.persistence.stores import stored as store
from paceline.persistence.stores.session import Session
from paceline.services.rooms import Amounts, Lacking, Rooms
from paceline.settings.shares import ShareSettings


class QuotaUsedUp(Conflict):
    """There is no room for it; the message says what would make some."""


class Quotas:
    """Holds owners to their bounds."""

    def __init__(self, shares: ShareSettings) -> None:
        self._shares = shares
        self._rooms = Rooms((shares.emails, shares.stored_octets), _stored)

    async def refuse_sender(self, session: Session, owner_id: uuid.UUID) -> None:
        """Raises `QuotaUsedUp` where there are as many senders as may be."""
        if await store.count_senders(session, owner_id) >= self._shares.senders:
            raise QuotaUsedUp(f"you have {self._shares.senders:,} senders: delete some first")

    async def take(
        self, session: Session, owner_id: uuid.UUID, *, emails: int = 0, octets: int = 0
    ) -> None:
        """Room for what this transaction has stored already. Raises `QuotaUsedUp`."""
        lacking = await self._rooms.take(session, owner_id, things=emails, octets=octets)
        if lacking is Lacking.THINGS:
            raise QuotaUsedUp(f"you would have more than {self._shares.emails:,} emails here")
        if lacking is Lacking.OCTETS:
            most = self._shares.stored_octets >> 20
            raise QuotaUsedUp(f"your emails and files would be larger than {most:,} MiB together")


async def _stored(session: Session, owner_id: uuid.UUID) -> Amounts:
    there = await store.stored(session, owner_id)
    return there.emails, there.octets
