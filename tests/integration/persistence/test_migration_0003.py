"""From the second schema to the third with a campaign in it: older code goes on beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from paceline.persistence.migrate import upgrade

WORLD = (
    "INSERT INTO users (id, issuer, subject, name) VALUES (gen_random_uuid(), 'test', 'a', 'Ann')",
    """
    INSERT INTO senders (id, owner_id, name, from_address, smtp_host, smtp_port, smtp_security)
    VALUES (gen_random_uuid(), (SELECT id FROM users), 'News', 'a@x.test', 'x.test', 25, 'none')
    """,
    """
    INSERT INTO campaigns (id, owner_id, sender_id, name, subject, text_body, time_zone)
    SELECT gen_random_uuid(), owner_id, id, 'C', 'S', 'T', 'UTC' FROM senders
    """,
)
FILE = """
    INSERT INTO campaign_attachments
           (id, campaign_id, position, file_name, content_type, content, content_id)
    SELECT gen_random_uuid(), id, $1, 'a.png', 'image/png', 'x', $2 FROM campaigns
"""


@pytest.fixture
async def migrated(empty_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await asyncio.to_thread(upgrade, empty_database_url, revision="0002")
    connection = await asyncpg.connect(empty_database_url)
    try:
        for statement in WORLD:
            await connection.execute(statement)
        await asyncio.to_thread(upgrade, empty_database_url)
        yield connection
    finally:
        await connection.close()


async def test_a_campaign_has_no_files_yet_and_older_code_still_throws_it_away(
    migrated: asyncpg.Connection,
) -> None:
    assert await migrated.fetchval("SELECT count(*) FROM campaign_attachments") == 0
    await migrated.execute(FILE, 1, None)
    await migrated.execute("DELETE FROM campaigns")
    assert await migrated.fetchval("SELECT count(*) FROM campaign_attachments") == 0


async def test_no_two_files_share_a_place_or_an_id(migrated: asyncpg.Connection) -> None:
    await migrated.execute(FILE, 1, "logo")
    await migrated.execute(FILE, 2, None)
    await migrated.execute(FILE, 3, None)
    for place, content_id in ((1, "other"), (4, "logo")):
        with pytest.raises(asyncpg.UniqueViolationError):
            await migrated.execute(FILE, place, content_id)
