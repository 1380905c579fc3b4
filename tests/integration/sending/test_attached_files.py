"""The files of running campaigns in a worker: read once, and never too many at a time."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable

import pytest

from paceline.persistence.standing import Standing
from paceline.sending.attached_files import AttachedFiles, FilesAway
from tests.world import World

SIZE = 57_000  # 78,000 in a message

Draft = Callable[[], Awaitable[uuid.UUID]]


@pytest.fixture
async def campaign(world: World) -> Draft:
    sender = await world.sender()

    async def made() -> uuid.UUID:
        campaign = await world.campaign(sender)
        await world.execute(
            "INSERT INTO campaign_attachments"
            " (id, campaign_id, position, file_name, content_type, content)"
            " VALUES (gen_random_uuid(), $1, 1, 'a.pdf', 'application/pdf', $2)",
            campaign,
            b"x" * SIZE,
        )
        return campaign

    return made


async def test_files_are_read_once_also_when_many_ask_at_once(
    world: World, campaign: Draft
) -> None:
    files, first = AttachedFiles(Standing(world.database)), await campaign()
    found = await asyncio.gather(*(files.of(first) for _ in range(8)))
    assert len(set(map(id, found))) == 1
    content = await Standing(world.database).content(first)
    assert content.attached_octets == SIZE


async def test_what_is_kept_has_a_bound_and_the_last_used_stay(
    world: World, campaign: Draft
) -> None:
    files = AttachedFiles(Standing(world.database), max_kept_octets=160_000)
    one, two, three = [await campaign() for _ in range(3)]
    kept = {key: await files.of(key) for key in (one, two)}
    assert await files.of(one) is kept[one]
    await files.of(three)
    assert files.kept_octets <= 160_000
    assert await files.of(one) is kept[one]
    assert await files.of(two) is not kept[two]


async def test_emails_wait_for_room_in_the_order_of_asking(world: World, campaign: Draft) -> None:
    files = AttachedFiles(Standing(world.database), max_under_way_octets=160_000)
    key = await campaign()
    under_way, most, order = 0, 0, []

    async def email(number: int) -> None:
        nonlocal under_way, most
        async with files.for_one_email(key, SIZE):
            order.append(number)
            under_way += 1
            most = max(most, under_way)
            await files.of(key)
            under_way -= 1

    await asyncio.gather(*(email(number) for number in range(20)))
    assert most == 2
    assert order == list(range(20))


async def test_an_email_larger_than_all_the_room_goes_alone(world: World, campaign: Draft) -> None:
    files, key = AttachedFiles(Standing(world.database), max_under_way_octets=10), await campaign()
    for _ in range(2):
        async with files.for_one_email(key, SIZE) as found:
            assert found.octets > SIZE


async def test_who_gives_up_waiting_takes_no_room_along(world: World, campaign: Draft) -> None:
    files, key = AttachedFiles(Standing(world.database), max_under_way_octets=10), await campaign()
    async with files.for_one_email(key, SIZE):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0), files.for_one_email(key, SIZE):
                raise AssertionError("there is no room")
    async with asyncio.timeout(60), files.for_one_email(key, SIZE):
        pass


async def test_an_email_does_not_wait_for_room_for_ever(world: World, campaign: Draft) -> None:
    standing, key = Standing(world.database), await campaign()
    files = AttachedFiles(standing, max_under_way_octets=10, patience_seconds=0.01)
    async with files.for_one_email(key, SIZE):
        with pytest.raises(FilesAway, match="too many emails with files"):
            async with files.for_one_email(key, SIZE):
                raise AssertionError("there is no room")
    async with files.for_one_email(key, SIZE):
        pass
