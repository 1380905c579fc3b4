"""Where PostgreSQL and Redis are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from paceline.errors import SettingsError
from paceline.settings.values import is_no_host, number, refuse_unreplaced

_NAME_AND_NUMBER = re.compile(r"/[^/]+/\d{1,5}")
_NUMBER = re.compile(r"/?|/\d{1,5}")
_HOST = re.compile(r"[^\s:/@?#\[\]]+|[0-9A-Fa-f:.]+(%\w+)?")  # a name, or an address


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseSettings:
    """Where PostgreSQL is. The URLs may hold passwords."""

    url: str = field(repr=False)
    # PostgreSQL itself, where `url` leads to a pooler that keeps a session no longer than its
    # transaction.
    direct_url: str | None = field(repr=False, default=None)

    @property
    def session_url(self) -> str:
        """Where a session lasts."""
        return self.direct_url or self.url


@dataclass(frozen=True, kw_only=True, slots=True)
class RedisSettings:
    """Where Redis is. The URL may hold a password."""

    url: str = field(repr=False)


def read_database(env: Mapping[str, str]) -> DatabaseSettings | None:
    """From DATABASE_URL, and DATABASE_DIRECT_URL where that is a pooler's."""
    url, direct = env.get("DATABASE_URL"), env.get("DATABASE_DIRECT_URL")
    if url is None:
        if direct is not None:
            raise SettingsError("DATABASE_DIRECT_URL is set, but DATABASE_URL is not")
        return None
    for name, given in (("DATABASE_URL", url), ("DATABASE_DIRECT_URL", direct)):
        if given is not None and not given.startswith(("postgresql://", "postgres://")):
            raise SettingsError(f"{name} must begin with postgresql://{_quoted(given)}")
        if given is not None:
            refuse_unreplaced(name, given)
    return DatabaseSettings(url=url, direct_url=direct)


def read_redis(env: Mapping[str, str]) -> RedisSettings | None:
    """From REDIS_URL, or from REDIS_HOST and REDIS_PORT."""
    url, host = env.get("REDIS_URL"), env.get("REDIS_HOST")
    if url and (host or "REDIS_PORT" in env):
        raise SettingsError("REDIS_URL and REDIS_HOST/REDIS_PORT are both set: keep one of them")
    by_sentinel = url is not None and url.startswith(("redis+sentinel://", "rediss+sentinel://"))
    if url and not by_sentinel and not url.startswith(("redis://", "rediss://", "unix://")):
        raise SettingsError(
            "REDIS_URL must begin with redis://, rediss:// or unix://, or with redis+sentinel:// "
            f"or rediss+sentinel:// where Sentinels know it{_quoted(url)}"
        )
    if url:
        refuse_unreplaced("REDIS_URL", url)
        _refuse_misread(url, by_sentinel=by_sentinel)
    if "REDIS_PORT" in env and not host:
        raise SettingsError("REDIS_PORT is set, but REDIS_HOST is not")
    port = number(env, "REDIS_PORT", 6379, 1, 65535)
    if host:
        if not _HOST.fullmatch(host) or is_no_host(host):
            raise SettingsError(
                f"REDIS_HOST must be a name or an address alone, not {host!r}: a URL is REDIS_URL, "
                "a port REDIS_PORT"
            )
        url = f"redis://[{host}]:{port}/0" if ":" in host else f"redis://{host}:{port}/0"
    return RedisSettings(url=url) if url else None


def _refuse_misread(url: str, *, by_sentinel: bool) -> None:
    """What the driver would take for a server of this machine, for its number 0, or for one that
    is away."""
    if url.startswith("unix://"):
        _refuse_no_socket(url)
        return
    try:
        _refuse_wrong_ports(url)
        parts = urlsplit(url)
        if not by_sentinel:
            _ = parts.port  # read, it is found to be a number
        if is_no_host(parts.hostname or ""):
            raise ValueError("no host")
    except ValueError:
        parts = urlsplit("//:")
    if (parts.netloc and parts.hostname is None) or parts.fragment:
        raise SettingsError(
            "REDIS_URL must look like redis://:password@host:6379/0, with : / ? # @ and [ in the "
            "password percent-encoded"
        )
    if by_sentinel and not _NAME_AND_NUMBER.fullmatch(parts.path):
        raise SettingsError(
            "REDIS_URL must end with the name of the primary and the number of a database, as in "
            "redis+sentinel://host:26379,host:26379/name/0"
        )
    if not by_sentinel and not _NUMBER.fullmatch(parts.path):
        raise SettingsError(
            "REDIS_URL must end with the number of a database, as in redis://host/0"
        )


def _refuse_no_socket(url: str) -> None:
    parts = urlsplit(url)
    if parts.hostname or parts.path in {"", "/"} or parts.fragment:
        raise SettingsError(
            "REDIS_URL must name a socket from the root on, as in unix:///run/redis/redis.sock"
        )


def _refuse_wrong_ports(url: str) -> None:
    """Of Sentinels, too, each of which has one. It is not repeated: it may be half a password."""
    for host in urlsplit(url).netloc.rpartition("@")[2].split(","):
        name, _, port = host.rpartition(":")
        if name and not host.endswith("]") and port.isdigit() and not 1 <= int(port) <= 65_535:
            raise SettingsError("REDIS_URL: its port must be from 1 to 65535")


def _quoted(text: str) -> str:
    """Env files of containers are not read by a shell, which takes them away."""
    is_so = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return ", without the quotation marks around it" if is_so else ""
