"""How often something may be asked for, on a real Redis and without one."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
import redis.asyncio

from paceline.errors import TooMuchAtOnce
from paceline.limits import Bucket, Buckets
from paceline.limits import buckets as buckets_module
from paceline.observability import troubles
from paceline.services.request_rates import RequestRates
from paceline.settings.shares import ShareSettings

NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture(params=["with Redis", "without"])
async def buckets(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[Buckets]:
    buckets = Buckets(redis_url if request.param == "with Redis" else NOBODY)
    yield buckets
    await buckets.close()


def bucket(holds: int) -> Bucket:
    return Bucket(name=str(uuid.uuid4()), holds=holds)


async def test_a_bucket_gives_what_it_holds_and_says_when_there_is_more(buckets: Buckets) -> None:
    once_a_minute = bucket(1)
    first = await buckets.take([once_a_minute])
    assert (first.holds, first.remaining, first.wait_ms) == (1, 0, 0)
    assert 0 < first.reset_ms <= 60_001
    second = await buckets.take([once_a_minute])
    assert second.remaining == 0
    assert 0 < second.wait_ms <= 60_001


async def test_what_is_left_is_told(buckets: Buckets) -> None:
    hundred = bucket(100)
    left = [(await buckets.take([hundred])).remaining for _ in range(3)]
    assert left[0] == 99
    assert left == sorted(left, reverse=True)


async def test_of_several_nothing_is_taken_where_one_is_empty(buckets: Buckets) -> None:
    small, large = bucket(1), bucket(100)
    await buckets.take([large, small])
    refused = await buckets.take([large, small])
    assert (refused.holds, refused.wait_ms > 0) == (1, True)
    assert (await buckets.take([large])).remaining >= 98


async def test_all_processes_take_out_of_the_same_bucket(redis_url: str) -> None:
    shared, several = bucket(10), [Buckets(redis_url) for _ in range(4)]
    answers = await asyncio.gather(*(b.take([shared]) for b in several for _ in range(10)))
    assert sum(answer.wait_ms == 0 for answer in answers) in (10, 11)  # one flows in in 6 s
    for one in several:
        await one.close()


async def test_a_redis_that_is_away_is_told_once_and_again_when_it_is_back(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(buckets_module, "AWAY_SECONDS", 0.0)  # it is asked each time
    monkeypatch.setattr(troubles, "QUIET_FOR_REQUESTS_SECONDS", 0.0)
    buckets = Buckets(redis_url)
    monkeypatch.setattr(buckets, "_take", Buckets(NOBODY)._take)
    for _ in range(3):
        await buckets.take([bucket(9)])
    monkeypatch.undo()
    await buckets.take([bucket(9)])
    await buckets.close()
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2, told
    assert "over after" in told[1]
    assert "met 3 times" in told[1]


async def test_a_bucket_is_forgotten_when_it_is_full_again(redis_url: str) -> None:
    buckets, some = Buckets(redis_url), bucket(60)
    await buckets.take([some])
    async with redis.asyncio.Redis.from_url(redis_url) as connection:
        assert 0 < await connection.pttl(f"bucket:{some.name}") <= 2_001
    await buckets.close()


def rates_of(buckets: Buckets, *, requests: int = 100, strangers: int = 2) -> RequestRates:
    shares = ShareSettings(requests_per_minute=requests, strangers_per_minute=strangers)
    return RequestRates(buckets, shares)


async def test_one_key_uses_up_half_of_what_its_owner_may(buckets: Buckets) -> None:
    rates, owner = rates_of(buckets, requests=4), uuid.uuid4()
    for _ in range(2):
        await rates.owner(owner, key="pl_one")
    with pytest.raises(TooMuchAtOnce, match="at most 2 in a minute") as refused:
        await rates.owner(owner, key="pl_one")
    assert 1 <= refused.value.retry_after_seconds <= 30
    await rates.owner(owner)
    await rates.owner(uuid.uuid4(), key="pl_another")


@pytest.mark.parametrize(
    ("address", "neighbour"),
    [("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::2"), ("::ffff:192.0.2.1", "192.0.2.1")],
)
async def test_an_address_that_guesses_waits_and_others_do_not(
    buckets: Buckets, address: str, neighbour: str
) -> None:
    rates = rates_of(buckets)
    for _ in range(2):
        await rates.stranger(address)
    with pytest.raises(TooMuchAtOnce):
        await rates.stranger(neighbour)
    await rates.stranger("198.51.100.7")


async def test_a_good_key_is_not_kept_out_by_bad_ones_from_its_address(buckets: Buckets) -> None:
    rates, address = rates_of(buckets), "192.0.2.1"
    await rates.owner(uuid.uuid4(), key="pl_good")
    for _ in range(2):
        await rates.stranger(address)
    with pytest.raises(TooMuchAtOnce):
        await rates.stranger(address)
    with pytest.raises(TooMuchAtOnce):
        rates.before_key("pl_bad", address)
    rates.before_key("pl_good", address)
    rates.before_key("pl_bad", "198.51.100.7")
