"""Who is who: the local owner, and people by their address."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from paceline.auth.users import Users
from paceline.errors import NotFound
from paceline.persistence.database import Database


async def test_there_is_one_local_owner_however_often_it_is_asked_for(database: Database) -> None:
    owners = await asyncio.gather(*(Users(database).local_owner() for _ in range(8)))
    assert len({owner.user_id for owner in owners}) == 1
    assert owners[0].is_admin


async def test_the_first_address_becomes_the_owners_the_second_a_new_users(
    database: Database,
) -> None:
    users = Users(database)
    owner = await users.local_owner()
    first = await users.with_email(f"{uuid.uuid4().hex}@example.com")
    second = await users.with_email(f"{uuid.uuid4().hex}@example.com")
    assert first.user_id == owner.user_id
    assert first.is_admin
    assert second.user_id != owner.user_id
    assert not second.is_admin


async def test_an_address_is_found_again_in_any_case(database: Database) -> None:
    users = Users(database)
    address = f"{uuid.uuid4().hex}@example.com"
    assert await users.with_email(f" {address} ") == await users.with_email(address.upper())


async def test_two_at_once_with_the_same_address_are_the_same_user(database: Database) -> None:
    users = Users(database)
    await users.with_email(f"{uuid.uuid4().hex}@example.com")  # the owner's, if nobody's before
    address = f"{uuid.uuid4().hex}@example.com"
    people = await asyncio.gather(*(users.with_email(address) for _ in range(8)))
    assert len({person.user_id for person in people}) == 1


async def test_an_address_that_nobody_has_is_known_once_somebody_was_made_for_it(
    database: Database,
) -> None:
    users = Users(database)
    owner = await users.local_owner()
    assert (await users.known("owner@example.com")).user_id == owner.user_id
    with pytest.raises(NotFound, match=r"nobody@.*the owner has owner@example.com.*--new-user"):
        await users.known("nobody@example.com")
    made = await users.added("nobody@example.com")
    assert made.user_id != owner.user_id
    assert (
        await users.known("NOBODY@example.com") == made == await users.added("nobody@example.com")
    )


async def test_a_new_user_is_new_also_where_the_owner_has_no_address_yet(
    database: Database,
) -> None:
    users = Users(database)
    owner = await users.local_owner()
    assert (await users.added("guest@example.com")).user_id != owner.user_id
