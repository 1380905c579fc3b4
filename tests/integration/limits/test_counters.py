"""Hourly limits and minimum gaps, on a real Redis: atomic, fair, rebuilt, closed when in doubt."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis.asyncio

from paceline.limits import (
    Budget,
    CampaignBudget,
    Denied,
    Granted,
    Limits,
    LimitsUnavailable,
    Reservation,
)

NO_TIME = timedelta(0)
LIMITED = [{"limit": 10}, {"gap": 60_000}]


@dataclass(frozen=True)
class Spent:
    used_this_hour: int = 0
    last_seconds_ago: float | None = None


@dataclass
class Evidence:
    """Stands for the database: what it says each key has spent."""

    spent: dict[uuid.UUID, Spent] = field(default_factory=dict)
    asked: int = 0

    async def __call__(
        self, sender_id: uuid.UUID, campaign_ids: Sequence[uuid.UUID], hour: datetime
    ) -> Mapping[uuid.UUID, Spent]:
        self.asked += 1
        return {key: self.spent.get(key, Spent()) for key in (sender_id, *campaign_ids)}


@pytest.fixture
def evidence() -> Evidence:
    return Evidence()


@pytest.fixture
async def limits(redis_url: str, evidence: Evidence) -> AsyncIterator[Limits]:
    limits = Limits(redis_url, spent=evidence)
    yield limits
    await limits.close()


def budget(*, limit: int | None = None, gap: int = 0, sender: uuid.UUID | None = None) -> Budget:
    return Budget(sender_id=sender or uuid.uuid4(), hourly_limit=limit, min_delay_ms=gap)


def campaign(want: int, *, limit: int | None = None, gap: int = 0) -> CampaignBudget:
    return CampaignBudget(campaign_id=uuid.uuid4(), want=want, hourly_limit=limit, min_delay_ms=gap)


async def granted(
    limits: Limits, sender: Budget, *campaigns: CampaignBudget, capacity: int = 1000
) -> list[int]:
    answer = await limits.reserve(sender, campaigns, capacity=capacity)
    if isinstance(answer, Denied):
        return [0 for _ in campaigns]
    by_campaign = {slot.campaign_id: slot.granted for slot in answer.slots}
    return [by_campaign.get(c.campaign_id, 0) for c in campaigns]


async def booked(limits: Limits, sender: Budget, *campaigns: CampaignBudget) -> Reservation:
    answer = await limits.reserve(sender, campaigns, capacity=1000)
    assert isinstance(answer, Granted)
    return answer.reservation


async def test_without_limits_everything_asked_for_is_granted(limits: Limits) -> None:
    assert await granted(limits, budget(), campaign(300)) == [300]


async def test_no_more_than_the_hourly_limit_is_granted_in_one_hour(limits: Limits) -> None:
    sender, one = budget(limit=10), campaign(6)
    assert await granted(limits, sender, one) == [6]
    assert await granted(limits, sender, one) == [4]
    denied = await limits.reserve(sender, [one], capacity=10)
    assert isinstance(denied, Denied)
    assert denied.held_by == "hourly_limit"
    assert NO_TIME < denied.wait <= timedelta(hours=1)


async def test_eight_workers_at_once_never_get_more_than_the_limit(limits: Limits) -> None:
    sender = budget(limit=100)
    answers = await asyncio.gather(*(granted(limits, sender, campaign(7)) for _ in range(8 * 10)))
    assert sum(n for answer in answers for n in answer) == 100


async def test_the_counter_has_the_name_and_the_life_that_are_promised(
    limits: Limits, redis_url: str
) -> None:
    sender = budget(limit=10)
    await granted(limits, sender, campaign(3))
    async with redis.asyncio.Redis.from_url(redis_url, decode_responses=True) as client:
        (key,) = await client.keys(f"email_rate:{sender.sender_id}:*")
        stamp = key.rsplit(":", 1)[1]
        assert len(stamp) == len("YYYYMMDDHH")
        assert stamp.isdigit()
        assert await client.get(key) == "3"
        assert 7_100 < await client.ttl(key) <= 7_200


async def test_a_campaign_has_a_limit_of_its_own(limits: Limits) -> None:
    sender, small, large = budget(limit=100), campaign(50, limit=5), campaign(50)
    assert await granted(limits, sender, small, large) == [5, 50]
    denied = await limits.reserve(sender, [small], capacity=10)
    assert isinstance(denied, Denied)
    assert denied.held_by == "campaign_hourly_limit"


async def test_twenty_emails_beside_fifty_thousand_are_not_starved(limits: Limits) -> None:
    small, large = campaign(20), campaign(50_000)
    assert await granted(limits, budget(), large, small, capacity=64) == [44, 20]


async def test_one_at_a_time_goes_round_in_turn(limits: Limits) -> None:
    sender, a, b, c = budget(), campaign(9), campaign(9), campaign(9)
    order = [await granted(limits, sender, a, b, c, capacity=1) for _ in range(6)]
    assert order == [[1, 0, 0], [0, 1, 0], [0, 0, 1]] * 2


async def test_what_is_given_back_can_be_granted_again(limits: Limits) -> None:
    sender, one = budget(limit=10), campaign(10, limit=10)
    answer = await limits.reserve(sender, [one], capacity=10)
    assert isinstance(answer, Granted)
    await limits.settle(answer.reservation, unused={one.campaign_id: 4}, left={})
    assert await granted(limits, sender, one) == [4]


class ForgetfulProxy:
    """Before Redis: passes everything on, and drops the connection instead of some answers."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self.drops = 0  # so many of the next answers

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        redis_reader, redis_writer = await asyncio.open_unix_connection(self._socket)
        try:
            while asked := await reader.read(65536):
                redis_writer.write(asked)
                answer = await redis_reader.read(65536)
                if self.drops:
                    self.drops -= 1
                    break
                writer.write(answer)
        finally:
            redis_writer.close()
            writer.close()


async def test_what_is_given_back_is_given_back_once_though_the_answer_is_lost(
    redis_url: str, evidence: Evidence, tmp_path: Path
) -> None:
    proxy, socket = ForgetfulProxy(urlsplit(redis_url).path), tmp_path / "redis.sock"
    async with await asyncio.start_unix_server(proxy.serve, socket):
        limits = Limits(redis_url.replace(urlsplit(redis_url).path, str(socket)), spent=evidence)
        sender, one = budget(limit=100), campaign(70)
        first = await limits.reserve(sender, [one], capacity=100)
        assert isinstance(first, Granted)
        for drops in (0, 1):  # the first time, Redis has to be told the script
            proxy.drops = drops
            await limits.settle(first.reservation, unused={one.campaign_id: 20}, left={})
        assert await limits.used_this_hour(senders=[sender.sender_id]) == {sender.sender_id: 30}
        await limits.close()


async def test_a_raised_limit_holds_at_once(limits: Limits) -> None:
    sender, one = budget(limit=2), campaign(10)
    assert await granted(limits, sender, one) == [2]
    raised = budget(limit=5, sender=sender.sender_id)
    assert await granted(limits, raised, one) == [3]


async def test_a_minimum_delay_grants_one_and_then_waits_for_its_end(limits: Limits) -> None:
    sender, one = budget(gap=60_000), campaign(5)
    first = await limits.reserve(sender, [one], capacity=10)
    assert isinstance(first, Granted)
    assert [slot.granted for slot in first.slots] == [1]
    assert isinstance(await limits.reserve(sender, [one], capacity=10), Denied)
    await limits.settle(first.reservation, unused={}, left={one.campaign_id: 1})
    denied = await limits.reserve(sender, [one], capacity=10)
    assert isinstance(denied, Denied)
    assert denied.held_by == "min_delay"
    assert timedelta(seconds=59) < denied.wait <= timedelta(seconds=60, milliseconds=1)


async def test_an_email_that_did_not_leave_frees_its_slot(limits: Limits) -> None:
    sender, one = budget(gap=60_000), campaign(5)
    first = await limits.reserve(sender, [one], capacity=10)
    assert isinstance(first, Granted)
    await limits.settle(first.reservation, unused={one.campaign_id: 1}, left={})
    assert await granted(limits, sender, one) == [1]


async def test_who_held_a_slot_for_too_long_does_not_free_it_for_the_one_after_the_next(
    limits: Limits, redis_url: str
) -> None:
    sender, one = budget(gap=1), campaign(5)
    frozen = await limits.reserve(sender, [one], capacity=10)
    assert isinstance(frozen, Granted)
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        await client.hset(f"email_gap:{sender.sender_id}", "busy_until", 0)  # as after ten seconds
    assert await granted(limits, sender, one) == [1]
    await limits.settle(frozen.reservation, unused={}, left={one.campaign_id: 1})
    denied = await limits.reserve(sender, [one], capacity=10)
    assert isinstance(denied, Denied)
    assert denied.wait > timedelta(seconds=9)


@pytest.mark.parametrize("of_whom", ["sender", "campaign"])
async def test_a_slot_whose_holder_has_died_is_judged_by_the_evidence(
    limits: Limits, evidence: Evidence, redis_url: str, of_whom: str
) -> None:
    gap = 60_000
    sender = budget(gap=gap if of_whom == "sender" else 0)
    one = campaign(5, gap=gap if of_whom == "campaign" else 0)
    key = sender.sender_id if of_whom == "sender" else one.campaign_id
    assert key is not None
    name = f"email_gap:{key}" if of_whom == "sender" else f"campaign_gap:{key}"
    assert await granted(limits, sender, one) == [1]
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        await client.hset(name, "busy_until", 1)  # as after ten seconds
        evidence.spent[key] = Spent(last_seconds_ago=-1)
        assert await granted(limits, sender, one) == [0]  # it is still under way
        await client.hset(name, "busy_until", 1)
        evidence.spent[key] = Spent(last_seconds_ago=12.0)
        denied = await limits.reserve(sender, [one], capacity=1)
        assert isinstance(denied, Denied)
        assert timedelta(seconds=47) < denied.wait <= timedelta(seconds=48)


async def test_a_slot_that_opens_soon_is_granted_ahead_with_its_wait(limits: Limits) -> None:
    sender, one = budget(gap=500), campaign(5)
    first = await limits.reserve(sender, [one], capacity=10)
    assert isinstance(first, Granted)
    await limits.settle(first.reservation, unused={}, left={one.campaign_id: 1})
    ahead = await limits.reserve(sender, [one], capacity=10, early=timedelta(seconds=1))
    assert isinstance(ahead, Granted)
    assert NO_TIME < ahead.slots[0].wait <= timedelta(milliseconds=501)


async def test_a_campaign_with_a_delay_holds_up_no_other(limits: Limits) -> None:
    sender, slow, quick = budget(), campaign(5, gap=60_000), campaign(5)
    assert await granted(limits, sender, slow, quick) == [1, 5]
    assert await granted(limits, sender, slow, quick) == [0, 5]


async def test_a_missing_counter_is_rebuilt_from_evidence_before_anything_is_granted(
    limits: Limits, evidence: Evidence, redis_url: str
) -> None:
    sender, one = budget(limit=10), campaign(10)
    assert await granted(limits, sender, one) == [10]
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        await client.flushall()
    evidence.spent[sender.sender_id] = Spent(used_this_hour=9)
    assert await granted(limits, sender, one) == [1]


async def test_a_missing_gap_is_rebuilt_from_evidence(limits: Limits, evidence: Evidence) -> None:
    sender, one = budget(gap=60_000), campaign(1)
    evidence.spent[sender.sender_id] = Spent(last_seconds_ago=10.0)
    denied = await limits.reserve(sender, [one], capacity=1)
    assert isinstance(denied, Denied)
    assert timedelta(seconds=45) < denied.wait <= timedelta(seconds=50)


async def test_a_limit_switched_off_and_on_again_is_counted_from_evidence(
    limits: Limits, evidence: Evidence
) -> None:
    sender, one = budget(limit=10), campaign(5)
    await granted(limits, sender, one)
    await granted(limits, budget(sender=sender.sender_id), one)
    evidence.spent[sender.sender_id] = Spent(used_this_hour=10)
    assert isinstance(await limits.reserve(sender, [one], capacity=5), Denied)


async def test_without_redis_nothing_is_granted(evidence: Evidence) -> None:
    limits = Limits("redis://127.0.0.1:1/0", spent=evidence)
    with pytest.raises(LimitsUnavailable):
        await limits.reserve(budget(), [campaign(1)], capacity=1)
    await limits.close()


async def test_the_counters_can_be_read_by_people(limits: Limits) -> None:
    sender, one = budget(limit=10), campaign(3, limit=5)
    await granted(limits, sender, one)
    assert one.campaign_id is not None
    used = await limits.used_this_hour(
        senders=[sender.sender_id, uuid.uuid4()], campaigns=[one.campaign_id]
    )
    assert used == {sender.sender_id: 3, one.campaign_id: 3}


async def test_a_redis_that_was_started_anew_is_not_trusted_with_what_it_remembers(
    limits: Limits, evidence: Evidence, redis_url: str
) -> None:
    sender, one = budget(limit=10), campaign(4, limit=8)
    assert await granted(limits, sender, one) == [4]
    # As after a crash that lost what was counted last: another run, and older numbers.
    async with redis.asyncio.Redis.from_url(redis_url, decode_responses=True) as connection:
        for key in await connection.keys("*_gap:*"):
            assert await connection.hget(key, "run") == (await connection.info())["run_id"]
            await connection.hset(key, "run", "before")
        for key in await connection.keys("*_rate:*"):
            await connection.set(key, 1)
    assert one.campaign_id is not None
    evidence.spent = {sender.sender_id: Spent(7), one.campaign_id: Spent(6)}
    assert await granted(limits, sender, one) == [2]
    assert (await limits.used_this_hour(senders=[sender.sender_id]))[sender.sender_id] == 9


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    async with redis.asyncio.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.mark.parametrize("of_whom", ["sender", "campaign"])
@pytest.mark.parametrize("limited", LIMITED)
async def test_a_booking_is_confirmed_while_its_counters_stand_and_never_again(
    limits: Limits, client: redis.asyncio.Redis, of_whom: str, limited: dict[str, int]
) -> None:
    sender = budget(**(limited if of_whom == "sender" else {}))
    one = campaign(1, **(limited if of_whom == "campaign" else {}))
    reservation = await booked(limits, sender, one)
    assert await limits.confirm(reservation)
    await client.flushall()
    assert not await limits.confirm(reservation)
    assert await limits.confirm(await booked(limits, sender, one))  # rebuilt, and without the first
    assert not await limits.confirm(reservation)


async def test_a_booking_is_not_confirmed_by_another_run_of_redis(
    limits: Limits, client: redis.asyncio.Redis
) -> None:
    sender = budget(limit=10)
    reservation = await booked(limits, sender, campaign(1))
    # As after a crash that lost that its epoch had ended.
    await client.hset(f"email_gap:{sender.sender_id}", "run", "before")
    assert not await limits.confirm(reservation)


async def test_a_primary_that_is_cut_off_from_its_replicas_confirms_nothing(
    limits: Limits, client: redis.asyncio.Redis
) -> None:
    reservation = await booked(limits, budget(limit=10), campaign(5))
    await client.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(LimitsUnavailable, match="NOREPLICAS"):
            await limits.confirm(reservation)
    finally:
        await client.config_set("min-replicas-to-write", 0)
    assert await limits.confirm(reservation)


@pytest.mark.parametrize("before", [{}, {"limit": 10}])
async def test_a_booking_is_not_confirmed_while_its_counter_is_being_rebuilt(
    limits: Limits, evidence: Evidence, redis_url: str, before: dict[str, int]
) -> None:
    sender, one = budget(limit=10), campaign(1, **before)
    reservation = await booked(limits, sender, one)

    async def claims_are_committed() -> None:
        assert not await limits.confirm(reservation)  # too late for the evidence that was read

    other = Limits(redis_url, spent=Overtaken(evidence, claims_are_committed))
    limited = CampaignBudget(campaign_id=one.campaign_id, want=1, hourly_limit=10, min_delay_ms=1)
    assert await granted(other, sender, limited) == [1]
    assert evidence.asked == 2
    await other.close()


async def test_a_booking_from_before_a_limit_is_not_confirmed_after_it(limits: Limits) -> None:
    sender, one = budget(limit=10), campaign(1)
    reservation = await booked(limits, sender, one)
    limited = CampaignBudget(campaign_id=one.campaign_id, want=1, hourly_limit=5, min_delay_ms=0)
    assert await limits.confirm(reservation)
    await booked(limits, sender, limited)
    assert not await limits.confirm(reservation)


async def test_a_limit_that_is_switched_off_and_on_again_confirms_nothing_from_before(
    limits: Limits,
) -> None:
    sender = budget(limit=10, gap=1)
    reservation = await booked(limits, sender, campaign(1))
    await limits.settle(reservation, unused={}, left={})
    without = budget(gap=1, sender=sender.sender_id)
    await limits.settle(await booked(limits, without, campaign(1)), unused={}, left={})
    assert await limits.confirm(reservation)  # the minimum delay stands
    await booked(limits, sender, campaign(1))
    assert not await limits.confirm(reservation)


async def test_without_any_limit_there_is_nothing_to_confirm(
    limits: Limits, client: redis.asyncio.Redis
) -> None:
    reservation = await booked(limits, budget(), campaign(1))
    await client.flushall()
    assert await limits.confirm(reservation)


async def test_a_rebuilt_counter_takes_back_nothing_that_it_does_not_have(
    limits: Limits, client: redis.asyncio.Redis
) -> None:
    sender, one = budget(limit=10), campaign(10, limit=10)
    first = await booked(limits, sender, one)
    await client.flushall()
    await booked(limits, sender, one)
    await limits.settle(first, unused={one.campaign_id: 10}, left={})
    assert isinstance(await limits.reserve(sender, [one], capacity=10), Denied)


async def test_a_slot_of_a_rebuilt_counter_is_not_freed_by_who_had_one_before(
    limits: Limits, client: redis.asyncio.Redis
) -> None:
    sender, one = budget(gap=1), campaign(1)
    first = await booked(limits, sender, one)
    await client.flushall()
    await booked(limits, sender, one)
    await limits.settle(first, unused={one.campaign_id: 1}, left={})
    assert isinstance(await limits.reserve(sender, [one], capacity=1), Denied)


async def test_a_slot_that_nobody_has_settled_is_not_granted_ahead_of_its_end(
    limits: Limits, client: redis.asyncio.Redis
) -> None:
    sender, one = budget(gap=1), campaign(1)
    await booked(limits, sender, one)
    key = f"email_gap:{sender.sender_id}"
    soon = int(await client.hget(key, "taken_at")) + 60_000
    await client.hset(key, "busy_until", soon)  # a minute, and "early" more than that
    answer = await limits.reserve(sender, [one], capacity=1, early=timedelta(hours=1))
    assert isinstance(answer, Denied)


class Overtaken:
    """Evidence that is read and then overtaken: others rebuild the counters and use them up, and
    they are lost once more, before it is brought back."""

    def __init__(self, evidence: Evidence, others: Callable[[], Awaitable[None]]) -> None:
        self._evidence = evidence
        self._others: Callable[[], Awaitable[None]] | None = others

    async def __call__(
        self, sender_id: uuid.UUID, campaign_ids: Sequence[uuid.UUID], hour: datetime
    ) -> Mapping[uuid.UUID, Spent]:
        found = await self._evidence(sender_id, campaign_ids, hour)
        if (others := self._others) is not None:
            self._others = None
            await others()
        return found


@pytest.mark.parametrize("since", ["wiped", "wiped, which is noticed", "restarted"])
async def test_evidence_from_before_another_loss_rebuilds_nothing(
    limits: Limits,
    evidence: Evidence,
    redis_url: str,
    client: redis.asyncio.Redis,
    since: str,
) -> None:
    sender, one = budget(limit=10), campaign(10)
    key = f"email_gap:{sender.sender_id}"

    async def others_use_it_up() -> None:
        before = await client.hgetall(key)
        assert await granted(limits, sender, one) == [10]
        evidence.spent[sender.sender_id] = Spent(used_this_hour=10)
        await client.flushall()
        if since == "wiped, which is noticed":
            await client.hset(key, mapping={**before, "pending": "of others"})
        if since == "restarted":  # it remembers when the counters were missing
            await client.hset(key, mapping={**before, "run": "before"})

    frozen = Limits(redis_url, spent=Overtaken(evidence, others_use_it_up))
    assert await granted(frozen, sender, one) == [0]
    assert await granted(limits, sender, one) == [0]
    await frozen.close()


async def test_two_who_rebuild_the_same_counter_do_not_keep_each_other_from_it(
    limits: Limits, evidence: Evidence, redis_url: str
) -> None:
    sender, one = budget(limit=10), campaign(10)

    async def another_rebuilds_it() -> None:
        assert await granted(limits, sender, one, capacity=4) == [4]

    other = Limits(redis_url, spent=Overtaken(evidence, another_rebuilds_it))
    assert await granted(other, sender, one) == [6]
    assert evidence.asked == 2
    await other.close()
