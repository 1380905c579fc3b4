"""A sender as a person enters it: one that has never worked is mended by the next try, not doubled.

Whoever comes back to the form after a failed log-in, with a new form or none of its tokens, means
the sender that is there already.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from paceline.domain.lifecycle import SenderState
from paceline.persistence.database import Database
from paceline.persistence.stores import sender_work
from paceline.services.ports import Settle
from paceline.services.senders import NewSender, SenderPatch, Senders
from paceline.services.views import SenderView

_EVER = datetime.fromtimestamp(0, UTC)


class SenderEntry:
    """For forms. The API and the command line add what they are told to add."""

    def __init__(self, database: Database, senders: Senders) -> None:
        self._database = database
        self._senders = senders

    async def enter(
        self,
        owner_id: uuid.UUID,
        new: NewSender,
        *,
        reserved_id: uuid.UUID | None = None,
        settle: Settle[SenderView] | None = None,
    ) -> tuple[SenderView, bool]:
        """The sender, and whether it was added now. Raises `InvalidInput`."""
        before = await self._never_worked(owner_id, new.from_address)
        if before is None:
            made = await self._senders.create(owner_id, new, reserved_id=reserved_id, settle=settle)
            return made, True
        values = {name: getattr(new, name) for name in NewSender.__slots__}
        return await self._senders.patch(owner_id, before.id, SenderPatch(**values)), False

    async def _never_worked(self, owner_id: uuid.UUID, address: str) -> SenderView | None:
        """The sender of this address that could not log in, and has sent nothing yet."""
        meant = address.strip().lower()
        for sender in await self._senders.list(owner_id):
            is_meant = sender.from_address.lower() == meant and sender.state is SenderState.ACTIVE
            has_failed = sender.last_check is not None and not sender.last_check.ok
            if is_meant and has_failed and not await self._has_sent(sender.id):
                return sender
        return None

    async def _has_sent(self, sender_id: uuid.UUID) -> bool:
        async with self._database.transaction() as session:
            return await sender_work.used_since(session, sender_id, _EVER) > 0
