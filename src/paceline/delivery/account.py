"""Where an email goes: the sender's SMTP account and one email's envelope.

Both are checked when they are made, so that nothing behind them has to ask again. Neither is ever
repaired: what cannot go on the wire as it stands is refused.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, urlsplit

from paceline.delivery.addresses import wire_address
from paceline.errors import InvalidInput

MAX_HOST_NAME = 253  # RFC 1035 §2.3.4, in text form
MAX_CREDENTIAL = 4096  # octets; both fit one AUTH PLAIN line of 12,288 (RFC 4954 §4)

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\.?|[0-9A-Fa-f:.]+")
_HELO_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[A-Za-z0-9:.]+\]")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_UNSENDABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_BEARER_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 §2.1


class Security(StrEnum):
    """How the connection is protected. There is no opportunistic form: it is this or nothing."""

    NONE = "none"  # plain text, credentials included
    STARTTLS = "starttls"  # upgraded before anything is said (RFC 3207)
    TLS = "tls"  # encrypted from the first byte (RFC 8314)


class Auth(StrEnum):
    """What an account's secret is, and so how it logs in."""

    PASSWORD = "password"  # noqa: S105  # the name of a kind: AUTH PLAIN or LOGIN
    XOAUTH2 = "xoauth2"  # an OAuth 2.0 access token, or a grant by which one is had


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """By what access tokens are had, and renewed (RFC 6749 §6). Raises `InvalidInput`.

    `of` is the sender whose grant it is, for whoever keeps a refresh token that was replaced.
    """

    token_endpoint: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)  # None: a public client
    refresh_token: str = field(repr=False)
    scope: str | None = None
    of: uuid.UUID | None = None

    def __post_init__(self) -> None:
        url = _parts_of(self.token_endpoint)
        is_here = url is not None and url.hostname in _LOOPBACK
        if url is None or not (url.scheme == "https" or (url.scheme == "http" and is_here)):
            raise InvalidInput.of("token_endpoint", "must look like https://host/path")
        for name in ("client_id", "client_secret", "refresh_token", "scope"):
            _refuse_unsendable(name, getattr(self, name))


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """How to reach one sender's SMTP server. Raises `InvalidInput` naming the field.

    `password` is the secret of whichever kind `auth` says; with `grant` there is none, until a
    token has been had by it.
    """

    host: str
    port: int
    security: Security
    auth: Auth = Auth.PASSWORD
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    grant: Grant | None = None
    helo_name: str | None = None  # None: as its pool says

    def __post_init__(self) -> None:
        if not self.host:
            raise InvalidInput.of("host", "is missing")
        if len(self.host) > MAX_HOST_NAME or not _HOST.fullmatch(self.host):
            raise InvalidInput.of("host", f"is not a host name or IP address: {self.host[:80]!a}")
        if not 1 <= self.port <= 65535:
            raise InvalidInput.of("port", f"must be between 1 and 65535, not {self.port}")
        self._refuse_what_is_no_helo_name()
        if self.grant is not None and (self.password is not None or self.auth is not Auth.XOAUTH2):
            raise InvalidInput.of("grant", "goes with xoauth2, and takes the place of a token")
        has_secret = self.password is not None or self.grant is not None
        if (self.username is None) == has_secret:
            lacking = "username" if has_secret else "password"
            raise InvalidInput.of(lacking, "is missing: give both a username and a password")
        for name, value in (("username", self.username), ("password", self.password)):
            _refuse_unsendable(name, value)
        if self.auth is Auth.XOAUTH2:
            self._refuse_what_is_no_token()

    def __hash__(self) -> int:
        return hash((self.host, self.username))  # asked for with each email: enough, and quick

    def _refuse_what_is_no_helo_name(self) -> None:
        name = self.helo_name
        if name is not None and (len(name) > MAX_HOST_NAME or not _HELO_NAME.fullmatch(name)):
            raise InvalidInput.of("helo_name", f"is not a host name: {name[:80]!a}")

    def _refuse_what_is_no_token(self) -> None:
        if self.username is None:
            raise InvalidInput.of("username", "is missing: xoauth2 logs in with it and a token")
        if self.password is not None and not _BEARER_TOKEN.fullmatch(self.password):
            raise InvalidInput.of("password", "is not an access token: letters, digits, -._~+/")


def _parts_of(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and not (parts.username or parts.fragment)
        _ = parts.port  # raises where it is none
    except ValueError:
        return None
    return parts if is_whole and len(url) <= MAX_CREDENTIAL and url.isprintable() else None


def _refuse_unsendable(name: str, value: str | None) -> None:
    if value is None:
        return
    if not value:
        raise InvalidInput.of(name, "is missing")
    if len(value.encode(errors="replace")) > MAX_CREDENTIAL:
        raise InvalidInput.of(name, f"is longer than {MAX_CREDENTIAL} octets")
    if _UNSENDABLE.search(value):  # NUL would split an AUTH PLAIN message (RFC 4616)
        raise InvalidInput.of(name, "contains control characters, or half of a surrogate pair")


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """Return path and the one recipient, in wire form. Raises `InvalidInput` naming the field."""

    mail_from: str
    rcpt_to: str

    def __post_init__(self) -> None:
        mail_from = wire_address(self.mail_from, field="mail_from")
        rcpt_to = wire_address(self.rcpt_to, field="rcpt_to")
        if mail_from is not self.mail_from:
            object.__setattr__(self, "mail_from", mail_from)
        if rcpt_to is not self.rcpt_to:
            object.__setattr__(self, "rcpt_to", rcpt_to)

    @property
    def needs_smtp_utf8(self) -> bool:
        """Whether a local part can only travel by SMTPUTF8 (RFC 6531)."""
        return not (self.mail_from.isascii() and self.rcpt_to.isascii())
