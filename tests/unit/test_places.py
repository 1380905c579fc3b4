"""Places: bounded, in order, and given up by whoever takes long."""

from __future__ import annotations

import asyncio

from paceline.places import Places


async def test_a_place_that_is_left_is_taken_by_the_next_in_line() -> None:
    places = Places(1)
    with await places.take():
        waiting = asyncio.create_task(places.take())
        await asyncio.sleep(0)
        assert not waiting.done()
    (await waiting).leave()


async def test_who_takes_long_gives_up_the_place_once_and_goes_on() -> None:
    places = Places(1, patience=0.01)
    with await places.take():
        second = await places.take()
        third = asyncio.create_task(places.take())
        await third  # and so does the second
    fourth = asyncio.create_task(places.take())
    await asyncio.sleep(0)
    assert not fourth.done()  # leaving what was given up frees nothing
    second.leave()
    await asyncio.sleep(0)
    assert not fourth.done()
    third.result().leave()
    (await fourth).leave()


async def test_many_who_take_long_give_way_to_all_behind_them() -> None:
    places = Places(2, patience=0.01)
    taken = [asyncio.create_task(places.take()) for _ in range(9)]
    await asyncio.gather(*taken)


async def test_whoever_leaves_the_line_keeps_no_place() -> None:
    places = Places(1)
    first = await places.take()
    tired, handed_on = (asyncio.create_task(places.take()) for _ in range(2))
    await asyncio.sleep(0)
    tired.cancel()
    await asyncio.sleep(0)
    first.leave()
    handed_on.cancel()  # as it is given its place
    await asyncio.gather(tired, handed_on, return_exceptions=True)
    (await places.take()).leave()
