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
# would take for another rollback what is held already, and hold what is new.
AHEAD = 1_000_000_000
PIECE = 2_000  # emails of each kind in one transaction
_LOCK = 0x77697473  # "wits"

_WHICH = text("SELECT id FROM installation")
_BEAT = text("""
    UPDATE installation SET beat = beat + 1, beat_at = clock_timestamp()
     WHERE singleton AND beat >= :known AND held_from IS NULL
    RETURNING id, beat
""")
_BEGIN = text("""
    UPDATE installation SET held_from = coalesce(held_from, beat_at) WHERE singleton
    RETURNING held_from, clock_timestamp() AS until
""")
_END = text("""
    UPDATE installation SET beat = greatest(beat, :known) + :ahead, beat_at = clock_timestamp(),
                            held_from = NULL
     WHERE singleton
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """Of which installation, and how far it is."""

    installation: uuid.UUID
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """What came of a database that went back: so many emails are held, of the time since."""

    since: datetime
    emails: int


async def installation_of(database: Database) -> uuid.UUID:
    """Which it is; a copy of its database has the same."""
    async with database.transaction() as session:
        found: uuid.UUID = (await session.execute(_WHICH)).scalar_one()
    return found


async def beat(database: Database, *, known: int) -> Beat | None:
    """Go one on. None when the database has gone back behind `known`, or is being held."""
    async with database.transaction() as session:
        row = (await session.execute(_BEAT, {"known": known})).one_or_none()
    return None if row is None else Beat(installation=row.id, number=row.beat)


async def hold_back(database: Database, *, known: int) -> HeldBack:
    """Put in doubt all that may have been sent since the database was as it is now, in pieces.

    May be broken off and begun again; while it is at it nothing is claimed.
    """
    async with database.transaction() as session:
        since, until = (await session.execute(_BEGIN)).one()
    piece = {
        "until": until,
        "run": uuid.uuid4(),
        "most": PIECE,
        "leap": LEAP,
        "told": f"the database went back to {since:%Y-%m-%d %H:%M} UTC; it may have left since",
    }
    emails = 0
    while True:
        async with database.transaction() as session:
            await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            held = (await session.execute(text(statement("hold_back")), piece)).scalar_one()
            if not held:
                await session.execute(_END, {"known": known, "ahead": AHEAD})
                return HeldBack(since=since, emails=emails)
        emails += held
