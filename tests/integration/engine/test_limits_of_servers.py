"""Servers that cap, throttle and refuse us: nobody fails, no try is used up, and it is said why."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

from paceline import clock
from tests.integration.engine.sink import Sink
from tests.world import World

pytestmark = pytest.mark.usefixtures("worker")

SESSION_CAP = 10
HOURLY = 50
REFUSALS_OF_A_DAY = [
    "550 5.4.5 Daily user sending limit exceeded.",
    "554 5.7.0 More outgoing messages than allowed. Come back later.",
    "454 Throttling failure: daily quota used up",
    "450 4.7.1 <END-OF-MESSAGE>: End-of-data rejected: messages per hour exceeded",
]


async def unscathed(world: World, ids: Sequence[uuid.UUID]) -> bool:
    """Nobody failed, and nobody used up a try."""
    worst = await world.fetch(
        """
        SELECT count(*) FILTER (WHERE state IN ('failed', 'deferred', 'in_doubt')) AS bad,
               max(deferrals) AS deferrals
          FROM email_jobs WHERE email_id = ANY ($1)
        """,
        list(ids),
    )
    return worst == [{"bad": 0, "deferrals": 0}]


async def rested(world: World, sender: uuid.UUID) -> bool:
    return bool(
        await world.fetchval(
            "SELECT host_failures > 0 OR resting_until IS NOT NULL FROM senders WHERE id = $1",
            sender,
        )
    )


async def until_it_rests(world: World, sender: uuid.UUID) -> str:
    """Why it does."""

    async def resting() -> bool:
        return bool(
            await world.fetchval(
                """
                SELECT s.resting_until > now() AND l.held_by = 'host_resting'
                  FROM senders s JOIN lanes l ON l.sender_id = s.id WHERE s.id = $1
                """,
                sender,
            )
        )

    await world.until(resting)
    return str(await world.fetchval("SELECT state_reason FROM senders WHERE id = $1", sender))


async def let_the_rest_pass(world: World, sender: uuid.UUID) -> None:
    """As if its time had come."""
    async with world.together():
        await world.execute("UPDATE senders SET resting_until = now() WHERE id = $1", sender)
        await world.execute(
            "UPDATE email_jobs SET due_at = now() WHERE sender_id = $1 AND due_at > now()", sender
        )
    await world.signal(sender)


@pytest.mark.parametrize(
    ("step", "refusal"),
    [
        ("MAIL", "452 4.4.5 No more messages in this session."),
        ("MAIL", "421 bye"),
        ("MAIL", "451 no"),
        ("MAIL", "550 Max messages per session. Open a new one."),
        ("RCPT", "421 4.7.0 bye"),
        ("RCPT", "421 4.4.2 Connection dropped"),
        ("RCPT", "452 4.5.3 Too many recipients in this session"),
        ("RCPT", "554 5.5.0 Too many messages in this connection"),
        ("DATA", "421 closing"),
        ("DATA", "452 4.4.5 Maximum number of messages per session exceeded."),
        ("dot", "421 Max message per connection reached, closing transmission channel"),
        ("dot", "451 4.5.0 Too many messages in this session"),
        ("dot", "554 This session has had its maximum of 10 messages per connection"),
    ],
)
async def test_a_cap_on_the_emails_of_a_session_costs_a_connection_and_nothing_else(
    world: World, sink: Sink, step: str, refusal: str
) -> None:
    sink.at_nth = lambda at, n: refusal if at == step and n > SESSION_CAP else None
    sender = await world.sender(port=sink.port)
    ids = await world.emails(sender, await world.campaign(sender), 200)
    await world.signal(sender)
    await world.until_all_are(ids, "sent")
    assert set(Counter(t.rcpt_to for t in sink.taken).values()) == {1}
    assert await unscathed(world, ids)
    assert not await rested(world, sender)
    assert sink.connections >= 200 / SESSION_CAP


async def test_a_new_connection_that_is_refused_like_a_spent_one_lets_the_sender_rest(
    world: World, sink: Sink
) -> None:
    sink.at_mail = lambda _: "452 4.4.5 No more messages in this session."
    sender = await world.sender(port=sink.port)
    ids = await world.emails(sender, None, 20)
    await world.signal(sender)
    assert "in this session" in await until_it_rests(world, sender)
    assert sink.connections <= 4  # max_connections; asked once each, not again and again
    assert await unscathed(world, ids)


@pytest.mark.parametrize(
    "refusal",
    [
        "421 4.7.0 too many connections",
        "421 Service not available",
        "554 5.7.0 Too many connections from your IP",
        "450 4.7.1 busy, please retry in 60 seconds",
    ],
)
async def test_a_server_that_takes_two_connections_gets_two_and_nobody_rests(
    world: World, sink: Sink, refusal: str
) -> None:
    sink.at_greeting = lambda n: refusal if n > 2 else None
    sender = await world.sender(port=sink.port)
    ids = await world.emails(sender, await world.campaign(sender), 60)
    await world.signal(sender)
    await world.until_all_are(ids, "sent")
    assert await unscathed(world, ids)
    assert not await rested(world, sender)
    assert sink.connections <= 8  # not knocked at for every email


@pytest.mark.parametrize(
    ("step", "refusal"),
    [
        ("dot", "550 Domain example.com has exceeded the max emails per hour (51/50). Discarded."),
        ("rcpt", "453 4.1.1 v4WMlxESw2YhL Too Many Recipients, max emails per hour (TT501)"),
        ("mail", "451 4.7.1 max emails per hour"),
    ],
)
async def test_four_hundred_at_fifty_an_hour_take_eight_hours_and_lose_nobody(
    world: World, sink: Sink, step: str, refusal: str
) -> None:
    this_hour = 0

    def at_step(_: str) -> str | None:
        nonlocal this_hour
        this_hour += 1
        return None if this_hour <= HOURLY else refusal

    setattr(sink, f"at_{step}", at_step)
    sender = await world.sender(port=sink.port)
    ids = await world.emails(sender, await world.campaign(sender), 400)
    await world.signal(sender)
    for hour in range(1, 8):
        assert "max emails per hour" in await until_it_rests(world, sender)
        assert len(sink.taken) == hour * HOURLY
        assert await unscathed(world, ids)
        this_hour = 0
        await let_the_rest_pass(world, sender)
    await world.until_all_are(ids, "sent")
    assert set(Counter(t.rcpt_to for t in sink.taken).values()) == {1}


@pytest.mark.parametrize("domains", [1, 40])
async def test_an_hours_quota_that_is_said_in_no_words_fails_nobody(
    world: World, sink: Sink, domains: int
) -> None:
    this_hour = refusals = 0

    def at_rcpt(_: str) -> str | None:
        nonlocal this_hour, refusals
        this_hour += 1
        refusals += this_hour > HOURLY
        return None if this_hour <= HOURLY else "451 4.3.0 Not now"

    sink.at_rcpt = at_rcpt
    sender = await world.sender(port=sink.port)
    people = [f"p{n}@r{n % domains}.example" for n in range(200)]
    ids = await world.emails(sender, None, people)
    await world.signal(sender)
    for hour in (1, 2, 3):
        assert "in the same words: Not now" in await until_it_rests(world, sender)
        assert len(sink.taken) == hour * HOURLY
        this_hour = 0
        await let_the_rest_pass(world, sender)
    await world.until_all_are(ids, "sent")
    # Each hour a row of ten, begun anew when what was accepted before it comes to its end: far from
    # all that wait, on a machine that is as slow as it likes.
    assert refusals < 3 * HOURLY


async def test_a_server_that_counts_by_the_minute_is_waited_for_as_it_asks(
    world: World, sink: Sink
) -> None:
    this_minute, refused_at = 0, clock.now()

    def at_rcpt(_: str) -> str | None:
        nonlocal this_minute, refused_at
        this_minute += 1
        if this_minute <= 20:
            return None
        if this_minute == 21:
            refused_at = clock.now()
        return "450 4.7.1 Throttled: try again in 60 seconds"

    sink.at_rcpt = at_rcpt
    sender = await world.sender(port=sink.port)
    ids = await world.emails(sender, await world.campaign(sender), 60)
    await world.signal(sender)
    for minute in (1, 2):
        assert "in 60 seconds" in await until_it_rests(world, sender)
        assert len(sink.taken) == minute * 20
        # It begins some time after the first refusal and before we look.
        (rest,) = await world.fetch(
            "SELECT resting_until AS ends_at, resting_until - clock_timestamp() AS remains"
            "  FROM senders WHERE id = $1",
            sender,
        )
        assert rest["ends_at"] - refused_at >= timedelta(seconds=60)
        assert rest["remains"] <= timedelta(seconds=67)
        this_minute = 0
        await let_the_rest_pass(world, sender)
    await world.until_all_are(ids, "sent")
    assert await unscathed(world, ids)


async def test_a_server_that_takes_some_between_its_rests_is_not_waited_for_ever_longer(
    world: World, sink: Sink
) -> None:
    this_time = 0

    def at_dot(_: str) -> str | None:
        nonlocal this_time
        this_time += 1
        return None if this_time <= 10 else "450 4.3.2 try again in 5 seconds"

    sink.at_dot = at_dot
    sender = await world.sender(port=sink.port)
    ids = await world.emails(sender, await world.campaign(sender), 60)
    await world.signal(sender)
    for _ in range(5):
        assert "in 5 seconds" in await until_it_rests(world, sender)
        assert await world.fetchval("SELECT host_failures FROM senders") == 1
        this_time = 0
        await let_the_rest_pass(world, sender)
    await world.until_all_are(ids, "sent")
    assert await unscathed(world, ids)


@pytest.mark.parametrize("step", ["mail", "rcpt"])
async def test_a_daily_limit_said_with_550_fails_nobody(
    world: World, sink: Sink, step: str
) -> None:
    setattr(sink, f"at_{step}", lambda _: "550 daily limit exceeded")
    sender = await world.sender(port=sink.port)
    ids = await world.emails(sender, None, 8)
    await world.signal(sender)
    assert "daily limit exceeded" in await until_it_rests(world, sender)
    assert await unscathed(world, ids)
    setattr(sink, f"at_{step}", lambda _: None)
    await let_the_rest_pass(world, sender)
    await world.until_all_are(ids, "sent")
    assert await world.fetchval("SELECT state FROM senders WHERE id = $1", sender) == "active"


@pytest.mark.parametrize("refusal", REFUSALS_OF_A_DAY)
async def test_a_quota_that_stays_used_up_for_days_fails_nobody(
    world: World, sink: Sink, refusal: str
) -> None:
    sink.at_dot = lambda _: refusal
    sender = await world.sender(port=sink.port)
    ids = await world.emails(sender, None, 8)
    await world.signal(sender)
    for _ in range(12):  # more than the tries that an email has
        await until_it_rests(world, sender)
        await world.execute("UPDATE email_jobs SET dated_at = dated_at - interval '7 d'")
        await let_the_rest_pass(world, sender)
    sink.at_dot = lambda _: None
    await until_it_rests_or_has_sent(world, sender, ids)
    await let_the_rest_pass(world, sender)
    await world.until_all_are(ids, "sent")
    assert await unscathed(world, ids)


async def until_it_rests_or_has_sent(
    world: World, sender: uuid.UUID, ids: Sequence[uuid.UUID]
) -> None:
    async def either() -> bool:
        resting = await world.fetchval(
            "SELECT coalesce(resting_until > now(), false) FROM senders WHERE id = $1", sender
        )
        return bool(resting) or set(await world.states(ids)) == {"sent"}

    await world.until(either)


@pytest.mark.parametrize(
    "refusal",
    [
        "504 5.5.2 <host1>: Helo command rejected: need fully-qualified hostname",
        "450 4.7.1 <host1.local>: Helo command rejected: Host not found",
    ],
)
async def test_a_name_of_ours_that_is_refused_at_the_recipient_stops_the_sender_and_fails_nobody(
    world: World, sink: Sink, refusal: str
) -> None:
    sink.at_rcpt = lambda _: refusal
    sender = await world.sender(port=sink.port)
    ids = await world.emails(sender, None, 8)
    await world.signal(sender)

    async def broken() -> bool:
        row = await world.fetch("SELECT state, state_reason FROM senders WHERE id = $1", sender)
        return row[0]["state"] == "broken" and "Helo command rejected" in row[0]["state_reason"]

    await world.until(broken)
    assert await unscathed(world, ids)


async def test_one_recipients_grudge_stops_no_sender_that_others_take_mail_from(
    world: World, sink: Sink
) -> None:
    def at_rcpt(address: str) -> str | None:
        touchy = address == "reader30@example.org"
        return "554 5.7.1 <news@example.com>: Sender address rejected: no" if touchy else None

    sink.at_rcpt = at_rcpt
    sender = await world.sender(port=sink.port, max_connections=1)
    ids = await world.emails(sender, None, 60)
    await world.signal(sender)
    await sink.wait_for(59)
    await world.until_all_are(ids[:30] + ids[31:], "sent")
    assert await unscathed(world, ids)
    assert await world.fetchval("SELECT state FROM senders WHERE id = $1", sender) == "active"


async def test_an_account_that_is_suspended_on_the_way_stops_the_sender_and_fails_nobody(
    world: World, sink: Sink
) -> None:
    sink.at_dot = lambda _: (
        "554 Message rejected: Sending suspended for this account."
        if len(sink.taken) >= 20
        else None
    )
    sender = await world.sender(port=sink.port)
    ids = await world.emails(sender, None, 60)
    await world.signal(sender)

    async def broken() -> bool:
        found = await world.fetchval("SELECT state FROM senders WHERE id = $1", sender)
        return bool(found == "broken")

    await world.until(broken)
    assert await unscathed(world, ids)
