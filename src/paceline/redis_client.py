"""Clients of Redis: by an address of its own, or by that of the Sentinels who know the primary.

`redis+sentinel://user:password@one:26379,two:26379/name/0` names some Sentinels, the name by which
they know the primary, and the number of the database; user and password are Redis' own. What the
Sentinels want is told by `sentinel_username` and `sentinel_password`; `rediss+sentinel://` speaks
TLS to all of them.
"""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from paceline import cuts


def client(url: str, **options: Any) -> Redis:
    """A client that notices a cut. Connects at its first command. `options` are redis-py's."""
    if url.startswith("unix://"):
        return Redis.from_url(url, **options)
    options |= {"socket_keepalive": True, "socket_keepalive_options": cuts.tcp_options()}
    return Redis.from_url(url, **options)
