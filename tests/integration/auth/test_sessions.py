"""Web sessions: opaque, revocable, and over in time."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import text

from paceline.auth.sessions import Sessions
from paceline.auth.tokens import hash_of
from paceline.auth.users import Users
from paceline.persistence.database import Database


@pytest.fixture
async def user_id(database: Database) -> uuid.UUID:
    return (await Users(database).local_owner()).user_id


async def age(database: Database, cookie: str, change: str) -> None:
    async with database.transaction() as session:
        await session.execute(
            text(f"UPDATE sessions SET {change} WHERE id_hash = :hash"), {"hash": hash_of(cookie)}
        )


async def test_a_session_names_its_user_and_its_token(
    database: Database, user_id: uuid.UUID
) -> None:
    sessions = Sessions(database)
    cookie, csrf = await sessions.start(user_id)
    resolved = await sessions.resolve(cookie)
    assert resolved is not None
    principal, token = resolved
    assert principal.user_id == user_id
    assert token == csrf != cookie


async def test_only_the_hash_of_a_session_is_stored(database: Database, user_id: uuid.UUID) -> None:
    cookie, _ = await Sessions(database).start(user_id)
    async with database.transaction() as session:
        rows = (await session.execute(text("SELECT sessions::text FROM sessions"))).scalars().all()
    assert rows
    assert not any(cookie in row for row in rows)


@pytest.mark.parametrize("cookie", ["", "unknown", "x" * 10_000])
async def test_an_unknown_cookie_is_nobodys(database: Database, cookie: str) -> None:
    assert await Sessions(database).resolve(cookie) is None


async def test_a_signed_out_session_cannot_be_replayed(
    database: Database, user_id: uuid.UUID
) -> None:
    sessions = Sessions(database)
    cookie, _ = await sessions.start(user_id)
    await sessions.end(cookie)
    await sessions.end(cookie)
    assert await sessions.resolve(cookie) is None


@pytest.mark.parametrize(
    "change",
    ["expires_at = now() - interval '1 second'", "seen_at = now() - interval '7 days 1 minute'"],
)
async def test_a_session_ends_by_age_and_by_idleness(
    database: Database, user_id: uuid.UUID, change: str
) -> None:
    sessions = Sessions(database)
    cookie, _ = await sessions.start(user_id)
    await age(database, cookie, change)
    assert await sessions.resolve(cookie) is None


async def test_use_keeps_a_session_from_idling_out(database: Database, user_id: uuid.UUID) -> None:
    sessions = Sessions(database)
    cookie, _ = await sessions.start(user_id)
    await age(database, cookie, "seen_at = now() - interval '6 days'")
    assert await sessions.resolve(cookie) is not None
    async with database.transaction() as session:
        idle = text(
            "SELECT now() - seen_at < interval '1 hour' FROM sessions WHERE id_hash = :hash"
        )
        assert (await session.execute(idle, {"hash": hash_of(cookie)})).scalar_one()


async def test_signing_in_ends_the_session_the_browser_came_with(
    database: Database, user_id: uuid.UUID
) -> None:
    sessions = Sessions(database)
    planted, _ = await sessions.start(user_id)
    cookie, _ = await sessions.start(user_id, replaces=planted)
    assert await sessions.resolve(planted) is None
    assert await sessions.resolve(cookie) is not None


async def test_signing_in_clears_away_what_is_over(database: Database, user_id: uuid.UUID) -> None:
    sessions = Sessions(database)
    old, _ = await sessions.start(user_id)
    await age(database, old, "expires_at = now() - interval '1 second'")
    await sessions.start(user_id)
    async with database.transaction() as session:
        left = text("SELECT count(*) FROM sessions WHERE id_hash = :hash")
        assert (await session.execute(left, {"hash": hash_of(old)})).scalar_one() == 0
