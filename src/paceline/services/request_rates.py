"""Who may ask how often: each owner and each key, and each address of those whom nobody knows.

A key that was good a moment ago is asked for even from an address that sends many bad ones: behind
a proxy, or in an office, they are one.
"""

from __future__ import annotations

import hashlib
import math
import uuid
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address
from typing import TypeVar

from paceline import clock
from paceline.errors import TooMuchAtOnce
from paceline.limits import Bucket, Buckets, Taken
from paceline.settings.shares import ShareSettings

Key = TypeVar("Key")
Value = TypeVar("Value")

MAX_REMEMBERED = 10_000  # good keys, and addresses that have to wait
_NETWORK_BITS = 64  # of IPv6: what one customer has
_TOLD = "too many requests in a short time"


class RateExceeded(TooMuchAtOnce):
    """More than what `taken` allows in a minute."""

    def __init__(self, taken: Taken) -> None:
        seconds = math.ceil(taken.wait_ms / 1000)
        super().__init__(
            f"{_TOLD}: at most {taken.holds:,} in a minute", retry_after_seconds=seconds
        )
        self.taken = taken


class RequestRates:
    """Counts requests. What is too much raises `TooMuchAtOnce`.

    One key may use up half of its owner's; failed sign-ins count as those of strangers.
    """

    def __init__(self, buckets: Buckets, shares: ShareSettings) -> None:
        self._buckets = buckets
        self._shares = shares
        self._good: OrderedDict[bytes, None] = OrderedDict()
        self._waiting: OrderedDict[str, float] = OrderedDict()  # until when, in boot time

    async def owner(self, owner_id: uuid.UUID, *, key: str | None = None) -> Taken:
        """A request of this owner, with this key or in a session."""
        asked = [Bucket(name=f"owner:{owner_id}", holds=self._shares.requests_per_minute)]
        if key is not None:
            digest = _digest(key)
            _remember(self._good, digest, None)
            half = max(1, self._shares.requests_per_minute // 2)
            asked.append(Bucket(name=f"key:{digest.hex()}", holds=half))
        taken = await self._buckets.take(asked)
        _refuse(taken)
        return taken

    async def stranger(self, address: str | None) -> None:
        """A request of nobody whom we know, or a sign-in that failed, from this address."""
        name = _network(address)
        bucket = Bucket(name=f"address:{name}", holds=self._shares.strangers_per_minute)
        taken = await self._buckets.take([bucket])
        if taken.wait_ms:
            _remember(self._waiting, name, clock.boottime() + taken.wait_ms / 1000)
        _refuse(taken)

    def before_key(self, key: str, address: str | None) -> None:
        """Asked before a key is looked up: an address that has to wait is not looked up for."""
        until = self._waiting.get(_network(address), 0.0)
        left = until - clock.boottime()
        if left > 0 and _digest(key) not in self._good:
            raise TooMuchAtOnce(_TOLD, retry_after_seconds=math.ceil(left))


def _refuse(taken: Taken) -> None:
    if taken.wait_ms:
        raise RateExceeded(taken)


def _network(address: str | None) -> str:
    try:
        read = ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(read, IPv6Address):
        if read.ipv4_mapped:
            return str(read.ipv4_mapped)
        return f"{int(read) >> (128 - _NETWORK_BITS):x}/{_NETWORK_BITS}"
    return str(read)


def _digest(key: str) -> bytes:
    return hashlib.blake2s(key.encode(errors="replace"), digest_size=16).digest()


def _remember(known: OrderedDict[Key, Value], key: Key, value: Value) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > MAX_REMEMBERED:
        known.popitem(last=False)
