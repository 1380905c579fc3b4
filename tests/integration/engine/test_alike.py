"""Refusals in the same words, one after another, that no table knows."""

from __future__ import annotations

import pytest

from tests.integration.engine.sink import Sink
from tests.world import World

pytestmark = pytest.mark.usefixtures("worker")

PEOPLE = [f"p{n}@r{n}.example" for n in range(9)]
UNKNOWN = "550 Genug ist genug, sagt Nr. {n}"


def refuses_from(first: int, last: int, line: str = UNKNOWN) -> dict[str, str]:
    return {PEOPLE[n]: line.format(n=n) for n in range(first, last)}


async def test_a_row_of_the_same_words_after_an_acceptance_rests_the_sender_and_spares_the_others(
    world: World, sink: Sink
) -> None:
    refused = refuses_from(2, len(PEOPLE))
    sink.at_dot = refused.get
    sender = await world.sender(port=sink.port, max_connections=1)
    ids = await world.emails(sender, None, PEOPLE)
    await world.signal(sender)

    async def resting() -> bool:
        return bool(await world.fetchval("SELECT resting_until > now() FROM senders"))

    await world.until(resting)
    assert await world.states(ids) == ["sent"] * 2 + ["failed"] * 3 + ["scheduled"] * 4
    reason = await world.fetchval("SELECT state_reason FROM senders")
    assert reason == (
        "the last 3 emails were refused in the same words, and can be tried again: "
        "Genug ist genug, sagt Nr. 4"
    )
    refused.clear()  # the hour is over
    await world.execute("UPDATE senders SET resting_until = NULL")
    await world.signal(sender)
    await world.until_all_are(ids[5:], "sent")


@pytest.mark.parametrize(
    ("people", "line"),
    [
        ([f"p{n}@r.example" for n in range(9)], UNKNOWN),  # one domain may have a grudge
        (PEOPLE, "552 5.3.4 message too large, number {n}"),  # known words, and not about us
        (PEOPLE, "550 no {word}"),  # not the same words
    ],
)
async def test_other_refusals_hold_nobody_up(
    world: World, sink: Sink, people: list[str], line: str
) -> None:
    at = {to: line.format(n=n, word="a" * n) for n, to in enumerate(people) if 2 <= n < 8}
    sink.at_dot = at.get
    sender = await world.sender(port=sink.port, max_connections=1)
    ids = await world.emails(sender, None, people)
    await world.signal(sender)
    await world.until_all_are(ids[2:8], "failed")
    await world.until_all_are([*ids[:2], ids[8]], "sent")


@pytest.mark.parametrize(
    "line",
    ["451 4.7.1 Greylisting in action", "452 4.2.2 mailbox full", "451 4.7.1 come back"],
)
async def test_refusals_for_now_in_words_that_are_known_hold_nobody_up(
    world: World, sink: Sink, line: str
) -> None:
    sink.at_rcpt = refuses_from(2, 8, line).get
    sender = await world.sender(port=sink.port, max_connections=1)
    ids = await world.emails(sender, None, PEOPLE)
    await world.signal(sender)
    await world.until_all_are(ids[2:8], "deferred")
    await world.until_all_are([*ids[:2], ids[8]], "sent")
    assert not await world.fetchval("SELECT resting_until > now() FROM senders")
