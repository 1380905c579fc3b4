"""API keys: made once, kept as hashes, and worthless when revoked."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from sqlalchemy import text

from paceline.auth import api_keys
from paceline.auth.api_keys import ApiKeys
from paceline.auth.tokens import hash_of
from paceline.auth.users import Users
from paceline.domain.scopes import Scope
from paceline.errors import InvalidInput
from paceline.persistence.database import Database


def some_address() -> str:
    return f"{uuid.uuid4().hex}@example.com"


async def test_a_new_key_names_its_user(database: Database) -> None:
    keys = ApiKeys(database)
    address = some_address()
    principal = await keys.authenticate(await keys.create(address, "laptop"))
    assert principal is not None
    assert principal.user_id == (await Users(database).with_email(address)).user_id
    assert principal.key_name == "laptop"


async def test_a_key_without_an_address_is_the_local_owners(database: Database) -> None:
    keys = ApiKeys(database)
    principal = await keys.authenticate(await keys.create(None, "laptop"))
    assert principal is not None
    assert principal.user_id == (await Users(database).local_owner()).user_id
    assert principal.is_admin


async def test_only_the_hash_of_a_key_is_stored(database: Database) -> None:
    key = await ApiKeys(database).create(some_address(), "laptop")
    assert key.startswith("pl_")
    async with database.transaction() as session:
        row = (
            await session.execute(
                text("SELECT *, api_keys::text AS everything FROM api_keys WHERE key_hash = :hash"),
                {"hash": hash_of(key)},
            )
        ).one()
    assert key not in row.everything
    assert key.startswith(row.prefix)
    assert len(row.prefix) < 15


@pytest.mark.parametrize("token", ["", "pl_", "pl_wrong", "nothing", "pl_" + "x" * 10_000])
async def test_an_unknown_key_is_nobodys(database: Database, token: str) -> None:
    assert await ApiKeys(database).authenticate(token) is None


async def test_a_revoked_key_stops_working_at_once(database: Database) -> None:
    keys = ApiKeys(database)
    token = await keys.create(some_address(), "laptop")
    principal = await keys.authenticate(token)
    assert principal is not None
    [key] = await keys.list(principal.user_id)
    assert await keys.revoke(principal.user_id, key.id)
    assert await keys.authenticate(token) is None
    assert await keys.list(principal.user_id) == []
    assert not await keys.revoke(principal.user_id, key.id)


async def test_nobody_revokes_the_key_of_somebody_else(database: Database) -> None:
    keys = ApiKeys(database)
    token = await keys.create(some_address(), "laptop")
    principal = await keys.authenticate(token)
    assert principal is not None
    [key] = await keys.list(principal.user_id)
    assert not await keys.revoke(uuid.uuid4(), key.id)
    assert await keys.authenticate(token) == principal


async def test_the_keys_of_a_disabled_user_stop_working(database: Database) -> None:
    keys = ApiKeys(database)
    token = await keys.create(some_address(), "laptop")
    principal = await keys.authenticate(token)
    assert principal is not None
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE users SET disabled_at = now() WHERE id = :id"), {"id": principal.user_id}
        )
    assert await keys.authenticate(token) is None


async def test_a_use_is_noted(database: Database) -> None:
    keys = ApiKeys(database)
    token = await keys.create(some_address(), "laptop")
    principal = await keys.authenticate(token)
    assert principal is not None
    [key] = await keys.list(principal.user_id)
    assert key.last_used_at is not None


@pytest.mark.parametrize("name", ["", "  ", "x" * 101])
async def test_a_key_needs_a_usable_name(database: Database, name: str) -> None:
    with pytest.raises(InvalidInput, match="name"):
        await ApiKeys(database).create(None, name)


async def test_an_address_that_is_none_is_refused_and_nothing_is_made(database: Database) -> None:
    with pytest.raises(InvalidInput, match="email"):
        await ApiKeys(database).create("not an address", "laptop")


async def test_nobody_gets_more_keys_by_asking_several_times_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = (await Users(database).added(some_address())).user_id
    monkeypatch.setattr(api_keys, "MAX_KEYS", 3)
    keys = ApiKeys(database)
    asked = [keys.create_for(user, f"{n}", scope=Scope.READ, expires_at=None) for n in range(8)]
    made = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(key, str) for key in made) == 3
    assert len(await keys.list(user)) == 3
