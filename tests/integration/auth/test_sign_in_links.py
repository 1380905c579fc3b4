"""One-time links: once, in time, and for the user they were made for."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from paceline.auth.admission import Admission
from paceline.auth.refusals import SignInRefused
from paceline.auth.sign_in import SignInLinks
from paceline.auth.tokens import hash_of
from paceline.auth.users import Users
from paceline.errors import InvalidInput
from paceline.persistence.database import Database
from paceline.persistence.stores import identity


async def test_a_link_signs_in_the_local_owner(database: Database) -> None:
    links = SignInLinks(database)
    owner = await Users(database).local_owner()
    assert await links.consume(await links.mint()) == owner.user_id


async def test_a_link_signs_in_the_user_it_was_made_for(database: Database) -> None:
    links = SignInLinks(database)
    user = await Users(database).with_email("somebody-else@example.com")
    assert await links.consume(await links.mint(user.user_id)) == user.user_id


async def test_of_many_who_race_for_a_link_exactly_one_wins(database: Database) -> None:
    links = SignInLinks(database)
    token = await links.mint()
    outcomes = await asyncio.gather(*(links.consume(token) for _ in range(12)))
    assert sum(outcome is not None for outcome in outcomes) == 1


async def test_a_link_that_is_too_old_signs_nobody_in(database: Database) -> None:
    links = SignInLinks(database)
    token = await links.mint()
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE sign_in_links SET expires_at = now() WHERE token_hash = :hash"),
            {"hash": hash_of(token)},
        )
    assert await links.consume(token) is None


@pytest.mark.parametrize("token", ["", "unknown", "x" * 10_000, "\x00"])
async def test_an_unknown_link_signs_nobody_in(database: Database, token: str) -> None:
    assert await SignInLinks(database).consume(token) is None


async def test_only_the_hash_of_a_link_is_stored(database: Database) -> None:
    token = await SignInLinks(database).mint()
    async with database.transaction() as session:
        rows = await session.execute(text("SELECT sign_in_links::text FROM sign_in_links"))
        assert not any(token in row for row in rows.scalars())


async def test_an_invitation_signs_in_a_user_of_its_own_once(database: Database) -> None:
    links = SignInLinks(database)
    token = await links.invite("Grace@example.com")
    grace = await links.consume(token)
    assert grace is not None
    assert await links.consume(token) is None
    assert await links.consume(await links.invite("grace@example.com")) == grace
    assert grace != (await Users(database).local_owner()).user_id


async def test_an_invitation_never_leads_to_who_has_the_address_by_another_way(
    database: Database,
) -> None:
    links = SignInLinks(database)
    owner = await Users(database).name_owner("owner@example.com")
    async with database.transaction() as session:
        other = await identity.ensure_user(
            session, issuer="https://id.example", subject="1", name="Bob", email="bob@example.com"
        )
    assert await links.consume(await links.invite("owner@example.com")) != owner.user_id
    assert await links.consume(await links.invite("bob@example.com")) != other.id


async def test_nobody_is_invited_past_the_settings_but_whom_admins_names(
    database: Database,
) -> None:
    rules = Admission(
        allowed_domains=frozenset({"example.com"}), admins=frozenset({"boss@elsewhere.org"})
    )
    links = SignInLinks(database, rules)
    with pytest.raises(InvalidInput, match="outside ALLOWED_DOMAINS"):
        await links.invite("eve@elsewhere.org")
    with pytest.raises(InvalidInput, match="no @ in it"):
        await links.invite("eve")
    assert await links.consume(await links.invite("boss@elsewhere.org"))
    assert await links.consume(await links.invite("ada@example.com"))


async def test_a_link_is_good_for_nothing_once_the_settings_keep_its_user_out(
    database: Database,
) -> None:
    token = await SignInLinks(database).invite("eve@elsewhere.org")
    strict = SignInLinks(database, Admission(allowed_domains=frozenset({"example.com"})))
    with pytest.raises(SignInRefused):
        await strict.consume(token)
    owner = (await Users(database).local_owner()).user_id
    assert await strict.consume(await strict.mint()) == owner  # whose shell it is
