"""The use cases over a real database, with a bell that notes who was rung."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field

import pytest

from paceline.auth.secretbox import SecretBox
from paceline.delivery import Pool, Security
from paceline.persistence.database import Database
from paceline.persistence.driver import Driver
from paceline.services.campaigns import Campaigns, NewCampaign
from paceline.services.email_queries import EmailQueries
from paceline.services.emails import Emails
from paceline.services.imports import Imports
from paceline.services.queries import Queries
from paceline.services.sender_rules import HostPolicy
from paceline.services.senders import NewSender, Senders
from paceline.services.suppressions import Suppressions
from paceline.services.views import CampaignView, ImportReport, SenderView
from tests.api import QUOTAS, EmptyMeter
from tests.world import World


class NotedBell:
    """A bell for those who want to know that it was rung."""

    def __init__(self) -> None:
        self.rung: list[uuid.UUID] = []

    async def ring(self, sender_ids: Collection[uuid.UUID]) -> None:
        self.rung += sender_ids


class FixedMeter:
    """Counters that hold what the test says."""

    def __init__(self) -> None:
        self.used: dict[uuid.UUID, int] = {}

    async def used_this_hour(
        self, *, senders: Sequence[uuid.UUID] = (), campaigns: Sequence[uuid.UUID] = ()
    ) -> dict[uuid.UUID, int]:
        return {key: self.used[key] for key in (*senders, *campaigns) if key in self.used}


@dataclass
class Desk:
    """All use cases, for one owner."""

    database: Database
    world: World
    senders: Senders
    campaigns: Campaigns
    imports: Imports
    emails: Emails
    queries: Queries
    email_queries: EmailQueries
    suppressions: Suppressions
    bell: NotedBell = field(default_factory=NotedBell)
    meter: FixedMeter = field(default_factory=FixedMeter)

    @property
    def owner(self) -> uuid.UUID:
        return self.world.owner_id

    async def sender(self, **values: object) -> SenderView:
        return await self.senders.create(self.owner, new_sender(**values))

    async def draft(self, **values: object) -> CampaignView:
        if "sender_id" not in values:
            values["sender_id"] = (await self.sender()).id
        return (await self.campaigns.create(self.owner, new_campaign(**values))).campaign

    async def upload(self, campaign_id: uuid.UUID, data: str | bytes) -> ImportReport:
        data = data.encode() if isinstance(data, str) else data
        return await self.imports.add_csv(self.owner, campaign_id, in_chunks(data))


def new_sender(**values: object) -> NewSender:
    given: dict[str, object] = {
        "name": "News",
        "from_address": "news@example.com",
        "smtp_host": "127.0.0.1",
        "smtp_port": 2525,
        "smtp_security": Security.NONE,
    }
    return NewSender(**{**given, **values})  # type: ignore[arg-type]  # a test's shorthand


def new_campaign(**values: object) -> NewCampaign:
    given: dict[str, object] = {"name": "Launch", "subject": "Hello", "text": "Dear reader"}
    return NewCampaign(**{**given, **values})  # type: ignore[arg-type]  # a test's shorthand


async def in_chunks(data: bytes, *, size: int = 1 << 16) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.fixture
async def desk(database: Database, world: World, worker: Driver) -> AsyncIterator[Desk]:
    bell, meter = NotedBell(), FixedMeter()
    pool = Pool(allow_private_hosts=True)
    yield Desk(
        database=database,
        world=world,
        senders=Senders(
            database,
            bell,
            SecretBox(b"k" * 32),
            pool,
            HostPolicy(allow_private_hosts=True),
            allowance=EmptyMeter(),
            quotas=QUOTAS,
        ),
        campaigns=Campaigns(database, bell, QUOTAS),
        imports=Imports(database, bell, QUOTAS),
        emails=Emails(database, bell, QUOTAS),
        queries=Queries(database, meter),
        email_queries=EmailQueries(database, meter),
        suppressions=Suppressions(database),
        bell=bell,
        meter=meter,
    )
    await pool.close()
