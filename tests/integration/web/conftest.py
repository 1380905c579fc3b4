"""The dashboard over a real database, and browsers without a browser to visit it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx2
import pytest
from starlette.types import ASGIApp

from paceline.auth.admission import Admission
from paceline.auth.api_keys import ApiKeys
from paceline.auth.avatars import Avatars
from paceline.auth.preferring import Preferring
from paceline.auth.secretbox import SecretBox
from paceline.auth.sessions import Sessions
from paceline.auth.sign_in import SignInLinks
from paceline.auth.users import Users
from paceline.bootstrap.use_cases import UseCases, use_cases
from paceline.persistence.database import Database
from paceline.persistence.driver import Driver
from paceline.services.administration import Administration
from paceline.services.audit_trail import AuditTrail
from paceline.services.sender_consents import SenderConsents
from paceline.services.sender_dns import SenderDns
from paceline.services.sender_presets import SenderPresets
from paceline.services.senders import HostPolicy
from paceline.services.suppressions import Suppressions
from paceline.settings import RetentionSettings
from paceline.web import CaughtMail, InboxAddress, Parts, create_web
from paceline.web.access import cookie_name
from tests.dns import DnsServer, dns_server
from tests.world import SECRET_KEY, World, settings_for

BASE_URL = "http://localhost:3001"
COOKIE_DOMAIN = "localhost.local"  # what the cookie jar makes of a name without dots
FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
async def world(database: Database) -> World:
    """Without the triggers that tell of changes: nothing here happens behind a test's back."""
    return await World.create(database, watched=False)


@pytest.fixture
async def cases(database_url: str, redis_url: str, worker: Driver) -> AsyncIterator[UseCases]:
    async with use_cases(settings_for(database_url, redis_url)) as cases:
        yield cases


@pytest.fixture
def zones() -> dict[tuple[str, str], Sequence[str]]:
    """What DNS knows; to be filled in by a test."""
    return {}


@pytest.fixture
async def names(zones: dict[tuple[str, str], Sequence[str]]) -> AsyncIterator[DnsServer]:
    async with dns_server(zones) as server:
        yield server


@pytest.fixture
def parts(cases: UseCases, names: DnsServer) -> Parts:
    return Parts(
        queries=cases.queries,
        email_queries=cases.email_queries,
        activities=cases.activities,
        campaigns=cases.campaigns,
        attachments=cases.attachments,
        drafts=cases.drafts,
        draft_files=cases.draft_files,
        kept_in_campaigns=cases.kept_in_campaigns,
        kept_in_drafts=cases.kept_in_drafts,
        imports=cases.imports,
        scheduling=cases.scheduling,
        idempotency=cases.idempotency,
        senders=cases.senders,
        sender_consents=SenderConsents(
            SecretBox(SECRET_KEY),
            HostPolicy(allow_private_hosts=True),
            redirect_uri=BASE_URL + "/senders/connected",
        ),
        sender_dns=SenderDns(cases.database, SecretBox(SECRET_KEY), names.resolver),
        sender_entry=cases.sender_entry,
        sender_presets=SenderPresets(names.resolver, dev_inbox=("127.0.0.1", 1025)),
        sender_removal=cases.sender_removal,
        sender_uses=cases.sender_uses,
        emails=cases.emails,
        bulk=cases.bulk,
        exports=cases.exports,
        retrying=cases.retrying,
        suppressions=Suppressions(cases.database),
        queue_watch=cases.queue_watch,
        administration=Administration(cases.database, cases.bell, cases.campaigns, Admission()),
        audit_trail=AuditTrail(cases.database, kept=RetentionSettings().audit),
        watch=cases.watch,
        api_keys=ApiKeys(cases.database),
        caught_mail=CaughtMail(cases.database),
        preferring=Preferring(cases.database),
        notification_choices=cases.notification_choices,
        sessions=Sessions(cases.database),
        links=SignInLinks(cases.database),
        users=Users(cases.database),
        avatars=Avatars(cases.database, allow_private_hosts=True),
        rates=cases.rates,
        base_url=BASE_URL,
        dev_inbox=InboxAddress(host="127.0.0.1", port=1025),
    )


@asynccontextmanager
async def browser(parts: Parts, app: ASGIApp | None = None) -> AsyncIterator[httpx2.AsyncClient]:
    """Nobody's browser yet: it sends what browsers send, follows nothing, keeps cookies.

    `app`: the process that it talks to, where others talk to the same.
    """
    transport = httpx2.ASGITransport(app or create_web(parts), raise_app_exceptions=False)
    headers = {"Sec-Fetch-Site": "same-origin"}
    async with httpx2.AsyncClient(
        transport=transport, base_url=parts.base_url, headers=headers
    ) as client:
        yield client


@pytest.fixture
async def stranger(parts: Parts) -> AsyncIterator[httpx2.AsyncClient]:
    """Not signed in."""
    async with browser(parts) as client:
        yield client


@pytest.fixture
async def page(parts: Parts, world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """Signed in as the world's owner, with the CSRF token in place, in Berlin."""
    async with browser(parts) as client:
        await sign_in(client, parts, world)
        yield client


@pytest.fixture
async def admin_page(page: httpx2.AsyncClient, world: World) -> httpx2.AsyncClient:
    """The same, for an administrator."""
    await world.execute("UPDATE users SET is_admin = true WHERE id = $1", world.owner_id)
    return page


@pytest.fixture
async def other_page(parts: Parts, world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """Signed in as somebody else."""
    other = replace(world)
    other.owner_id = (await World.create(world.database, watched=False)).owner_id
    async with browser(parts) as client:
        await sign_in(client, parts, other)
        yield client


async def sign_in(client: httpx2.AsyncClient, parts: Parts, world: World) -> None:
    cookie, token = await parts.sessions.start(world.owner_id)
    client.cookies.set(cookie_name(parts.base_url), cookie, domain=COOKIE_DOMAIN)
    client.cookies.set("zone", "Europe/Berlin", domain=COOKIE_DOMAIN)
    client.headers["X-CSRF-Token"] = token


def words(html: str) -> str:
    """What a reader sees: the text without tags, with single blanks."""
    html = re.sub(r"<(script|style|template)\b.*?</\1>", " ", html, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", " ", html)
    return re.sub(r"\s+", " ", text)
