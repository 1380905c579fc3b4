"""The settings: read once from the environment, checked, and handed on in small frozen pieces.

A name that nobody knows, a value that cannot be read and two settings that contradict each other
stop the start with one line that says what to change. `.env.example` explains each setting.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from paceline.domain.addresses import InvalidAddress, parse_address
from paceline.domain.host_names import introduction
from paceline.errors import SettingsError

SECRET_KEY_BYTES = 32
DNS_PORT = 53

GOOGLE_ISSUER = "https://accounts.google.com"

# Known here, read elsewhere: by the command line, by the build of the web assets.
_READ_ELSEWHERE = frozenset(
    {"PACELINE_ENV_FILE"}
    | {
        "PACELINE_HOME",
        "PACELINE_LOG",
        "PACELINE_LOG_LEVEL",
        "PACELINE_COMPONENT",
    }
    | {"PACELINE_URL", "PACELINE_API_KEY"}
    | {"PACELINE_SKIP_FRONTEND", "PACELINE_BUNDLED_NODE"}
)
_READ_HERE = frozenset(
    {"PACELINE_SECRET_KEY", "PACELINE_HOST", "PACELINE_LANES", "PACELINE_LEASE_SECONDS"}
    | {"PACELINE_HEARTBEAT_SECONDS", "PACELINE_GUARD_MARGIN_SECONDS"}
)
_WITHOUT_PREFIX = frozenset(
    {"DATABASE_URL", "REDIS_URL", "REDIS_HOST", "REDIS_PORT", "PORT", "BASE_URL"}
    | {"WORKER_CONCURRENCY", "DEVINBOX_PORT", "ALLOW_PRIVATE_HOSTS"}
    | {"SMTP_VERIFY", "HELO_NAME", "DNS_SERVER"}
    | {"GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET", "GOOGLE_BUTTON", "OIDC_ISSUER"}
    | {"ALLOWED_DOMAINS", "ADMINS"}
    | {"ETHEREAL_EMAIL", "ETHEREAL_PASS"}
)
NAMES = _READ_HERE | _READ_ELSEWHERE | _WITHOUT_PREFIX
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseSettings:
    """Where PostgreSQL is. The URL may hold a password."""

    url: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class RedisSettings:
    """Where Redis is. The URL may hold a password."""

    url: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiSettings:
    """Where the API and the dashboard listen, and what they are called from outside."""

    host: str = "127.0.0.1"
    port: int = 3001
    base_url: str = "http://localhost:3001"
    allow_private_hosts: bool = False
    verify_certificates: bool = True  # of the senders' servers
    helo_name: str | None = None  # to them; None: the machine's, or the connection's address
    dns_server: tuple[str, int] | None = None  # address and port; None: this machine's own

    @property
    def only_this_machine(self) -> bool:
        """Whether nobody else can reach it, by what it listens on and by what it is called."""
        return is_loopback(self.host) and is_this_machine(self.base_url)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderSettings:
    """Who vouches for people: an OpenID Connect provider, and what it knows us by."""

    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    redirects: bool = True  # sign in by going there and coming back
    button: bool = False  # sign in by Google's own button, which needs no secret

    @property
    def is_google(self) -> bool:
        return self.issuer == GOOGLE_ISSUER


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInSettings:
    """Who vouches for people (None: nobody, links alone), who may in, and who administers."""

    provider: ProviderSettings | None = None
    allowed_domains: frozenset[str] = frozenset()  # in lower case; empty: no rule
    admins: frozenset[str] = frozenset()  # addresses in lower case


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerSettings:
    """How much one worker process does at a time, and how long a claim of its holds."""

    concurrency: int = 64
    lanes: int = 32
    lease_seconds: int = 12
    heartbeat_seconds: int = 4
    guard_margin_seconds: int = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class DevInboxSettings:
    """Where the dev inbox takes SMTP."""

    host: str = "127.0.0.1"
    port: int = 1025


@dataclass(frozen=True, kw_only=True, slots=True)
class EtherealSettings:
    """An account at ethereal.email, for a sender that everybody has from the beginning."""

    email: str
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class SecretSettings:
    """The key that the senders' passwords are encrypted with."""

    key: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All pieces. The three without a default say so when they are asked for and not set."""

    api: ApiSettings = ApiSettings()
    sign_in: SignInSettings = SignInSettings()
    worker: WorkerSettings = WorkerSettings()
    devinbox: DevInboxSettings = DevInboxSettings()
    ethereal: EtherealSettings | None = None
    given_database: DatabaseSettings | None = None
    given_redis: RedisSettings | None = None
    given_secrets: SecretSettings | None = None

    @property
    def database(self) -> DatabaseSettings:
        """Raises `SettingsError` when DATABASE_URL is not set."""
        if self.given_database is None:
            raise SettingsError(_missing("DATABASE_URL", "postgresql://user:password@host/name"))
        return self.given_database

    @property
    def redis(self) -> RedisSettings:
        """Raises `SettingsError` when neither REDIS_URL nor REDIS_HOST is set."""
        if self.given_redis is None:
            raise SettingsError(_missing("REDIS_URL", "redis://host:6379/0"))
        return self.given_redis

    @property
    def secrets(self) -> SecretSettings:
        """Raises `SettingsError` when PACELINE_SECRET_KEY is not set."""
        if self.given_secrets is None:
            raise SettingsError(
                _missing("PACELINE_SECRET_KEY", "openssl rand -base64 32 makes one")
            )
        return self.given_secrets

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> Settings:
        """Read and check everything. An empty value counts as not set."""
        given = {name: value.strip() for name, value in env.items() if value.strip()}
        _refuse_unknown(given)
        api = _api(given)
        return cls(
            api=api,
            sign_in=_sign_in(given, api.base_url),
            worker=_worker(given),
            devinbox=DevInboxSettings(port=_number(given, "DEVINBOX_PORT", 1025, 1, 65535)),
            ethereal=_ethereal(given),
            given_database=_database(given),
            given_redis=_redis(given),
            given_secrets=_secrets(given),
        )


def _ethereal(env: Mapping[str, str]) -> EtherealSettings | None:
    email, password = env.get("ETHEREAL_EMAIL"), env.get("ETHEREAL_PASS")
    if (email is None) != (password is None):
        lacking = "ETHEREAL_PASS" if password is None else "ETHEREAL_EMAIL"
        raise SettingsError(f"{lacking} is not set: ETHEREAL_EMAIL and ETHEREAL_PASS go together")
    if email is None or password is None:
        return None
    try:
        return EtherealSettings(email=parse_address(email).address, password=password)
    except InvalidAddress as error:
        raise SettingsError(f"ETHEREAL_EMAIL is no address: {error}") from None


def _missing(name: str, example: str) -> str:
    return f"{name} is not set ({example}); `paceline up` needs no settings at all"


def _refuse_unknown(env: Mapping[str, str]) -> None:
    unknown = sorted(name for name in env if name.startswith("PACELINE_") and name not in NAMES)
    if unknown:
        known = ", ".join(sorted(_READ_HERE | _READ_ELSEWHERE))
        raise SettingsError(f"unknown setting {unknown[0]}; known are {known}")


def _database(env: Mapping[str, str]) -> DatabaseSettings | None:
    url = env.get("DATABASE_URL")
    if url is None:
        return None
    if not url.startswith(("postgresql://", "postgres://")):
        raise SettingsError("DATABASE_URL must begin with postgresql://")
    return DatabaseSettings(url=url)


def _redis(env: Mapping[str, str]) -> RedisSettings | None:
    url, host = env.get("REDIS_URL"), env.get("REDIS_HOST")
    if url and (host or "REDIS_PORT" in env):
        raise SettingsError("REDIS_URL and REDIS_HOST/REDIS_PORT are both set: keep one of them")
    if url and not url.startswith(("redis://", "rediss://", "unix://")):
        raise SettingsError("REDIS_URL must begin with redis://, rediss:// or unix://")
    if "REDIS_PORT" in env and not host:
        raise SettingsError("REDIS_PORT is set, but REDIS_HOST is not")
    port = _number(env, "REDIS_PORT", 6379, 1, 65535)
    if host:
        url = f"redis://[{host}]:{port}/0" if ":" in host else f"redis://{host}:{port}/0"
    return RedisSettings(url=url) if url else None


def _secrets(env: Mapping[str, str]) -> SecretSettings | None:
    text = env.get("PACELINE_SECRET_KEY")
    return None if text is None else SecretSettings(key=decode_secret_key(text))


def decode_secret_key(text: str) -> bytes:
    """32 bytes from base64, of either alphabet. Raises `SettingsError`; never repeats the value."""
    try:
        padded = text + "=" * (-len(text) % 4)
        key = base64.b64decode(padded.translate(str.maketrans("-_", "+/")), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != SECRET_KEY_BYTES:
        raise SettingsError(
            "PACELINE_SECRET_KEY must be 32 random bytes in base64: openssl rand -base64 32"
        )
    return key


def _api(env: Mapping[str, str]) -> ApiSettings:
    port = _number(env, "PORT", 3001, 1, 65535)
    return ApiSettings(
        host=env.get("PACELINE_HOST", "127.0.0.1"),
        port=port,
        base_url=_base_url(env, port),
        allow_private_hosts=_flag(env, "ALLOW_PRIVATE_HOSTS"),
        verify_certificates=_flag(env, "SMTP_VERIFY", default=True),
        helo_name=_helo_name(env),
        dns_server=_dns_server(env),
    )


def _dns_server(env: Mapping[str, str]) -> tuple[str, int] | None:
    text = env.get("DNS_SERVER")
    if text is None:
        return None
    try:
        parts = urlsplit(f"//{text}" if text.count(":") < 2 or "[" in text else f"//[{text}]")
        return str(ip_address(parts.hostname or "")), parts.port or DNS_PORT
    except ValueError:
        raise SettingsError(
            f"DNS_SERVER must be an address such as 192.0.2.53 or 127.0.0.1:5353, not {text!r}"
        ) from None


def _sign_in(env: Mapping[str, str], base_url: str) -> SignInSettings:
    provider = _provider(env, base_url)
    domains = _names(env, "ALLOWED_DOMAINS")
    for domain in domains:
        if "@" in domain or "." not in domain or "*" in domain:
            raise SettingsError(
                f"ALLOWED_DOMAINS must be domains such as example.com, commas between; not {domain}"
            )
    if domains and provider is None:
        raise SettingsError(
            "ALLOWED_DOMAINS is set, but nobody can sign in with an account of theirs: "
            "set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET, or take ALLOWED_DOMAINS away"
        )
    admins = _names(env, "ADMINS")
    for address in admins:
        name, _, domain = address.rpartition("@")
        if not name or not domain or " " in address:
            raise SettingsError(f"ADMINS must be addresses, commas between; not {address}")
    return SignInSettings(
        provider=provider, allowed_domains=frozenset(domains), admins=frozenset(admins)
    )


def _provider(env: Mapping[str, str], base_url: str) -> ProviderSettings | None:
    client_id, secret = env.get("GOOGLE_CLIENT_ID"), env.get("GOOGLE_CLIENT_SECRET")
    button = _flag(env, "GOOGLE_BUTTON")
    if client_id is None:
        for name in ("GOOGLE_CLIENT_SECRET", "OIDC_ISSUER", *(["GOOGLE_BUTTON"] if button else [])):
            if name in env:
                raise SettingsError(f"{name} is set, but GOOGLE_CLIENT_ID is not")
        return None
    issuer = _issuer(env)
    google = issuer == GOOGLE_ISSUER
    if google and secret is None and not button:
        raise SettingsError(
            "GOOGLE_CLIENT_ID is set, but GOOGLE_CLIENT_SECRET is not: Google asks for both "
            "(or set GOOGLE_BUTTON=yes for Google's own button, which needs no secret)"
        )
    if button and not google:
        raise SettingsError("GOOGLE_BUTTON is Google's, but OIDC_ISSUER names another provider")
    if google and not (base_url.startswith("https://") or is_this_machine(base_url)):
        raise SettingsError(
            f"BASE_URL is {base_url}, and Google takes nobody back to http:// but on localhost: "
            "give it https://"
        )
    return ProviderSettings(
        issuer=issuer,
        client_id=client_id,
        client_secret=secret,
        redirects=not google or secret is not None,
        button=button,
    )


def _issuer(env: Mapping[str, str]) -> str:
    issuer = env.get("OIDC_ISSUER", GOOGLE_ISSUER)
    parts = urlsplit(issuer)
    plain = parts.hostname and not (parts.query or parts.fragment or parts.username)
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(issuer))
    if not plain or not safe:
        raise SettingsError(
            "OIDC_ISSUER must be the provider's https:// address without query (http:// only on "
            f"this machine), not {issuer}"
        )
    return GOOGLE_ISSUER if issuer.rstrip("/") == GOOGLE_ISSUER else issuer


def is_this_machine(url: str) -> bool:
    """Whether an address can only lead to the machine of whoever follows it."""
    return urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def _names(env: Mapping[str, str], name: str) -> list[str]:
    """Comma-separated names, in lower case."""
    return [part.strip().lower() for part in env.get(name, "").split(",") if part.strip()]


def _helo_name(env: Mapping[str, str]) -> str | None:
    text = env.get("HELO_NAME")
    try:
        return None if text is None else introduction(text)
    except ValueError as error:
        raise SettingsError(f"HELO_NAME {error}; not {text!r}") from None


def _base_url(env: Mapping[str, str], port: int) -> str:
    url = env.get("BASE_URL", f"http://localhost:{port}").rstrip("/")
    parts = urlsplit(url)
    plain = not (parts.query or parts.fragment or parts.username)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not plain:
        raise SettingsError(f"BASE_URL must look like https://mail.example.com, not {url}")
    return url


def _worker(env: Mapping[str, str]) -> WorkerSettings:
    settings = WorkerSettings(
        concurrency=_number(env, "WORKER_CONCURRENCY", 64, 1, 1024),
        lanes=_number(env, "PACELINE_LANES", 32, 1, 1024),
        lease_seconds=_number(env, "PACELINE_LEASE_SECONDS", 12, 3, 600),
        heartbeat_seconds=_number(env, "PACELINE_HEARTBEAT_SECONDS", 4, 1, 200),
        guard_margin_seconds=_number(env, "PACELINE_GUARD_MARGIN_SECONDS", 3, 1, 200),
    )
    needed = 2 * settings.heartbeat_seconds + settings.guard_margin_seconds
    if settings.lease_seconds < needed:
        # One lost heartbeat must not cost a healthy worker its claims.
        raise SettingsError(
            f"PACELINE_LEASE_SECONDS is {settings.lease_seconds}: it must be at least {needed}, "
            "two heartbeats and the guard margin"
        )
    return settings


def _number(env: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = env.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
        raise SettingsError(f"{name} must be a whole number from {least} to {most}, not {text!r}")
    return int(text)


def _flag(env: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    text = env.get(name, "yes" if default else "no").lower()
    if text not in _TRUE | _FALSE:
        raise SettingsError(f"{name} must be yes or no, not {text!r}")
    return text in _TRUE
