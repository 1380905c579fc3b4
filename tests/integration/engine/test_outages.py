"""PostgreSQL goes away and comes back: nothing is lost, nothing is sent twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from paceline.bootstrap.worker import running_worker
from paceline.settings import Settings
from tests.integration.engine.sink import Sink
from tests.world import World


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


async def cut_all_connections(world: World) -> None:
    await world.execute(
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()
           AND query NOT LIKE 'LISTEN%'
        """
    )
