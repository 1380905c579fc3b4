"""Clients of Redis: by an address of its own, or by that of the Sentinels who know the primary.

`redis+sentinel://user:password@one:26379,two:26379/name/0` names some Sentinels, the name by which
they know the primary, and the number of the database; user and password are Redis' own. What the
Sentinels want is told by `sentinel_username` and `sentinel_password`; `rediss+sentinel://` speaks
TLS to all of them.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import (
    MasterNotFoundError,
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisGone
from redis.exceptions import RedisError, ResponseError

from paceline import cuts

SENTINEL_PORT = 26379
SENTINEL_SECONDS = 2.0  # for one of them to answer
AGREE_SECONDS = 0.3  # for the others, once one has
_SCHEME = "+sentinel"
_PATH = re.compile(r"/([^/]+)(?:/(\d{0,5}))?")
_HOST = re.compile(r"(\[[^\]]+\]|[^:\[\]]+)(?::(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class SentinelAddress:
    """An address by Sentinels, understood."""

    hosts: tuple[tuple[str, int], ...]
    name: str
    plain: str  # as a server's own address: scheme, number, parameters

    @classmethod
    def of(cls, url: str) -> SentinelAddress | None:
        """None for an address that is a server's own. Raises `ValueError`, worded for people."""
        parts = urlsplit(url)
        if not parts.scheme.endswith(_SCHEME):
            return None
        who, at, where = parts.netloc.rpartition("@")
        path = _PATH.fullmatch(parts.path)
        hosts = [_HOST.fullmatch(host) for host in where.split(",")]
        if path is None or not all(hosts):
            raise ValueError(
                "by Sentinel it is redis+sentinel://host:26379,host:26379/name/0, "
                "with the name by which they know the primary"
            )
        plain = f"{parts.scheme.removesuffix(_SCHEME)}://{who}{at}sentinel/{path[2] or 0}"
        return cls(
            hosts=tuple(
                (found[1].strip("[]"), int(found[2] or SENTINEL_PORT)) for found in hosts if found
            ),
            name=path[1],
            plain=plain + (f"?{parts.query}" if parts.query else ""),
        )

    def __str__(self) -> str:
        return f"{self.name}, by Sentinel at {', '.join(f'{h}:{p}' for h, p in self.hosts)}"


def client(url: str, **options: Any) -> Redis:
    """A client that notices a cut. Connects at its first command. `options` are redis-py's.

    Raises `ValueError` for an address that makes no sense.
    """
    if url.startswith("unix://"):
        return Redis.from_url(url, **options)
    options |= {"socket_keepalive": True, "socket_keepalive_options": cuts.tcp_options()}
    address = SentinelAddress.of(url)
    if address is None:
        return Redis.from_url(url, **options)
    return _by_sentinel(address, options)


def _by_sentinel(address: SentinelAddress, options: dict[str, Any]) -> Redis:
    told: dict[str, Any] = dict(parse_url(address.plain))
    encrypted = told.pop("connection_class", None) is not None
    told.pop("host", None)
    asks = {
        "username": told.pop("sentinel_username", None),
        "password": told.pop("sentinel_password", None),
        "ssl": encrypted,
        **{name: value for name, value in told.items() if name.startswith("ssl_")},
    }
    sentinels: Any = _Sentinels(  # type: ignore[no-untyped-call]
        address.hosts,
        sentinel_kwargs={
            **{name: value for name, value in asks.items() if value is not None},
            "socket_timeout": SENTINEL_SECONDS,
            "socket_connect_timeout": SENTINEL_SECONDS,
            "retry": Retry(NoBackoff(), 0),
        },
    )
    kind = _EncryptedToPrimary if encrypted else _ToPrimary
    opened: Redis = sentinels.master_for(
        address.name,
        connection_pool_class=_Primary,
        connection_class=kind,
        **{**options, **told},
    )
    return opened


class _Sentinels(Sentinel):
    """Asks all of them at once: whoever waits has no time to wait for those that are gone.

    One that is cut off from the others, as an old primary's neighbour is, goes on naming that. Each
    failover has a number, so the answer with the highest one is the newest.
    """

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        asking = {asyncio.create_task(self._told(one, service_name)) for one in self.sentinels}
        try:
            for answer in asyncio.as_completed(asking):
                if await answer is not None:
                    break
            await asyncio.wait(asking, timeout=AGREE_SECONDS)
            told = [found for task in asking if task.done() and (found := task.result())]
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
        if not told:
            raise MasterNotFoundError(f"no Sentinel knows a primary called {service_name}")
        _, host, port = max(told)
        return host, port

    async def _told(self, sentinel: Redis, service_name: str) -> tuple[int, str, int] | None:
        """The number of the failover, and where the primary is since."""
        try:
            primaries: Any = await sentinel.sentinel_masters()
        except (RedisError, OSError):
            return None
        known = primaries.get(service_name)
        if known is None or not self.check_master_state(known, service_name):
            return None
        return int(known["config-epoch"]), known["ip"], known["port"]


class _Primary(SentinelConnectionPool):
    """Closes what it has asked the Sentinels by, too."""

    async def disconnect(self, inuse_connections: bool = True) -> None:
        await super().disconnect(inuse_connections)
        if inuse_connections:  # else it only goes over to another primary
            await self.sentinel_manager.aclose()


class _ToPrimary(SentinelManagedConnection):
    """Looks for the primary again once this one may not be it any more."""

    async def read_response(self, *arguments: Any, **options: Any) -> Any:
        try:
            return await super().read_response(*arguments, **options)
        except ResponseError as error:
            # Cut off from its replicas it takes no writes: another one may be the primary by now,
            # which the Sentinels know and it does not.
            if "NOREPLICAS" not in str(error):
                raise
            await self.disconnect()
            raise RedisGone("the primary is cut off from its replicas") from error


class _EncryptedToPrimary(_ToPrimary, SentinelManagedSSLConnection):
    """The same over TLS."""
