"""How the usual providers take mail: what is filled in for whoever names one.

Nothing here is enforced: it is offered, and may be changed. What is known of whom is in
`preset_table.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from paceline.domain import preset_table as table
from paceline.domain.oauth import OAuth

CUSTOM = "custom"
DEV_INBOX = "dev-inbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A provider. `regions` are names and hosts where it has several, `host` the usual one.

    `user_name` and `credential` say in words what belongs there, `credential_url` where it is made.
    `oauth` is set where it takes OAuth 2.0 access tokens.
    """

    key: str
    name: str
    host: str = ""
    port: int = 587
    security: Literal["none", "starttls", "tls"] = "starttls"
    auth: Literal["password", "xoauth2"] = "password"
    user_name: str = ""
    user_name_is_address: bool = False
    credential: str = ""
    credential_url: str | None = None
    hourly_limit: int | None = None
    min_delay_ms: int = 0
    limits: str = ""
    regions: Mapping[str, str] = field(default_factory=dict)
    domains: frozenset[str] = frozenset()  # of addresses that can only be there
    exchangers: tuple[str, ...] = ()  # ends of the MX names of domains that are there
    spf_include: str | None = None  # what SPF of a domain that sends by it has to name
    own_return_path: bool = False  # it puts its own domain there, unless told otherwise
    oauth: OAuth | None = None

    @property
    def token_endpoint(self) -> str | None:
        """Where access tokens are had."""
        return self.oauth.token_endpoint if self.oauth else None

    @property
    def scope(self) -> str | None:
        """What access tokens are for."""
        return self.oauth.scope if self.oauth else None

    def host_in(self, region: str | None = None) -> str:
        """Its server. Raises `ValueError` for a region that it does not have."""
        if not region:
            return self.host
        if region not in self.regions:
            raise ValueError(f"is none of {', '.join(self.regions) or 'its regions: it has one'}")
        return self.regions[region]

    @property
    def hosts(self) -> frozenset[str]:
        """All its servers."""
        return frozenset({self.host, *self.regions.values()}) - {""}


def _preset(key: str) -> Preset:
    pace, log_in = table.PACES[key], table.LOG_INS[key]
    return Preset(
        key=key,
        name=pace.name,
        host=pace.host,
        auth=table.AUTHS.get(key, "password"),
        user_name=log_in.user_name,
        user_name_is_address=log_in.user_name_is_address,
        credential=log_in.credential,
        credential_url=log_in.url,
        hourly_limit=pace.hourly_limit or None,
        min_delay_ms=pace.min_delay_ms,
        limits=pace.limits,
        regions=table.REGIONS.get(key, {}),
        oauth=table.OAUTHS.get(key),
        **table.DOMAINS.get(key, table.Domain())._asdict(),
    )


PRESETS: tuple[Preset, ...] = tuple(map(_preset, table.PACES))

_BY_KEY = {preset.key: preset for preset in PRESETS}


def preset_of(key: str) -> Preset | None:
    """The one of this key."""
    return _BY_KEY.get(key)


def preset_for_host(host: str) -> Preset | None:
    """The one whose server this is."""
    name = host.lower().rstrip(".")
    return next((preset for preset in PRESETS if name in preset.hosts), None)


def guess(address: str, exchangers: Iterable[str] = ()) -> Preset | None:
    """Where an address has its mailbox: by its domain, or by the MX names of that."""
    domain = address.rpartition("@")[2].strip().lower()
    return _first(PRESETS, domain, [name.lower().rstrip(".") for name in exchangers])


def _first(presets: Sequence[Preset], domain: str, exchangers: Sequence[str]) -> Preset | None:
    for preset in presets:
        if domain in preset.domains:
            return preset
    for preset in presets:
        if any(f".{name}".endswith(end) for name in exchangers for end in preset.exchangers):
            return preset
    return None
