"""Removes what is kept no longer, a piece at a time.

Only what is over: an email that waits, is under way, in doubt or held keeps all that it has. What
an email was, and what its campaign counts, stays; what it said, and the evidence, go.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import asdict
from datetime import datetime, timedelta

from paceline import clock
from paceline.persistence.database import Database
from paceline.persistence.stores import retention as store
from paceline.persistence.stores.session import Session
from paceline.services.idempotency import LIFETIME
from paceline.settings import RetentionSettings

WALK_EVERY = timedelta(days=1)
_FIRST = uuid.UUID(int=0)

log = logging.getLogger(__name__)


class Retention:
    """By the settings of the installation."""

    def __init__(
        self, database: Database, kept: RetentionSettings, *, walk_every: timedelta = WALK_EVERY
    ) -> None:
        self._database = database
        self._kept = {**asdict(kept), "idempotency": LIFETIME}
        self._walk_every = walk_every

    async def piece(self) -> bool:
        """Remove a little, if no other worker does; whether there may be more to remove now."""
        now = clock.now()
        before = {kind: now - kept for kind, kept in self._kept.items() if kept is not None}
        async with self._database.transaction() as session:
            turn = await store.take_turn(session, every=self._walk_every)
            if turn is None:
                return False
            dropped = {
                kind: await store.drop(session, kind, before[kind])
                for kind in store.KINDS
                if kind in before
            }
            content, attempts = before.get("content"), before.get("attempts")
            goes_on = (content or attempts) is not None and await self._walk(
                session, turn, content=content, attempts=attempts
            )
        for kind, count in dropped.items():
            if count:
                log.info("removed what is kept no longer: %d of %s", count, kind)
        return goes_on or store.PIECE in dropped.values()

    async def _walk(
        self,
        session: Session,
        turn: tuple[bool, uuid.UUID | None],
        *,
        content: datetime | None,
        attempts: datetime | None,
    ) -> bool:
        is_due, reached = turn
        if reached is None:
            if not is_due:
                return False
            await store.begin_walk(session)
        pruned, is_more = await store.prune_emails(
            session, reached or _FIRST, content_before=content, attempts_before=attempts
        )
        if pruned:
            log.info("removed what is kept no longer of %d emails", pruned)
        return is_more
