"""DATABASE_URL as every way into PostgreSQL reads it, whatever parameters it carries.

`sslmode` and its files are the driver's. What else stands in the query is a setting of the session
(`application_name`, `options`, `search_path`) and goes before ours. libpq knows more names, which
PostgreSQL would refuse as settings: those are refused with their name.
"""

from __future__ import annotations

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

CONNECT_TIMEOUT_SECONDS = 5
MAX_CONNECT_TIMEOUT_SECONDS = 60
_TIMEOUT = "connect_timeout"
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

    dsn: str
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
        _refuse_unusable_files(parsed)
        plain = parsed.set(drivername="postgresql").difference_update_query([_TIMEOUT])
        return cls(
            dsn=plain.render_as_string(hide_password=False),
            timeout=_timeout(parsed),
            chosen=frozenset(plain.query),
        )

    def options(self, defaults: Mapping[str, str]) -> dict[str, Any]:
        """Keyword arguments for `asyncpg`; `defaults` are settings where the URL makes none."""
        ours = {name: value for name, value in defaults.items() if name not in self.chosen}
        return {"dsn": self.dsn, "timeout": self.timeout, "server_settings": ours}


def parsed_url(url: str) -> URL:
    """The URL in its parts. Raises `SettingsError`, which never repeats it: there is a password."""
    try:
        return make_url(url.replace("postgres://", "postgresql://", 1))
    except (ArgumentError, ValueError):
        raise SettingsError(
            "DATABASE_URL must look like postgresql://user@host:5432/name, a password after the "
            "user and a colon (: / @ and # in it percent-encoded)"
        ) from None


def without_password(parsed: URL) -> URL:
    """As libpq spells it. `URL.set` takes None for no change."""
    return URL.create(
        "postgresql", parsed.username, None, parsed.host, parsed.port, parsed.database, parsed.query
    )


def shown(url: str) -> str:
    """Where it leads, for a person: no password, no parameters but the socket's folder."""
    parsed = parsed_url(url)
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
