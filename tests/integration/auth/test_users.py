"""Who is who: the local owner, and people by their address."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from paceline.auth.users import Users
from paceline.errors import Conflict, NotFound
from paceline.persistence.database import Database


async def test_there_is_one_local_owner_however_often_it_is_asked_for(database: Database) -> None:
    owners = await asyncio.gather(*(Users(database).local_owner() for _ in range(8)))
    assert len({owner.user_id for owner in owners}) == 1
    assert owners[0].is_admin


async def test_an_address_becomes_the_owners_by_name_alone_and_once(database: Database) -> None:
    users = Users(database)
    owner = await users.local_owner()
    with pytest.raises(NotFound, match=r"the owner has none yet, and takes this one with --owner"):
        await users.known("owner@example.com")
    guest = await users.with_email("guest@example.com")
    assert guest.user_id != owner.user_id
    assert not guest.is_admin
    for _ in "twice":
        assert (await users.name_owner("owner@example.com")).user_id == owner.user_id
    assert (await users.known("OWNER@example.com")).is_admin
    for taken in ("guest@example.com", "other@example.com"):
        with pytest.raises(Conflict):
            await users.name_owner(taken)


async def test_an_address_is_found_again_in_any_case(database: Database) -> None:
    users = Users(database)
    address = f"{uuid.uuid4().hex}@example.com"
    assert await users.with_email(f" {address} ") == await users.with_email(address.upper())


async def test_two_at_once_with_the_same_address_are_the_same_user(database: Database) -> None:
    users = Users(database)
    address = f"{uuid.uuid4().hex}@example.com"
    people = await asyncio.gather(*(users.with_email(address) for _ in range(8)))
    assert len({person.user_id for person in people}) == 1


async def test_an_address_that_nobody_has_is_known_once_somebody_was_made_for_it(
    database: Database,
) -> None:
    users = Users(database)
    owner = await users.name_owner("owner@example.com")
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
