"""Decisions about an email are kept up to a bound, the newest of each email."""

from __future__ import annotations

import pytest

from paceline.domain.decisions import Decision
from paceline.persistence.database import Database
from paceline.persistence.stores import decisions
from tests.world import World


async def test_of_each_email_the_newest_decisions_are_kept(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "MAX_KEPT", 2)
    often, once = await world.emails(await world.sender(), None, 2)
    for email_ids, by in (([often, once], "a"), ([often], "b"), ([often], "c")):
        async with database.transaction() as session:
            await decisions.note(session, email_ids, Decision.CHANGED, decided_by=by)
    async with database.transaction() as session:
        kept = [await decisions.decisions(session, each) for each in (often, once)]
    assert [[one.decided_by for one in each] for each in kept] == [["b", "c"], ["a"]]
    assert await world.fetchval("SELECT count(*) FROM email_decisions") == 3
