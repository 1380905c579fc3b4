"""Which emails somebody could see at a moment, by PostgreSQL's own snapshots.

An id or a time does not tell: an import makes its emails one by one and shows all of them at its
end. Whoever has changed an email since has made it another one.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_SNAPSHOT = re.compile(r"[0-9]{1,19}:[0-9]{1,19}:(?:[0-9]{1,19}(?:,[0-9]{1,19}){0,999})?")

# A row names the lower half of its transaction's number. The whole is the last one with that half.
_SEEN = text("""
    WITH now AS (
        SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next)
    SELECT e.id FROM emails e CROSS JOIN now
     WHERE e.id = ANY (:ids)
       AND pg_visible_in_snapshot(
               (now.next - ((now.next - e.xmin::text::bigint) & 4294967295))::text::xid8,
               CAST(CAST(:snapshot AS text) AS pg_snapshot))
""")


async def snapshot(session: AsyncSession) -> str:
    """What stands for all that can be seen now."""
    return str((await session.execute(text("SELECT pg_current_snapshot()::text"))).scalar_one())


async def seen(
    session: AsyncSession, snapshot: str, ids: Sequence[uuid.UUID]
) -> frozenset[uuid.UUID]:
    """Those of these emails that were there then, as they are now."""
    rows = await session.execute(_SEEN, {"ids": list(ids), "snapshot": snapshot})
    return frozenset(rows.scalars())


def is_snapshot(text: str) -> bool:
    """Whether this can be one: it may have been on a page, and in anybody's hands."""
    if not _SNAPSHOT.fullmatch(text):
        return False
    least, end, under_way = text.split(":")
    numbers = [int(number) for number in under_way.split(",") if number]
    in_order = numbers == sorted(set(numbers)) and int(end) < 2**63
    return (
        in_order
        and 0 < int(least) <= int(end)
        and all(int(least) <= number < int(end) for number in numbers)
    )
