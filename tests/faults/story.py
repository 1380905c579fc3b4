"""What happened to the emails that a verdict is about, as far as anybody has written it down."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from tests.world import World

_ATTEMPTS = """
    SELECT attempt, outcome, phase, reply_code, reply_text, worker_run, dot_at, ended_at
      FROM attempts WHERE email_id = $1 ORDER BY attempt
"""
_HISTORY = "SELECT at, attempt, was, is_now FROM history WHERE email_id = $1 ORDER BY id"
_EMAIL = """
    SELECT m.message_id, m.address, j.* FROM emails m JOIN email_jobs j ON j.email_id = m.id
     WHERE m.id = $1
"""


async def stories(
    world: World, entries: Sequence[Mapping[str, Any]], emails: Sequence[UUID]
) -> str:
    """One paragraph for each: its row, its attempts, its states, and what the sink saw of it."""
    told = [[line async for line in _story(world, entries, email)] for email in emails]
    return "\n\n".join("\n".join(lines) for lines in told)


async def _story(
    world: World, entries: Sequence[Mapping[str, Any]], email: UUID
) -> AsyncIterator[str]:
    (row,) = await world.fetch(_EMAIL, email)
    yield f"{row['address']}: {row}"
    for attempt in await world.fetch(_ATTEMPTS, email):
        yield f"  attempt: {attempt}"
    for change in await world.fetch(_HISTORY, email):
        states = f"{change['was']} → {change['is_now']}"
        yield f"  {change['at']:%H:%M:%S.%f} attempt {change['attempt']}: {states}"
    for entry in entries:
        if row["message_id"] == entry.get("id") or row["address"] == entry.get("rcpt"):
            yield f"  sink: {dict(entry)}"
