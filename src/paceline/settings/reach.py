"""Where Paceline is reached, and how it reaches others."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from paceline.domain.host_names import introduction
from paceline.errors import SettingsError
from paceline.settings.values import flag, number, web_address

DNS_PORT = 53
SHORTEST_TOKEN = 16  # characters
_LOOPBACK = ("127.0.0.1", "::1")


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiSettings:
    """Where the API and the dashboard listen, and what they are called from outside."""

    host: str = "127.0.0.1"
    port: int = 3001
    base_url: str = "http://localhost:3001"
    trusted_proxies: tuple[str, ...] = _LOOPBACK  # that say who asks; addresses, networks, or "*"
    allow_private_hosts: bool = False
    verify_certificates: bool = True  # of the senders' servers
    helo_name: str | None = None  # to them; None: the machine's, or the connection's address
    dns_server: tuple[str, int] | None = None  # address and port; None: this machine's own
    metrics_token: str | None = field(default=None, repr=False)  # None: for this machine alone

    @property
    def only_this_machine(self) -> bool:
        """Whether nobody else can reach it, by what it listens on and by what it is called."""
        return is_loopback(self.host) and is_this_machine(self.base_url)


def read_api(env: Mapping[str, str]) -> ApiSettings:
    """From all that says where it listens, what it is called, and whom it talks to."""
    port = number(env, "PORT", 3001, 1, 65535)
    return ApiSettings(
        host=env.get("PACELINE_HOST", "127.0.0.1"),
        port=port,
        base_url=_base_url(env, port),
        trusted_proxies=_trusted_proxies(env),
        allow_private_hosts=flag(env, "ALLOW_PRIVATE_HOSTS"),
        verify_certificates=flag(env, "SMTP_VERIFY", default=True),
        helo_name=_helo_name(env),
        dns_server=_dns_server(env),
        metrics_token=_metrics_token(env),
    )


def is_this_machine(url: str) -> bool:
    """Whether an address can only lead to the machine of whoever follows it."""
    return urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def is_any_address(host: str) -> bool:
    """Whether it stands for all addresses of a machine: to listen on, and to go to none."""
    with suppress(ValueError):
        return ip_address(host).is_unspecified
    return host == "0"


def _base_url(env: Mapping[str, str], port: int) -> str:
    url = env.get("BASE_URL", f"http://localhost:{port}").rstrip("/")
    parts = web_address(url)
    if parts is None or parts.path or parts.query or parts.fragment:
        raise SettingsError(f"BASE_URL must look like https://mail.example.com, not {url}")
    if is_any_address(parts.hostname or ""):
        raise SettingsError(
            f"BASE_URL is {url}, which leads nobody here: that is an address to listen on. Set "
            "PACELINE_HOST to it, and BASE_URL to what others call this machine"
        )
    return url


def _trusted_proxies(env: Mapping[str, str]) -> tuple[str, ...]:
    text = env.get("FORWARDED_ALLOW_IPS")
    if text is None:
        return _LOOPBACK
    named = tuple(part.strip() for part in text.split(",") if part.strip())
    if named == ("*",):
        return named
    for part in named:
        try:
            ip_network(part)
        except ValueError:
            raise SettingsError(
                "FORWARDED_ALLOW_IPS must be addresses or networks with commas between, such as"
                f" 10.0.0.7,10.1.0.0/16, or * alone; not {part!r}"
            ) from None
    return named


def _helo_name(env: Mapping[str, str]) -> str | None:
    text = env.get("HELO_NAME")
    try:
        return None if text is None else introduction(text)
    except ValueError as error:
        raise SettingsError(f"HELO_NAME {error}; not {text!r}") from None


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


def _metrics_token(env: Mapping[str, str]) -> str | None:
    token = env.get("PACELINE_METRICS_TOKEN")
    if token is None or (len(token) >= SHORTEST_TOKEN and token.isascii() and " " not in token):
        return token
    raise SettingsError(
        f"PACELINE_METRICS_TOKEN must be {SHORTEST_TOKEN} ASCII characters or more, and no spaces: "
        "openssl rand -hex 32"
    )
