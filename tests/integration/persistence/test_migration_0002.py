"""From the first schema to the second with senders in it: nothing is asked of them."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from paceline.persistence.migrate import upgrade

SENDER = """
    INSERT INTO senders (id, owner_id, name, from_address, smtp_host, smtp_port, smtp_security)
    VALUES (gen_random_uuid(), (SELECT id FROM users), 'News', 'a@x.test', 'x.test', 25, 'none')
"""
USER = """
    INSERT INTO users (id, issuer, subject, name) VALUES (gen_random_uuid(), 'test', 'ann', 'Ann')
"""


async def test_senders_stay_as_they_are_and_older_code_goes_on(empty_database_url: str) -> None:
    await asyncio.to_thread(upgrade, empty_database_url, revision="0001")
    connection = await asyncpg.connect(empty_database_url)
    try:
        await connection.execute(USER)
        await connection.execute(SENDER)
        await asyncio.to_thread(upgrade, empty_database_url)
        await connection.execute(SENDER)  # as the code of before says it
        rows = await connection.fetch("SELECT smtp_auth, dkim_key FROM senders")
    finally:
        await connection.close()
    assert [tuple(row) for row in rows] == [("password", None)] * 2


@pytest.mark.parametrize(
    "change",
    [
        "dkim_key = 'k'",
        "dkim_selector = 's', dkim_domain = 'x.test', dkim_algorithm = 'rsa'",
        "dkim_selector = 's', dkim_domain = 'x.test', dkim_algorithm = 'dsa', dkim_key = 'k'",
        "smtp_auth = 'kerberos'",
        "smtp_auth = NULL",
    ],
)
async def test_half_a_key_and_unknown_kinds_are_refused(database_url: str, change: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(USER)
        await connection.execute(SENDER)
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await connection.execute(f"UPDATE senders SET {change}")
    finally:
        await connection.close()
