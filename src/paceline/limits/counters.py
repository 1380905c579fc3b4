"""The counters' door: reserve, confirm, settle, and rebuild, each one script on Redis' own clock.

`email_rate:{sender}:{YYYYMMDDHH}` counts a sender's emails of one UTC hour, `campaign_rate:…` a
campaign's. `email_gap:{sender}` and `campaign_gap:…` remember when the last one left, so that a
changed minimum delay holds from the next email on.
"""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError

from paceline import clock
from paceline.limits.bookings import (
    Budget,
    CampaignBudget,
    Denied,
    Granted,
    LimitsUnavailable,
    Reservation,
    Slot,
    SpentSource,
)
from paceline.redis_client import client

COUNTER_TTL = timedelta(hours=2)
# A slot is held this long for an email that is on its way; its end is set when it has left. If it
# was not set by then (its worker died, or is still at it), the evidence is asked.
SLOT_HOLD = timedelta(seconds=10)
SOCKET_TIMEOUT_SECONDS = 5
# For one question, however often it is put. What is booked by an answer that comes later is used by
# nobody and counts until the hour is over; but a turn that waits longer may have lost its lane.
PATIENCE_SECONDS = 4.0
MAX_TRIES = 4


class Limits:
    """Reserves and settles. `spent` is asked when a counter is missing."""

    def __init__(self, redis_url: str, *, spent: SpentSource) -> None:
        self._redis = client(
            redis_url,
            decode_responses=True,
            socket_timeout=SOCKET_TIMEOUT_SECONDS,
            socket_connect_timeout=SOCKET_TIMEOUT_SECONDS,
            retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 2),
        )
        self._spent = spent
        self._reserve = self._redis.register_script(_script("reserve"))
        self._confirm = self._redis.register_script(_script("confirm"))
        self._settle = self._redis.register_script(_script("settle"))
        self._restore = self._redis.register_script(_script("restore"))

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def reserve(
        self,
        budget: Budget,
        campaigns: Sequence[CampaignBudget],
        *,
        capacity: int,
        early: timedelta = timedelta(0),
    ) -> Granted | Denied:
        """Book up to `capacity` emails, fairly over the campaigns that want to send.

        A slot that opens within `early` is granted ahead of time; its `wait` says how soon it may
        be used. Raises `LimitsUnavailable`.
        """
        hour = _hour(clock.now())
        for _ in range(MAX_TRIES):
            match await self._ask(budget, campaigns, hour, capacity=capacity, early=early):
                case ["hour", now]:
                    hour = _hour(datetime.fromtimestamp(int(now) / 1000, UTC))
                case ["missing", *missing]:
                    whom = _missing(campaigns, missing)
                    await self._rebuild(budget.sender_id, whom, hour)
                case ["wait", wait, reason]:
                    return Denied(wait=timedelta(milliseconds=int(wait)), held_by=str(reason))
                case ["ok", taken_at, epoch, *grants]:
                    return _granted(budget, campaigns, hour, (int(taken_at), str(epoch), grants))
        raise LimitsUnavailable("Redis: the counters vanish as fast as they are rebuilt")

    async def confirm(self, reservation: Reservation) -> bool:
        """Whether the counters still have a booking; to be asked once its claims are committed.

        If they do, whoever rebuilds them finds these claims. If not, they may have been rebuilt
        without them, and used up by others. Raises `LimitsUnavailable`.
        """
        if not any(reservation.epochs.values()):
            # Nothing is limited. A limit that is set meanwhile is counted from this very turn on,
            # which is the only one that its lane has.
            return True
        keys = [
            _keys(reservation.sender_id, campaign_id, reservation.hour)[1]
            for campaign_id in reservation.epochs
        ]
        confirm = self._confirm(keys=keys, args=list(reservation.epochs.values()))
        return bool(await self._guarded(confirm))

    async def settle(
        self,
        reservation: Reservation,
        *,
        unused: Mapping[uuid.UUID | None, int],
        left: Mapping[uuid.UUID | None, int],
    ) -> None:
        """Give back `unused` reservations and note how many `left`, per campaign.

        Before the outcome is recorded, not after it: a counter that was rebuilt without a booking
        would lose it once more. One that was rebuilt in between keeps it until its hour is over,
        and the limit holds.
        """
        pairs: dict[uuid.UUID | None, tuple[int, int]]
        pairs = {None: (sum(unused.values()), sum(left.values()))}
        pairs |= {
            c: (unused.get(c, 0), left.get(c, 0)) for c in {**unused, **left} if c is not None
        }
        keys = [f"settled:{uuid.uuid4()}"]
        args: list[int | str] = [reservation.taken_at]
        for campaign_id, counts in pairs.items():
            keys += _keys(reservation.sender_id, campaign_id, reservation.hour)
            args += [reservation.epochs[campaign_id], *counts]
        await self._guarded(self._settle(keys=keys, args=args))

    async def take_one(
        self, sender_id: uuid.UUID, *, hourly_limit: int | None, min_delay_ms: int
    ) -> timedelta | None:
        """Count an email of no campaign that leaves now; None where it may, else the wait for one.

        Raises `LimitsUnavailable`.
        """
        budget = Budget(sender_id=sender_id, hourly_limit=hourly_limit, min_delay_ms=min_delay_ms)
        single = CampaignBudget(campaign_id=None, want=1, hourly_limit=None, min_delay_ms=0)
        answer = await self.reserve(budget, [single], capacity=1)
        if isinstance(answer, Denied):
            return answer.wait
        await self.settle(answer.reservation, unused={}, left={None: 1})
        return None

    async def answers(self) -> bool:
        """Whether the counters can be written now."""
        try:
            await self._guarded(_try_a_write(self._redis))
        except LimitsUnavailable:
            return False
        return True

    async def used_this_hour(
        self, *, senders: Sequence[uuid.UUID] = (), campaigns: Sequence[uuid.UUID] = ()
    ) -> dict[uuid.UUID, int]:
        """The counters as they stand, for people to read; a missing one is absent.

        Raises `LimitsUnavailable`, also where Redis refuses writes: then nothing can be counted.
        """
        hour = _hour(clock.now())
        names = {_keys(s, None, hour)[0]: s for s in senders}
        names |= {_keys(c, c, hour)[0]: c for c in campaigns}
        if not names:
            return {}
        async with self._redis.pipeline(transaction=False) as pipe:
            _try_a_write(pipe)
            pipe.mget(list(names))
            _, values = await self._guarded(pipe.execute())
        return {
            key: int(value)
            for key, value in zip(names.values(), values, strict=True)
            if value is not None
        }

    async def _guarded(self, call: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await call
        except TimeoutError as error:
            told = f"Redis: no answer within {PATIENCE_SECONDS:g} s"
            raise LimitsUnavailable(told) from error
        except (RedisError, OSError) as error:
            raise LimitsUnavailable(f"Redis: {error}") from error

    async def _ask(
        self,
        budget: Budget,
        campaigns: Sequence[CampaignBudget],
        hour: datetime,
        *,
        capacity: int,
        early: timedelta,
    ) -> list[Any]:
        keys = [*_keys(budget.sender_id, None, hour)]
        args: list[int | str] = [
            int(hour.timestamp()),
            capacity,
            _milliseconds(early),
            _milliseconds(SLOT_HOLD),
            int(COUNTER_TTL.total_seconds()),
            secrets.token_hex(8),
            _limit(budget.hourly_limit),
            budget.min_delay_ms,
        ]
        for campaign in campaigns:
            keys += _keys(budget.sender_id, campaign.campaign_id, hour, own=True)
            args += [campaign.want, _limit(campaign.hourly_limit), campaign.min_delay_ms]
        answer: list[Any] = await self._guarded(self._reserve(keys=keys, args=args))
        return answer

    async def _rebuild(
        self, sender_id: uuid.UUID, nonces: Mapping[uuid.UUID | None, str], hour: datetime
    ) -> None:
        """Those of these campaigns and, None, of the sender. Nothing, if they are others by now."""
        ids = [campaign_id for campaign_id in nonces if campaign_id is not None]
        spent = await self._spent(sender_id, ids, hour)
        keys: list[str] = []
        args: list[int | str] = [int(COUNTER_TTL.total_seconds()), _milliseconds(SLOT_HOLD)]
        for campaign_id, nonce in nonces.items():
            so_far = spent[campaign_id or sender_id]
            keys += _keys(sender_id, campaign_id, hour)
            ago = so_far.last_seconds_ago
            args += [nonce, so_far.used_this_hour, -1 if ago is None else max(-2, int(ago * 1000))]
        await self._guarded(self._restore(keys=keys, args=args))


def _try_a_write(redis: Redis) -> Awaitable[Any]:
    """Refused as any write would be, and changes nothing: no key has that name."""
    return redis.set("email_rate:nothing", "1", xx=True)


def _script(name: str) -> str:
    return (files("paceline.limits") / f"{name}.lua").read_text(encoding="utf-8")


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _keys(
    sender_id: uuid.UUID, campaign_id: uuid.UUID | None, hour: datetime, *, own: bool = False
) -> tuple[str, str]:
    """The rate and the gap key; `own`: single emails as a "campaign" without limits of its own."""
    stamp = f"{hour:%Y%m%d%H}"
    if campaign_id is not None:
        return f"campaign_rate:{campaign_id}:{stamp}", f"campaign_gap:{campaign_id}"
    if own:
        return f"single_rate:{sender_id}:{stamp}", f"single_gap:{sender_id}"
    return f"email_rate:{sender_id}:{stamp}", f"email_gap:{sender_id}"


def _limit(hourly_limit: int | None) -> int:
    return -1 if hourly_limit is None else hourly_limit


def _milliseconds(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)


def _missing(
    campaigns: Sequence[CampaignBudget], answer: Sequence[Any]
) -> dict[uuid.UUID | None, str]:
    """Whose counters are missing (None: the sender's), and under which nonce."""
    whom = (None, *(campaign.campaign_id for campaign in campaigns))
    return {
        whom[int(index)]: str(nonce) for index, nonce in zip(answer[::2], answer[1::2], strict=True)
    }


def _granted(
    budget: Budget,
    campaigns: Sequence[CampaignBudget],
    hour: datetime,
    answer: tuple[int, str, Sequence[Any]],
) -> Granted:
    taken_at, epoch, grants = answer
    epochs: dict[uuid.UUID | None, str] = {None: epoch}
    slots: list[Slot] = []
    each = zip(campaigns, grants[::3], grants[1::3], grants[2::3], strict=True)
    for campaign, granted, wait, of_campaign in each:
        if not granted:
            continue
        wait_ms = timedelta(milliseconds=int(wait))
        slots.append(Slot(campaign_id=campaign.campaign_id, granted=int(granted), wait=wait_ms))
        if campaign.campaign_id is not None:
            epochs[campaign.campaign_id] = str(of_campaign)
    reservation = Reservation(
        sender_id=budget.sender_id, hour=hour, taken_at=taken_at, epochs=epochs
    )
    return Granted(reservation=reservation, slots=tuple(slots))
