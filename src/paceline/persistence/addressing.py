"""DATABASE_URL as every way into PostgreSQL reads it, whatever parameters it carries.

Several hosts with commas between are the servers of which one takes writes at a time. `sslmode` and
its files are the driver's. What else stands in the query is a setting of the session
(`application_name`, `options`, `search_path`) and goes before ours. libpq knows more names, which
PostgreSQL would refuse as settings: those are refused with their name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from paceline.errors import SettingsError
from paceline.settings.tls_files import (
    refuse_unreadable,
    refuse_unusable_authority,
    refuse_unusable_identity,
)
from paceline.settings.values import is_no_host

CONNECT_TIMEOUT_SECONDS = 5
MAX_CONNECT_TIMEOUT_SECONDS = 60
_TIMEOUT = "connect_timeout"
_SEVERAL = re.compile(
    r"^(?P<who>postgresql://(?:[^@/?]*@)?)(?P<hosts>[^@/?]*,[^@/?]*)(?P<path>/[^?]*)?"
    r"(?:\?(?P<query>.*))?$"
)
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::(?P<port>\d+))?")
_SOCKET = ("%2f", "/")
_SERVERS = ("any", "primary", "standby", "prefer-standby", "read-write", "read-only")
# What libpq does on its own side and our driver does not.
_ONLY_LIBPQ = frozenset(
    {"channel_binding", "client_encoding", "fallback_application_name", "gssdelegation"}
    | {"gssencmode", "hostaddr", "keepalives", "keepalives_count", "keepalives_idle"}
    | {"keepalives_interval", "load_balance_hosts", "max_protocol_version", "min_protocol_version"}
    | {"replication", "require_auth", "requirepeer", "requiressl", "sslcertmode", "sslcompression"}
    | {"sslcrldir", "sslsni", "tcp_user_timeout"}
)


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """One DATABASE_URL, understood. Raises `SettingsError` when it cannot be."""

    dsns: tuple[str, ...]  # one for each host that it names
    timeout: float  # seconds until a connection stands
    chosen: frozenset[str]  # which settings of the session it makes itself

    @classmethod
    def of(cls, url: str) -> DatabaseAddress:
        """From the URL as people write it (`postgresql://`, `postgres://`)."""
        parsed = parsed_url(url)
        refused = sorted(_ONLY_LIBPQ & parsed.query.keys())
        if refused:
            raise SettingsError(
                f"DATABASE_URL: {refused[0]} is not known to the driver used here: take it away"
            )
        if parsed.query.get("target_session_attrs", "any") not in _SERVERS:
            told = f"target_session_attrs must be one of {', '.join(_SERVERS)}"
            raise SettingsError(f"DATABASE_URL: {told}")
        _refuse_unusable_files(parsed)
        plain = parsed.set(drivername="postgresql").difference_update_query([_TIMEOUT])
        return cls(
            dsns=tuple(each.render_as_string(hide_password=False) for each in _by_host(plain)),
            timeout=_timeout(parsed),
            chosen=frozenset(plain.query),
        )

    def options(self, defaults: Mapping[str, str]) -> dict[str, Any]:
        """Keyword arguments for `connecting`; `defaults` are settings where the URL makes none."""
        ours = {name: value for name, value in defaults.items() if name not in self.chosen}
        return {"dsns": self.dsns, "timeout": self.timeout, "server_settings": ours}


def parsed_url(url: str) -> URL:
    """The URL in its parts. Raises `SettingsError`, which never repeats it: there is a password."""
    try:
        parsed = make_url(
            _SEVERAL.sub(_in_the_query, url.replace("postgres://", "postgresql://", 1))
        )
        own = 5432 if parsed.port is None else parsed.port
        ports = [own, *(port for _, port in _hosts(parsed))]
        if not all(1 <= port <= 65_535 for port in ports):
            raise SettingsError("DATABASE_URL: its port must be from 1 to 65535")
        for host in (parsed.host or "", *dict(_hosts(parsed))):
            if not host.lower().startswith(_SOCKET) and is_no_host(host):
                raise ValueError("no host")
        return parsed
    except (ArgumentError, ValueError):
        raise SettingsError(
            "DATABASE_URL must look like postgresql://user@host:5432/name, a password after the "
            "user and a colon (: / @ and # in it percent-encoded)"
        ) from None


def _in_the_query(found: re.Match[str]) -> str:
    """Several hosts, as libpq and our driver read them besides: SQLAlchemy knows but one there."""
    hosts = [_HOST.fullmatch(host) for host in found["hosts"].split(",")]
    if None in hosts:
        raise ValueError("no host and port")
    names = ",".join(host["name"] for host in hosts if host)
    ports = ",".join(host["port"] or "5432" for host in hosts if host)
    more = f"&{found['query']}" if found["query"] else ""
    return f"{found['who']}{found['path'] or '/'}?host={names}&port={ports}{more}"


def _hosts(parsed: URL) -> list[tuple[str, int]]:
    """Those that the query names, if they are several servers. Raises `ValueError`."""
    names, port = parsed.query.get("host"), parsed.query.get("port")
    if not isinstance(names, str) or "," not in names:
        return []
    each, ports = names.split(","), str(port or "5432").split(",")
    if len(ports) == 1:
        ports *= len(each)
    return [(name.strip("[]"), int(port)) for name, port in zip(each, ports, strict=True)]


def _by_host(parsed: URL) -> list[URL]:
    """The same address for each of its hosts alone, which has to take writes."""
    hosts = _hosts(parsed)
    if not hosts:
        return [parsed]
    alone = parsed.difference_update_query(["host", "port"])
    alone = alone.update_query_dict({"target_session_attrs": "read-write"})
    return [alone.set(host=name, port=port) for name, port in hosts]


def without_password(parsed: URL) -> URL:
    """As libpq spells it. `URL.set` takes None for no change."""
    return URL.create(
        "postgresql", parsed.username, None, parsed.host, parsed.port, parsed.database, parsed.query
    )


def shown(url: str) -> str:
    """Where it leads, for a person: no password, no parameters but the socket's folder."""
    parsed = parsed_url(url)
    if hosts := _hosts(parsed):
        at = ",".join(f"{name}:{port}" for name, port in hosts)
        return f"{at}/{parsed.database or ''}"
    socket = parsed.query.get("host")
    host = parsed.host or (socket if isinstance(socket, str) else "") or "this machine"
    at = f"{host}:{parsed.port or 5432}" if parsed.host else host
    who = f"{parsed.username}@" if parsed.username else ""
    return f"{who}{at}/{parsed.database or ''}"


def _refuse_unusable_files(parsed: URL) -> None:
    named = {name: text for name, text in parsed.query.items() if isinstance(text, str)}
    authority, own = named.get("sslrootcert"), named.get("sslcert")
    if authority is not None and authority != "system":
        refuse_unusable_authority(authority, name="DATABASE_URL, sslrootcert")
    if own is not None:
        key, password = named.get("sslkey"), named.get("sslpassword")
        refuse_unusable_identity(own, key, password, name="DATABASE_URL, sslcert")
    for name in ("sslcrl", "passfile"):
        if name in named:
            refuse_unreadable(named[name], name=f"DATABASE_URL, {name}")


def _timeout(parsed: URL) -> float:
    text = parsed.query.get(_TIMEOUT)
    if text is None:
        return CONNECT_TIMEOUT_SECONDS
    known = isinstance(text, str) and text.isascii() and text.isdigit()
    if not known or not 1 <= int(str(text)) <= MAX_CONNECT_TIMEOUT_SECONDS:
        raise SettingsError(
            f"DATABASE_URL: {_TIMEOUT} must be seconds from 1 to {MAX_CONNECT_TIMEOUT_SECONDS}"
        )
    return int(str(text))
