"""What stands for all that an owner sees, read for many in one statement.

As long as it is the same, nothing of theirs has been written: a page that shows it still holds.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from paceline.persistence.database import Database
from paceline.persistence.statements import statement
from paceline.persistence.workers import LOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """Of an owner, through one of their sign-ins. `decided` stands for what people decide,
    `moved` for what emails and their lanes do by themselves. `is_moving`: emails of theirs are on
    their way, so that what they see changes whether it was written or not."""

    owner_id: uuid.UUID
    decided: str
    moved: str
    is_moving: bool


async def fingerprints(
    database: Database, sessions: Collection[bytes], *, idle_after: timedelta
) -> Mapping[bytes, Fingerprint]:
    """By the hash of a session's id; a session that is over has none."""
    async with database.driver() as driver:
        rows = await driver.fetch(statement("fingerprints"), list(sessions), idle_after, *LOCK)
    return {
        row["id_hash"]: Fingerprint(
            owner_id=row["owner_id"],
            decided=row["decided"],
            moved=row["moved"],
            is_moving=row["is_moving"],
        )
        for row in rows
    }
