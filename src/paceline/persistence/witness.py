"""How far the database has come, and what is held when it has gone back.

A backup that is restored, or a snapshot that a provider goes back to, says of emails that they wait
which were sent since. So the database counts *beats*, and what has seen a greater one than it says
(a worker, Redis, the home: `engine/witness.py`) knows that it went back. Then nothing is claimed
until all that may have been sent since is in doubt, for a person to settle.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from paceline.persistence.database import Database
from paceline.persistence.statements import statement

PHASE = "restored"  # of the attempts that hold them
LEAP = 1_000  # attempts: more than any email had in the time that is lost
# Beats, further than anybody can have seen: a witness that was not heard, as none is by a restore,
# would take for another rollback what is held already, and hold what is new. To the clock's
# microseconds at least, which no later restore of the same backup repeats; Lua counts in doubles.
AHEAD = 1_000_000
PIECE = 5_000  # jobs that are looked at in one transaction
BEAT_AGE_SECONDS = 0.9  # the database goes on at most that often, however many workers there are
_LOCK = 0x77697473  # "wits"

_WHICH = text("SELECT id FROM installation")
# One of the workers writes, the others read. A beat of the future is of a clock that was set back.
_BEAT = text("""
    WITH gone_on AS (
        UPDATE installation SET beat = beat + 1, beat_at = clock_timestamp()
         WHERE singleton AND beat >= :known AND held_from IS NULL
           AND beat_at NOT BETWEEN clock_timestamp() - make_interval(secs => :age)
                               AND clock_timestamp()
        RETURNING id, beat)
    SELECT id, beat FROM gone_on
     UNION ALL
    SELECT id, beat FROM installation
     WHERE singleton AND beat >= :known AND held_from IS NULL
       AND NOT EXISTS (SELECT 1 FROM gone_on)
""")
# Where a hold has begun already, it is gone on with, unless the database has gone back into it.
# No row: another has ended it.
_BEGIN = text("""
    UPDATE installation
       SET held_from = coalesce(held_from, beat_at),
           held_until = CASE WHEN beat < :known OR held_until IS NULL THEN clock_timestamp()
                             ELSE held_until END,
           beat = CASE WHEN beat < :known OR held_until IS NULL
                       THEN greatest(greatest(beat, :known) + :ahead,
                                     (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
                       ELSE beat END
     WHERE singleton AND (held_from IS NOT NULL OR beat < :known)
    RETURNING held_from, held_until
""")
_HOLD = text("UPDATE installation SET held_from = :since, held_until = NULL WHERE singleton")
_GOES_ON = text("SELECT held_until = :until FROM installation WHERE singleton")
_END = text("""
    UPDATE installation
       SET held_from = NULL, held_until = NULL, beat = beat + 1, beat_at = clock_timestamp()
     WHERE singleton
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """Of which installation, and how far it is."""

    installation: uuid.UUID
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """What came of a database that went back: of the time since, we hold so many emails."""

    since: datetime
    emails: int


async def installation_of(database: Database) -> uuid.UUID:
    """Which it is; a copy of its database has the same."""
    async with database.transaction() as session:
        found: uuid.UUID = (await session.execute(_WHICH)).scalar_one()
    return found


async def beat(database: Database, *, known: int) -> Beat | None:
    """How far it is, going one on where nobody has just done so.

    None when the database has gone back behind `known`, or is being held.
    """
    values = {"known": known, "age": BEAT_AGE_SECONDS}
    async with database.transaction() as session:
        row = (await session.execute(_BEAT, values)).one_or_none()
    return None if row is None else Beat(installation=row.id, number=row.beat)


async def hold_from(database: Database, since: datetime) -> None:
    """Note that what may have been sent since then is to be held. Nothing is claimed before."""
    async with database.transaction() as session:
        await session.execute(_HOLD, {"since": since})


async def hold_back(database: Database, *, known: int) -> HeldBack | None:
    """Put in doubt all that may have been sent since the database was as it is now, in pieces.

    May be broken off and begun again, and done by several at once: what is held already is left
    alone, and the first to come to the end of all jobs ends it for everybody. Until then nothing
    is claimed. None: there is nothing to hold (any more).
    """
    async with database.transaction() as session:
        begun = (await session.execute(_BEGIN, {"known": known, "ahead": AHEAD})).one_or_none()
    if begun is None:
        return None
    since, until = begun
    piece = {
        "after": uuid.UUID(int=0),
        "until": until,
        "run": uuid.uuid4(),
        "most": PIECE,
        "leap": LEAP,
        "told": f"the database went back to {since:%Y-%m-%d %H:%M} UTC; it may have left since",
    }
    emails = 0
    while piece["after"] is not None:
        async with database.transaction() as session:
            await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            if not (await session.execute(_GOES_ON, {"until": until})).scalar_one():
                break  # another has ended it, and new mail goes out
            held, last = (await session.execute(text(statement("hold_back")), piece)).one()
            if last is None:
                await session.execute(_END)
        piece["after"] = last
        emails += held
    return HeldBack(since=since, emails=emails)
