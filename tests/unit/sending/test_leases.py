"""Leases: counted from when they were asked for, given up before they end."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Collection
from datetime import timedelta

from paceline import clock
from paceline.persistence.database import DatabaseUnavailable
from paceline.persistence.ledger import Attempt
from paceline.sending.leases import Leases, LeaseTerms

TERMS = LeaseTerms(
    lease=timedelta(seconds=10), heartbeat=timedelta(0), guard_margin=timedelta(seconds=3)
)


class Database:
    """Answers heartbeats with what it still considers ours."""

    def __init__(self, *ours: Attempt, away: bool = False, renews: bool = True) -> None:
        self.renews = renews
        self.ours = ours
        self.away = away
        self.beaten = asyncio.Event()

    async def heartbeat(self, attempts: Collection[Attempt]) -> dict[Attempt, bool]:
        self.beaten.set()
        if self.away:
            raise DatabaseUnavailable("away")
        return dict.fromkeys(self.ours, self.renews)


def attempt() -> Attempt:
    return Attempt(uuid.uuid4(), 1)


async def beat(leases: Leases, database: Database) -> None:
    task = asyncio.create_task(leases.run())
    await database.beaten.wait()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_a_lease_is_usable_until_the_guards_margin_before_its_end() -> None:
    leases, one = Leases(Database().heartbeat, terms=TERMS), attempt()
    leases.hold(one, asked_at=clock.boottime() - 6.5)
    assert leases.is_ours(one)
    leases.hold(one, asked_at=clock.boottime() - 7.5)
    assert not leases.is_ours(one)


def test_an_attempt_that_is_over_is_no_longer_ours() -> None:
    leases, one = Leases(Database().heartbeat, terms=TERMS), attempt()
    leases.hold(one, asked_at=clock.boottime())
    leases.drop(one)
    assert not leases.is_ours(one)


async def test_a_heartbeat_renews_what_is_ours_and_gives_up_what_is_not() -> None:
    kept, lost = attempt(), attempt()
    database = Database(kept)
    leases = Leases(database.heartbeat, terms=TERMS)
    leases.hold(kept, asked_at=clock.boottime() - 8)
    leases.hold(lost, asked_at=clock.boottime())
    await beat(leases, database)
    assert leases.is_ours(kept)
    assert not leases.is_ours(lost)


async def test_a_heartbeat_that_fails_renews_nothing() -> None:
    one = attempt()
    database = Database(one, away=True)
    leases = Leases(database.heartbeat, terms=TERMS)
    leases.hold(one, asked_at=clock.boottime() - 8)
    await beat(leases, database)
    assert not leases.is_ours(one)


async def test_a_lease_that_is_ours_but_was_not_renewed_is_kept_as_it_was() -> None:
    one = attempt()
    database = Database(one, renews=False)
    leases = Leases(database.heartbeat, terms=TERMS)
    leases.hold(one, asked_at=clock.boottime() - 6)
    await beat(leases, database)
    assert leases.is_ours(one)
    leases.hold(one, asked_at=clock.boottime() - 8)
    await beat(leases, database)
    assert not leases.is_ours(one)
