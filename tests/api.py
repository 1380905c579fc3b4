"""The API over a real database, with nobody to ring, called as a client over the wire would."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import uuid
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx2

from paceline.api import ApiParts, create_api
from paceline.auth.api_keys import ApiKeys
from paceline.auth.secretbox import SecretBox
from paceline.delivery import Pool, Resolver
from paceline.limits import Buckets
from paceline.persistence.database import Database
from paceline.services.attachments import Attachments
from paceline.services.bulk import Bulk
from paceline.services.campaigns import Campaigns
from paceline.services.email_queries import EmailQueries
from paceline.services.emails import Emails
from paceline.services.exports import Exports
from paceline.services.idempotency import Idempotency
from paceline.services.imports import Imports
from paceline.services.kept_files import KeptFiles
from paceline.services.persons import Persons
from paceline.services.queries import Queries
from paceline.services.quotas import Quotas
from paceline.services.request_rates import RequestRates
from paceline.services.retrying import Retrying
from paceline.services.sender_dns import SenderDns
from paceline.services.sender_presets import SenderPresets
from paceline.services.sender_removal import SenderRemoval
from paceline.services.sender_rules import HostPolicy
from paceline.services.sender_use import SenderUses
from paceline.services.senders import Senders
from paceline.services.suppressions import Suppressions
from paceline.settings.shares import ShareSettings
from tests.ports import free_port
from tests.world import SECRET_KEY

START_TIMEOUT_SECONDS = 120  # on a machine that has much else to do


class SilentBell:
    """Rings nothing: whoever sends hears of work by other ways, and most tests send nothing."""

    async def ring(self, sender_ids: Collection[uuid.UUID]) -> None:
        """Heard by nobody."""


class EmptyMeter:
    """Nothing was sent in this hour, and there is room for everything."""

    async def take_one(
        self, sender_id: uuid.UUID, *, hourly_limit: int | None, min_delay_ms: int
    ) -> timedelta | None:
        return None

    async def used_this_hour(
        self, *, senders: Sequence[uuid.UUID] = (), campaigns: Sequence[uuid.UUID] = ()
    ) -> dict[uuid.UUID, int]:
        return {}


def senders_over(database: Database, pool: Pool) -> Senders:
    """Senders that may have their servers on this machine."""
    policy = HostPolicy(allow_private_hosts=True)
    return Senders(
        database,
        SilentBell(),
        SecretBox(SECRET_KEY),
        pool,
        policy,
        allowance=EmptyMeter(),
        quotas=QUOTAS,
    )


# Nobody listens there, and that is told at once.
NO_DNS = Resolver(("127.0.0.1", 1), seconds=0.1)
NO_REDIS = "redis://127.0.0.1:1/0"
QUOTAS = Quotas(ShareSettings())  # with room for any test
_MANY = ShareSettings(requests_per_minute=1_000_000, strangers_per_minute=1_000_000)


def api_parts(database: Database, pool: Pool, resolver: Resolver | None = None) -> ApiParts:
    """Everything that the API stands on; without a resolver, DNS does not answer."""
    bell = SilentBell()
    campaigns = Campaigns(database, bell, QUOTAS)
    return ApiParts(
        senders=senders_over(database, pool),
        sender_dns=SenderDns(database, SecretBox(SECRET_KEY), resolver or NO_DNS),
        sender_removal=SenderRemoval(database, bell, campaigns),
        sender_uses=SenderUses(database, EmptyMeter()),
        sender_presets=SenderPresets(resolver or NO_DNS, dev_inbox=("127.0.0.1", 1025)),
        campaigns=campaigns,
        imports=Imports(database, bell, QUOTAS),
        attachments=Attachments(database, QUOTAS),
        kept_in_campaigns=KeptFiles.of_campaigns(database),
        emails=Emails(database, bell, QUOTAS),
        bulk=Bulk(database, bell),
        exports=Exports(database),
        retrying=Retrying(database, bell),
        queries=Queries(database, EmptyMeter()),
        email_queries=EmailQueries(database, EmptyMeter()),
        suppressions=Suppressions(database),
        persons=Persons(database),
        idempotency=Idempotency(database),
        api_keys=ApiKeys(database),
        rates=RequestRates(Buckets(NO_REDIS), _MANY),
    )


@asynccontextmanager
async def http_to(parts: ApiParts) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of nobody's yet; what the application raises, a test hears."""
    transport = httpx2.ASGITransport(app=create_api(parts), raise_app_exceptions=True)
    async with httpx2.AsyncClient(transport=transport, base_url="http://paceline.test") as client:
        yield client


@asynccontextmanager
async def api_process(
    database_url: str, redis_url: str, *, under: Sequence[str] = ()
) -> AsyncIterator[tuple[int, str]]:
    """`paceline api` as in production; its id and its address. `under`: a command that runs it."""
    port = free_port()
    env = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PACELINE_SECRET_KEY": base64.b64encode(SECRET_KEY).decode(),
        "ALLOW_PRIVATE_HOSTS": "yes",
        "PORT": str(port),
        "PACELINE_HOST": "127.0.0.1",
    }
    process = await asyncio.create_subprocess_exec(
        *under, sys.executable, "-P", "-m", "paceline", "api", env=env
    )
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(START_TIMEOUT_SECONDS), httpx2.AsyncClient() as client:
            while not await _answers(client, f"{url}/healthz"):
                assert process.returncode is None, "the API did not start"
                await asyncio.sleep(0.05)
        yield process.pid, url
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _answers(client: httpx2.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).is_success
    except httpx2.TransportError:
        return False
