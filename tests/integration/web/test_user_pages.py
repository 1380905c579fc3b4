"""The users' page, for administrators: inviting, deactivating, signing somebody out."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx2
import pytest

from paceline.auth.admission import LOCAL_ISSUER, OWNER_SUBJECT
from paceline.domain.scopes import Scope
from paceline.persistence.stores import campaigns
from paceline.services import pausing
from paceline.web import Parts
from tests.integration.web.conftest import FRAGMENT, browser, sign_in, words
from tests.world import World

WAITING = """
    SELECT query_start FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event = 'advisory'
"""


async def other(world: World) -> World:
    """Somebody else, with rows of their own."""
    theirs = replace(world)
    theirs.owner_id = (await World.create(world.database, watched=False)).owner_id
    email = f"{theirs.owner_id.hex[:8]}@example.com"
    await world.execute("UPDATE users SET email = $2 WHERE id = $1", theirs.owner_id, email)
    return theirs


async def state_of(world: World, table: str, row: uuid.UUID) -> str:
    return str((await world.fetch(f"SELECT state FROM {table} WHERE id = $1", row))[0]["state"])


@pytest.mark.parametrize(
    "path",
    ["invitations", "invitations/{}/revoke", "{}/deactivate", "{}/reactivate", "{}/sign-out"],
)
async def test_nobody_but_an_administrator_does_anything_here(
    page: httpx2.AsyncClient, stranger: httpx2.AsyncClient, world: World, path: str
) -> None:
    assert (await page.get("/users")).status_code == 403
    assert "/users" not in (await page.get("/")).text
    assert (await stranger.get("/users")).headers["Location"] == "/login?next=/users"
    where = f"/users/{path.format((await other(world)).owner_id)}"
    assert (await page.post(where, data={"email": "x@example.com"})).status_code == 403
    assert (await stranger.post(where, data={"email": "x@example.com"})).status_code in (303, 403)
    gone = await world.fetch("SELECT 1 FROM users WHERE disabled_at IS NOT NULL")
    assert not gone


async def test_everybody_is_listed_with_what_there_is_of_theirs(
    admin_page: httpx2.AsyncClient, parts: Parts, world: World
) -> None:
    theirs = await other(world)
    await world.execute("UPDATE users SET name = 'Grace <b>H' WHERE id = $1", theirs.owner_id)
    await parts.sessions.start(theirs.owner_id)
    await parts.api_keys.create_for(theirs.owner_id, "k", scope=Scope.SEND, expires_at=None)
    html = (await admin_page.get("/users")).text
    assert "Grace &lt;b&gt;H" in html
    text = words(html)
    assert "1 browser · 1 API key" in text
    assert "2 users" in text
    assert "Administrator" in text
    found = words((await admin_page.get("/users?q=grace", headers=FRAGMENT)).text)
    assert "1 user" in found
    assert "Nothing matches" in (await admin_page.get("/users?q=nobody%25", headers=FRAGMENT)).text


async def test_an_administrator_makes_a_link_for_somebody_and_sees_it_once(
    admin_page: httpx2.AsyncClient, parts: Parts
) -> None:
    made = await admin_page.post("/users/invitations", data={"email": "grace@example.com"})
    assert made.status_code == 201
    link = re.search(r"/auth/invitation\?token=([\w-]+)", made.text)
    assert link
    later = await admin_page.get("/users")
    assert link[1] not in later.text
    assert "Invited" in words(later.text)
    async with browser(parts) as grace:
        assert "You are invited" in words((await grace.get(link[0])).text)
        assert (await grace.post("/auth/link", data={"token": link[1]})).status_code == 303
        assert "grace@example.com" in words((await grace.get("/account")).text)
        refused = await grace.post("/users/invitations", data={"email": "x@example.com"})
        assert refused.status_code == 403
    assert "None. A link that was used" in words((await admin_page.get("/users")).text)


async def test_a_revoked_invitation_opens_nothing(
    admin_page: httpx2.AsyncClient, parts: Parts, world: World
) -> None:
    made = await admin_page.post("/users/invitations", data={"email": "grace@example.com"})
    token = re.search(r"token=([\w-]+)", made.text)
    revoke = re.search(r"/users/invitations/[0-9a-f-]+/revoke", made.text)
    assert token
    assert revoke
    assert (await admin_page.post(revoke[0])).headers["Location"] == "/users"
    assert (await admin_page.post(revoke[0])).status_code == 404
    async with browser(parts) as grace:
        assert (await grace.post("/auth/link", data={"token": token[1]})).status_code == 410
    acts = await world.fetch("SELECT action FROM audit_log WHERE action LIKE 'person.%'")
    assert {row["action"] for row in acts} == {"person.invited", "person.invitation_revoked"}


async def test_what_is_no_address_is_said_at_the_field(admin_page: httpx2.AsyncClient) -> None:
    answer = await admin_page.post("/users/invitations", data={"email": "grace@"})
    assert answer.status_code == 422
    assert 'id="email-note"' in answer.text
    assert 'value="grace@"' in answer.text


@asynccontextmanager
async def at_work(world: World, campaign: uuid.UUID) -> AsyncIterator[None]:
    """Another command about it, an import say."""
    async with world.database.transaction() as session:
        await campaigns.take_turns(session, campaign)
        yield


async def test_a_campaign_at_work_is_paused_when_its_turn_comes(
    admin_page: httpx2.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaigns, "PATIENCE_SECONDS", 1)
    monkeypatch.setattr(pausing, "TRIES", 1_000)
    theirs = await other(world)
    campaign = await theirs.campaign(await theirs.sender())
    tries: set[object] = set()
    async with at_work(world, campaign), asyncio.timeout(60):
        asked = asyncio.create_task(admin_page.post(f"/users/{theirs.owner_id}/deactivate"))
        while len(tries) < 2:
            tries |= {row["query_start"] for row in await world.fetch(WAITING)}
    assert (await asked).headers["Location"] == "/users"
    assert await state_of(world, "campaigns", campaign) == "paused"
    assert "1 campaign paused" in words((await admin_page.get("/users")).text)


async def test_a_campaign_that_stays_at_work_is_not_called_paused_and_its_sender_is(
    admin_page: httpx2.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaigns, "PATIENCE_SECONDS", 1)
    monkeypatch.setattr(pausing, "TRIES", 2)
    theirs = await other(world)
    campaign = await theirs.campaign(sender := await theirs.sender())
    async with at_work(world, campaign):
        await admin_page.post(f"/users/{theirs.owner_id}/deactivate")
    assert await state_of(world, "campaigns", campaign) == "active"
    assert await state_of(world, "senders", sender) == "paused"
    said = words((await admin_page.get("/users")).text)
    assert "1 campaign at work could not be paused" in said
    assert "campaign paused" not in said


async def test_whoever_is_deactivated_is_out_at_once_and_what_is_theirs_is_paused(
    admin_page: httpx2.AsyncClient, parts: Parts, world: World
) -> None:
    theirs = await other(world)
    sender = await theirs.sender()
    campaign = await theirs.campaign(sender)
    emails = await theirs.emails(sender, campaign, 3)
    mine = await world.campaign(await world.sender())
    key = await parts.api_keys.create_for(theirs.owner_id, "k", scope=Scope.SEND, expires_at=None)
    link = await parts.links.mint(theirs.owner_id)
    async with browser(parts) as their_page:
        await sign_in(their_page, parts, theirs)
        where = f"/users/{theirs.owner_id}"
        done = await admin_page.post(f"{where}/deactivate")
        assert done.headers["Location"] == "/users"
        assert (await their_page.get("/")).status_code == 303
        assert await parts.api_keys.authenticate(key) is None
        assert (await their_page.post("/auth/link", data={"token": link})).status_code == 410
        assert await state_of(world, "campaigns", campaign) == "paused"
        assert await state_of(world, "senders", sender) == "paused"
        assert await state_of(world, "campaigns", mine) == "active"
        waiting = await world.fetch("SELECT email_id FROM email_jobs WHERE state = 'scheduled'")
        assert {row["email_id"] for row in waiting} >= set(emails)
        assert "Deactivated" in words((await admin_page.get("/users")).text)
        again = await parts.links.mint(theirs.owner_id)
        refused = await their_page.post("/auth/link", data={"token": again})
        assert refused.status_code == 403
        assert "This account was closed" in words(refused.text)
        await admin_page.post(f"{where}/reactivate")
        assert await parts.api_keys.authenticate(key) is not None
        assert (await their_page.post("/auth/link", data={"token": again})).status_code == 303
    assert await state_of(world, "campaigns", campaign) == "paused"
    told = await world.fetch(
        "SELECT action, detail->>'campaigns' AS campaigns FROM audit_log "
        "WHERE owner_id = $1 AND actor_id = $2 ORDER BY id",
        theirs.owner_id,
        world.owner_id,
    )
    assert [row["action"] for row in told] == [
        *("person.deactivated", "campaign.paused", "person.reactivated")
    ]
    assert told[0]["campaigns"] == "1"
    refusals = await world.fetch("SELECT 1 FROM audit_log WHERE action = 'sign_in.refused'")
    assert len(refusals) == 1


async def test_an_administrator_cannot_lock_themselves_out_nor_the_owner(
    admin_page: httpx2.AsyncClient, world: World
) -> None:
    myself = await admin_page.post(f"/users/{world.owner_id}/deactivate")
    assert myself.status_code == 409
    assert "cannot deactivate yourself" in words(myself.text)
    owner = await other(world)
    await world.execute(
        "UPDATE users SET issuer = $2, subject = $3 WHERE id = $1",
        *(owner.owner_id, LOCAL_ISSUER, OWNER_SUBJECT),
    )
    assert (await admin_page.post(f"/users/{owner.owner_id}/deactivate")).status_code == 409
    assert (await admin_page.post(f"/users/{uuid.uuid4()}/deactivate")).status_code == 404
    assert not await world.fetch("SELECT 1 FROM users WHERE disabled_at IS NOT NULL")


async def test_somebody_is_signed_out_everywhere_and_may_come_back(
    admin_page: httpx2.AsyncClient, parts: Parts, world: World
) -> None:
    theirs = await other(world)
    cookie, _ = await parts.sessions.start(theirs.owner_id)
    done = await admin_page.post(f"/users/{theirs.owner_id}/sign-out")
    assert done.headers["Location"] == "/users"
    assert await parts.sessions.resolve(cookie) is None
    assert (await admin_page.get("/users")).status_code == 200
    assert await parts.sessions.start(theirs.owner_id)


async def test_a_deactivated_person_is_not_invited_again_by_mistake(
    admin_page: httpx2.AsyncClient, world: World
) -> None:
    await admin_page.post("/users/invitations", data={"email": "grace@example.com"})
    await world.execute("UPDATE users SET disabled_at = now() WHERE email = 'grace@example.com'")
    answer = await admin_page.post("/users/invitations", data={"email": "grace@example.com"})
    assert answer.status_code == 422
    assert "reactivate them first" in words(answer.text)


async def test_somebody_who_signs_in_by_a_provider_too_is_listed_by_both(
    admin_page: httpx2.AsyncClient, world: World
) -> None:
    theirs = await other(world)
    await world.execute("UPDATE users SET issuer = 'local' WHERE id = $1", theirs.owner_id)
    await world.execute(
        "INSERT INTO connected_identities (issuer, subject, user_id) VALUES"
        " ('https://id.test', $2, $1), ('https://accounts.google.com', $2, $1)",
        theirs.owner_id,
        theirs.owner_id.hex,
    )
    listed = words((await admin_page.get("/users")).text)
    assert "by link and Google and https://id.test" in listed
