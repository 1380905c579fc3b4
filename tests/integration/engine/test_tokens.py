"""A sender with an access token, from its row to the wire and back."""

from __future__ import annotations

import base64
import logging
import uuid
from dataclasses import replace

import pytest

from paceline.auth.secretbox import SecretBox, smtp_grant_label, smtp_password_label
from paceline.delivery import Grant
from paceline.persistence.standing import Standing
from paceline.sending.grants import KeptGrants
from paceline.services.sender_grants import sealed
from tests.integration.delivery.sink import Sink
from tests.token_endpoint import TokenEndpoint
from tests.world import SECRET_KEY, World

pytestmark = pytest.mark.usefixtures("worker")

OFFER = ("PIPELINING", "AUTH PLAIN XOAUTH2")
TOKEN = "ya29.some-token"


async def sender_with_token(world: World, port: int) -> uuid.UUID:
    sender = await world.sender(port=port, smtp_auth="xoauth2")
    label = smtp_password_label(owner_id=world.owner_id, sender_id=sender)
    await world.execute(
        "UPDATE senders SET smtp_username = 'ann', smtp_password = $2 WHERE id = $1",
        sender,
        SecretBox(SECRET_KEY).seal(TOKEN, label=label),
    )
    await world.emails(sender, None, ["ada@example.org"])
    await world.signal(sender)
    return sender


async def test_a_worker_logs_in_with_the_token(world: World) -> None:
    async with Sink(extensions=OFFER) as sink:
        sender = await sender_with_token(world, sink.port)

        async def sent() -> bool:
            query = "SELECT state = 'sent' FROM email_jobs WHERE sender_id = $1"
            return bool(await world.fetchval(query, sender))

        await world.until(sent)
    (said,) = sink.heard("AUTH")
    assert TOKEN.encode() in base64.b64decode(said.removeprefix("AUTH XOAUTH2 "))


async def test_a_worker_has_its_token_by_a_grant(world: World) -> None:
    async with TokenEndpoint() as tokens, Sink(extensions=OFFER) as sink:
        sender = await world.sender(port=sink.port, smtp_auth="xoauth2", smtp_username="ann")
        grant = sealed(SecretBox(SECRET_KEY), world.owner_id, sender, tokens.grant)
        await world.execute("UPDATE senders SET smtp_grant = $2 WHERE id = $1", sender, grant)
        ids = await world.emails(sender, None, ["ada@example.org"])
        await world.signal(sender)
        await world.until_all_are(ids, "sent")
    (said,) = sink.heard("AUTH")
    assert b"Bearer token-1" in base64.b64decode(said.removeprefix("AUTH XOAUTH2 "))


async def test_a_refresh_token_that_the_provider_changes_is_kept_sealed(world: World) -> None:
    box = SecretBox(SECRET_KEY)
    async with TokenEndpoint() as tokens, Sink(extensions=OFFER) as sink:
        tokens.answers = [(200, {"access_token": "a", "refresh_token": "refresh-1"})]
        sender = await world.sender(port=sink.port, smtp_auth="xoauth2", smtp_username="ann")
        grant = sealed(box, world.owner_id, sender, tokens.grant)
        await world.execute("UPDATE senders SET smtp_grant = $2 WHERE id = $1", sender, grant)
        ids = await world.emails(sender, None, ["ada@example.org"])
        await world.signal(sender)
        await world.until_all_are(ids, "sent")
    kept = await world.fetchval("SELECT smtp_grant FROM senders WHERE id = $1", sender)
    label = smtp_grant_label(owner_id=world.owner_id, sender_id=sender)
    assert '"refresh_token": "refresh-1"' in box.open(kept, label=label)


async def test_a_refresh_token_that_a_person_has_changed_stays(world: World) -> None:
    box = SecretBox(SECRET_KEY)
    sender = await world.sender(smtp_auth="xoauth2", smtp_username="ann")
    grant = Grant(
        token_endpoint="https://x.invalid/", client_id="c", refresh_token="theirs", of=sender
    )
    stored = sealed(box, world.owner_id, sender, grant)
    await world.execute("UPDATE senders SET smtp_grant = $2 WHERE id = $1", sender, stored)
    grants = KeptGrants(Standing(world.database), box)
    await grants.keep(replace(grant, refresh_token="old"), "old", "rotated")
    assert await world.fetchval("SELECT smtp_grant FROM senders WHERE id = $1", sender) == stored
    await grants.keep(grant, "theirs", "rotated")
    assert await world.fetchval("SELECT smtp_grant FROM senders WHERE id = $1", sender) != stored


async def test_an_expired_token_stops_the_sender_and_fails_nobody(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    acts = {"AUTH": "334 eyJzdGF0dXMiOiI0MDEifQ==", "": "535 5.7.8 token expired"}
    async with Sink(acts=acts, extensions=OFFER) as sink:
        sender = await sender_with_token(world, sink.port)

        async def broken() -> bool:
            query = "SELECT state = 'broken' FROM senders WHERE id = $1"
            return bool(await world.fetchval(query, sender))

        await world.until(broken)
    reason = await world.fetchval("SELECT state_reason FROM senders WHERE id = $1", sender)
    assert "token expired" in reason
    state = await world.fetchval("SELECT state FROM email_jobs WHERE sender_id = $1", sender)
    assert state in ("scheduled", "deferred", "claimed")
    assert TOKEN not in caplog.text + reason
