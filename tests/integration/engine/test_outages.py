"""PostgreSQL goes away and comes back, or we stumble: nothing is lost, nothing is sent twice."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from paceline.bootstrap.worker import running_worker
from paceline.persistence.ledger import Ledger
from paceline.sending.blackbox import BlackBox
from paceline.sending.content import Content, Message
from paceline.settings import Settings
from tests.integration.engine.sink import Sink
from tests.world import World, settings_for


async def test_an_outage_of_the_database_between_sending_and_recording_loses_no_outcome(
    world: World, settings: Settings, sink: Sink, black_boxes: Path
) -> None:
    """Every connection is cut while emails are on their way, again and again."""
    async with running_worker(settings, black_boxes=black_boxes) as running:
        sender = await world.sender(port=sink.port)
        ids = await world.emails(sender, None, 400)
        await world.signal(sender)
        for milestone in (40, 120, 240, 320):
            await sink.wait_for(milestone)
            await cut_all_connections(world)
        await world.until_all_are(ids, "sent")
        await running.stop()
    assert set(Counter(t.rcpt_to for t in sink.taken).values()) == {1}


async def test_a_worker_that_finds_the_database_away_waits_and_then_tells_what_a_dead_one_knew(
    world: World, settings: Settings, sink: Sink, black_boxes: Path
) -> None:
    sender = await world.sender(port=sink.port)
    ids = await world.emails(sender, None, 2)
    ledger = Ledger(world.database, worker_run=uuid.uuid4(), lease=timedelta(hours=1))
    claimed = await ledger.claim(sender, of_campaigns={}, single=1, account_version=1)
    box = BlackBox(black_boxes)
    box.preparing(claimed.claims[0].attempt, deferred=False)
    box.close()  # as a killed process leaves it; only its box can end that lease today
    await world.signal(sender)
    with tempfile.TemporaryDirectory(prefix="pl-") as folder, waits_for_its_database() as waits:
        (away,) = parse_qs(urlsplit(settings.database.url).query)["host"]
        unreachable = settings_for(
            settings.database.url.replace(quote(away, safe="/"), folder), settings.redis.url
        )
        async with running_worker(unreachable, black_boxes=black_boxes) as running:
            async with asyncio.timeout(60):
                await waits.wait()
            (Path(folder) / ".s.PGSQL.5432").symlink_to(f"{away}/.s.PGSQL.5432")
            await world.until_all_are(ids, "sent")
            await running.stop()
    assert Counter(t.rcpt_to for t in sink.taken) == {f"reader{n}@example.org": 1 for n in (0, 1)}


@contextmanager
def waits_for_its_database() -> Iterator[asyncio.Event]:
    """Set once a worker has said that nothing is looked at, a dead one's box neither."""
    waits = asyncio.Event()

    class Hears(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "nobody notes how far the database is" in record.getMessage():
                waits.set()

    handler, logger = Hears(), logging.getLogger("paceline.engine.witness")
    logger.addHandler(handler)
    yield waits
    logger.removeHandler(handler)


async def cut_all_connections(world: World) -> None:
    await world.execute(
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()
           AND query NOT LIKE 'LISTEN%'
        """
    )


@pytest.mark.usefixtures("worker")
async def test_an_email_that_a_bug_of_ours_let_fall_is_taken_back(
    world: World, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> Message:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Content, "message", stumble)
    sender = await world.sender(port=sink.port)
    await world.emails(sender, None, 1)
    await world.signal(sender)

    async def taken_back() -> bool:
        found = await world.fetchval("SELECT attempt = 1 AND state = 'scheduled' FROM email_jobs")
        return bool(found)

    await world.until(taken_back)
