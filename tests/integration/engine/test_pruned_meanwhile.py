"""What is kept no longer is removed beside sending: nothing is lost, repeated, or sent empty."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from datetime import timedelta

import pytest

from paceline.engine.pruner import Pruner
from paceline.persistence.stores import retention as store
from paceline.services.retention import Retention
from paceline.settings import RetentionSettings
from tests.integration.engine.sink import Sink
from tests.world import World

pytestmark = pytest.mark.usefixtures("worker")
EMAILS = 300
AT_ONCE = RetentionSettings(content=timedelta(0), attempts=timedelta(0), audit=timedelta(0))


async def test_emails_go_out_exactly_once_while_what_is_over_is_removed_at_once(
    world: World, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PIECE", 7)
    sender = await world.sender(port=sink.port, max_connections=4)
    campaign = await world.campaign(
        sender, subject="For {{ name }}", text_body="Dear {{ name }} of {{ town }}"
    )
    ids = await world.emails(sender, campaign, EMAILS)
    await world.execute("""UPDATE emails SET fields = '{"town": "Oslo"}'""")
    retention = Retention(world.database, AT_ONCE, walk_every=timedelta(0))
    pruners = [
        asyncio.create_task(Pruner(retention.piece, look_seconds=0.01).run()) for _ in range(2)
    ]
    await world.signal(sender)
    await world.until_all_are(ids, "sent")
    await world.until(lambda: all_removed(world, ids))
    for pruner in pruners:
        pruner.cancel()
    await asyncio.gather(*pruners, return_exceptions=True)
    assert Counter(taken.rcpt_to for taken in sink.taken) == {
        f"reader{n}@example.org": 1 for n in range(EMAILS)
    }
    for taken in sink.taken:
        name = taken.rcpt_to.partition("@")[0]
        body = taken.message.get_payload(decode=True)
        assert isinstance(body, bytes)
        assert body.decode().strip() == f"Dear {name} of Oslo"
    (row,) = await world.fetch("SELECT total, sent, failed, cancelled FROM campaigns")
    assert row == {"total": EMAILS, "sent": EMAILS, "failed": 0, "cancelled": 0}


async def all_removed(world: World, ids: list[uuid.UUID]) -> bool:
    left = await world.fetchval(
        "SELECT count(*) FROM email_jobs j JOIN emails m ON m.id = j.email_id"
        " WHERE content_removed_at IS NULL OR attempts_removed_at IS NULL OR fields <> '{}'"
    )
    kept = await world.fetchval("SELECT count(*) FROM attempts WHERE email_id = ANY ($1)", ids)
    return (left, kept) == (0, 0)
