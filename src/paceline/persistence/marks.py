"""The ledger's two marks that are group-committed over all lanes of a process.

An email that was taken is recorded in the transaction that writes the next ones ahead. That halves
the commits of a sender that keeps its connections busy. Nobody waits for such a record; but before
each dot somebody waits for a write-ahead, so that an outcome in the way of one goes by itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from paceline.persistence.database import DatabaseUnavailable
from paceline.persistence.group_commit import GroupCommit
from paceline.persistence.ledger import Departure, Ledger, Outcome


class Marks:
    """Outcomes insist until they are on disk. Write-aheads do not: their callers are told."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.write_ahead: GroupCommit[Departure, bool] = GroupCommit(self._mark, insist=False)
        self.record: GroupCommit[Outcome, bool] = GroupCommit(
            ledger.record,
            insist=True,
            unhindered=ledger.unhindered,
            rides=lambda outcome: outcome.is_taken,
        )

    async def _mark(self, departures: Sequence[Departure]) -> list[bool]:
        ours: list[bool] = []
        over: set[uuid.UUID] = set()

        async def together(taken: Sequence[Outcome]) -> list[bool | None]:
            nonlocal ours, over
            over = {outcome.attempt.email_id for outcome in taken}
            ours, recorded = await self._ledger.mark(departures, taken=taken)
            return [is_recorded or None for is_recorded in recorded]

        try:
            await self.record.carry(together)
        except DatabaseUnavailable:
            if not over:
                raise
            # What was taken is not recorded yet, but known: nothing more of it is to leave.
            leaving = [d for d in departures if d.attempt.email_id not in over]
            answers = iter(await self._ledger.write_ahead(leaving) if leaving else [])
            ours = [d.attempt.email_id not in over and next(answers) for d in departures]
        return ours
