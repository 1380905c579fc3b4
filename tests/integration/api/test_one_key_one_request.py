"""One key is one request's, whoever gets to the database first and whatever connection is lost."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from paceline.persistence.stores import idempotency as store
from paceline.services.idempotency import Answer, Idempotency, Ticket, UnderWay
from tests.world import World

REQUEST = b"the same"


async def asked(idempotency: Idempotency, owner_id: uuid.UUID) -> Ticket | Answer | Exception:
    try:
        return await idempotency.begin(owner_id, "k", REQUEST)
    except UnderWay as under_way:
        return under_way


async def test_of_two_at_one_moment_the_second_does_not_overtake_the_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    idempotency = Idempotency(world.database)
    begin, held_up, go_on = store.begin, asyncio.Event(), asyncio.Event()

    async def late_once(*args: Any, **options: Any) -> store.KeyStanding:
        if not held_up.is_set():  # as a request whose connection is still being opened
            held_up.set()
            await go_on.wait()
        return await begin(*args, **options)

    monkeypatch.setattr(store, "begin", late_once)
    first = asyncio.create_task(asked(idempotency, world.owner_id))
    await held_up.wait()
    second = await asked(idempotency, world.owner_id)
    go_on.set()
    assert [type(second), type(await first)] == [UnderWay, Ticket]


async def test_a_lost_sign_of_life_does_not_free_what_is_at_work_here(world: World) -> None:
    idempotency = Idempotency(world.database)
    first = await asked(idempotency, world.owner_id)
    assert isinstance(first, Ticket)
    driver = world.database.presence._driver
    assert driver is not None
    driver.terminate()
    assert driver.is_closed()
    assert isinstance(await asked(idempotency, world.owner_id), UnderWay)
    await idempotency.finish(first, Answer(status=204))
    assert await asked(idempotency, world.owner_id) == Answer(status=204)


async def test_a_key_is_nobodys_before_it_is_given_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else giving back would take the sign of life away from the next one."""
    idempotency = Idempotency(world.database)
    first = await asked(idempotency, world.owner_id)
    assert isinstance(first, Ticket)
    give_back, held_up, go_on = store.give_back, asyncio.Event(), asyncio.Event()

    async def late(*args: Any) -> None:
        held_up.set()
        await go_on.wait()
        await give_back(*args)

    monkeypatch.setattr(store, "give_back", late)
    giving_back = asyncio.create_task(idempotency.give_back(first))
    await held_up.wait()
    assert isinstance(await asked(idempotency, world.owner_id), UnderWay)
    go_on.set()
    await giving_back
    assert await asked(idempotency, world.owner_id) == first


async def test_an_answer_of_more_than_a_day_ago_is_none(world: World) -> None:
    """While the first of the new day's requests is on its way to the database."""
    idempotency = Idempotency(world.database)
    first = await asked(idempotency, world.owner_id)
    assert isinstance(first, Ticket)
    await idempotency.finish(first, Answer(status=200))
    await world.execute("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
    idempotency._at_work.add((world.owner_id, "k"))
    assert isinstance(await asked(idempotency, world.owner_id), UnderWay)
