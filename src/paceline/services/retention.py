"""Removes what is kept no longer, a piece at a time.

Only what is over: an email that waits, is under way, in doubt or held keeps all that it has. What
an email was, and what its campaign counts, stays; what it said, and the evidence, go.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import asdict
from datetime import timedelta

from paceline.persistence.database import Database
from paceline.persistence.stores import retention as store
from paceline.persistence.stores.session import Session
from paceline.services.idempotency import LIFETIME
from paceline.settings import RetentionSettings

WALK_EVERY = timedelta(days=1)
_FIRST = uuid.UUID(int=0)
_EMAILS = "emails"

log = logging.getLogger(__name__)


class Retention:
    """By the settings of the installation."""

    def __init__(
        self, database: Database, kept: RetentionSettings, *, walk_every: timedelta = WALK_EVERY
    ) -> None:
        self._database = database
        self._kept = {**asdict(kept), "idempotency": LIFETIME}
        self._walk_every = walk_every
        self._round: list[str] = []  # kinds of which there may be more to remove now
        self._failures: list[Exception] = []  # of this round

    async def piece(self) -> bool:
        """Remove a little, if no other worker does; whether there may be more to remove now.

        A kind that fails is put off until nothing is left of the others, and then raised.
        """
        self._round = self._round or [
            kind for kind in store.KINDS if self._kept[kind] is not None
        ] + [_EMAILS]
        for kind in tuple(self._round):
            try:
                is_more = await self._of(kind)
            except Exception as error:  # noqa: BLE001 - of any kind, and told below
                self._failures.append(error)
                is_more = False
            if not is_more:
                self._round.remove(kind)
        if not self._round and self._failures:
            failures, self._failures = self._failures, []
            raise failures[0]
        return bool(self._round)

    async def _of(self, kind: str) -> bool:
        """In a transaction of its own. Whether there may be more."""
        async with self._database.transaction() as session:
            turn = await store.take_turn(session, every=self._walk_every)
            if turn is None:
                return False
            if kind == _EMAILS:
                return await self._walk(session, turn)
            kept = self._kept[kind]
            count = 0 if kept is None else await store.drop(session, kind, turn.now - kept)
        if count:
            log.info("removed what is kept no longer: %d of %s", count, kind)
        return count == store.PIECE

    async def _walk(self, session: Session, turn: store.Turn) -> bool:
        content, attempts = (
            None if kept is None else turn.now - kept
            for kept in (self._kept["content"], self._kept["attempts"])
        )
        if content is None and attempts is None:
            return False
        if turn.reached is None:
            if not turn.is_due:
                return False
            await store.begin_walk(session)
        pruned, is_more = await store.prune_emails(
            session, turn.reached or _FIRST, content_before=content, attempts_before=attempts
        )
        if pruned:
            log.info("removed what is kept no longer of %d emails", pruned)
        return is_more
