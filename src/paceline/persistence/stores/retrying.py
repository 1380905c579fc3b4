"""Failed emails: why they failed, counted, and letting them wait again."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.database import driver_of
from paceline.persistence.statements import statement

MAX_CHUNK = 2_000  # emails per statement, each of which is locked until its commit
MAX_COUNTED = 100_000  # failed emails looked at for the reasons
MAX_REASONS = 20  # told of, the most frequent first
FIRST = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which failed emails. A code of 0, and an enhanced code of '', mean: without one."""

    campaign_id: uuid.UUID
    reason: str | None = None
    reply_code: int | None = None
    reply_enhanced: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """What came of one statement. `last`: the email to go on behind, if it saw any."""

    seen: int
    last: uuid.UUID | None
    retried: int
    suppressed: int
    doubtful: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedGroup:
    """Failed emails of a campaign with one reason and one reply, and what one such reply said."""

    reason: str
    reply_code: int | None
    reply_enhanced: str | None
    count: int
    example: str | None


# Counted in the index alone (ix_email_jobs_failed), which holds no owner: the campaign tells that.
_GROUPS = text("""
    SELECT g.*, (SELECT j.reply_text FROM email_jobs j
                  WHERE j.campaign_id = :campaign_id AND j.state = 'failed'
                    AND j.failure_reason = g.reason
                    AND j.reply_code IS NOT DISTINCT FROM g.reply_code
                    AND j.reply_enhanced IS NOT DISTINCT FROM g.reply_enhanced
                  LIMIT 1) AS example
      FROM (SELECT f.failure_reason AS reason, f.reply_code, f.reply_enhanced, count(*) AS count
              FROM (SELECT failure_reason, reply_code, reply_enhanced FROM email_jobs
                     WHERE campaign_id = :campaign_id AND state = 'failed'
                       AND EXISTS (SELECT FROM campaigns
                                    WHERE id = :campaign_id AND owner_id = :owner_id)
                     LIMIT :most) f
             GROUP BY 1, 2, 3 ORDER BY count(*) DESC, 1, 2, 3 LIMIT :reasons) g
     ORDER BY g.count DESC, g.reason, g.reply_code, g.reply_enhanced
""")


async def retry(
    session: AsyncSession,
    owner_id: uuid.UUID,
    wanted: Wanted,
    *,
    run: uuid.UUID,
    actor: str,
    after: uuid.UUID = FIRST,
    only_count: bool = False,
) -> Chunk:
    """Let some of these failed emails wait again, the first behind `after`. See sql/retry.sql.

    `run` names the request: none of them is taken up twice under it; `actor` says who asks.
    """
    return await _retried(
        session,
        statement("retry"),
        owner_id,
        wanted.campaign_id,
        wanted.reason,
        wanted.reply_code,
        wanted.reply_enhanced,
        MAX_CHUNK,
        run,
        after,
        only_count,
        actor,
    )


async def retry_one(
    session: AsyncSession,
    owner_id: uuid.UUID,
    email_id: uuid.UUID,
    *,
    run: uuid.UUID,
    actor: str,
) -> Chunk:
    """The same for one email, if it has failed."""
    one = statement("retry").replace("j.campaign_id = $2", "j.email_id = $2")
    values = (owner_id, email_id, None, None, None, 1, run, FIRST, False, actor)
    return await _retried(session, one, *values)


async def retry_these(
    session: AsyncSession,
    owner_id: uuid.UUID,
    ids: Sequence[uuid.UUID],
    *,
    run: uuid.UUID,
    actor: str,
) -> Chunk:
    """The same for those of some emails that have failed, at most `MAX_CHUNK`."""
    these = statement("retry").replace("j.campaign_id = $2", "j.email_id = ANY ($2::uuid[])")
    values = (owner_id, list(ids), None, None, None, MAX_CHUNK, run, FIRST, False, actor)
    return await _retried(session, these, *values)


async def _retried(session: AsyncSession, retry: str, *values: object) -> Chunk:
    row = await (await driver_of(session)).fetchrow(retry, *values)
    assert row is not None, "it counts"
    return Chunk(**dict(row))


async def failed_groups(
    session: AsyncSession, owner_id: uuid.UUID, campaign_id: uuid.UUID
) -> list[FailedGroup]:
    """Why emails of this owner's campaign failed, the most frequent reason first."""
    rows = await session.execute(
        _GROUPS,
        {
            "owner_id": owner_id,
            "campaign_id": campaign_id,
            "most": MAX_COUNTED,
            "reasons": MAX_REASONS,
        },
    )
    return [FailedGroup(**row._mapping) for row in rows]
