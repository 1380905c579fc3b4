"""What the keeper does in the ledger.

It takes back what dead workers held, cancels what was left of a campaign, and tries doubtful emails
again where that is right.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from paceline.domain.lifecycle import JobState
from paceline.persistence.database import Database
from paceline.persistence.statements import statement

MAX_RECOVER = 1_000
MAX_CANCEL = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """An email taken back from a worker that let its lease run out."""

    email_id: uuid.UUID
    state: JobState
    sender_id: uuid.UUID


async def recover_expired(database: Database) -> list[Recovered]:
    """Take back what dead workers held, and signal the lanes concerned."""
    async with database.driver() as driver:
        rows = await driver.fetch(statement("recover"), MAX_RECOVER)
    return [
        Recovered(
            email_id=row["email_id"], state=JobState(row["state"]), sender_id=row["sender_id"]
        )
        for row in rows
    ]


async def cancel_stragglers(database: Database, *, within: timedelta) -> int:
    """Cancel what still waits of campaigns that were cancelled within this time; how many."""
    async with database.driver() as driver:
        rows = await driver.fetch(
            statement("cancel_stragglers"), MAX_CANCEL, within.total_seconds()
        )
    return len(rows)


async def resend_doubtful(
    database: Database,
    *,
    grace: timedelta,
    deduplicating_hosts: Collection[str],
    remembered_for: timedelta,
    known_beat: int,
) -> set[uuid.UUID]:
    """Try doubtful emails again where that is right; the senders concerned.

    Right is: after `grace`, where the campaign's policy is `resend`; soon, where the server is one
    of `deduplicating_hosts`, was first given the email within `remembered_for`, and is still the
    sender's, by the same account. Never where the database is behind `known_beat`.
    """
    async with database.driver() as driver:
        rows = await driver.fetch(
            statement("resend_doubtful"),
            grace.total_seconds(),
            MAX_RECOVER,
            list(deduplicating_hosts),
            remembered_for.total_seconds(),
            known_beat,
        )
    return {row["sender_id"] for row in rows}
