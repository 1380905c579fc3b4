"""Who vouches for people, who may in, and who administers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from paceline.domain.addresses import InvalidAddress, parse_address
from paceline.errors import SettingsError
from paceline.settings.reach import is_this_machine
from paceline.settings.values import flag, is_no_host, names, web_address

GOOGLE_ISSUER = "https://accounts.google.com"
_GOOGLES_IDS = ".apps.googleusercontent.com"
_NOT = re.compile(r"[*;:/\"'<>()\[\]]")  # in a domain


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


def read_sign_in(env: Mapping[str, str], base_url: str) -> SignInSettings:
    """Needs the BASE_URL, as Google takes nobody back to any other http:// than localhost."""
    provider = _provider(env, base_url)
    domains = names(env, "ALLOWED_DOMAINS")
    for domain in domains:
        if "." not in domain or domain.endswith(".") or is_no_host(domain) or _NOT.search(domain):
            raise SettingsError(
                f"ALLOWED_DOMAINS must be domains such as example.com, commas between; not {domain}"
            )
    if domains and provider is None:
        raise SettingsError(
            "ALLOWED_DOMAINS is set, but nobody can sign in with an account of theirs: "
            "set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET, or take ALLOWED_DOMAINS away"
        )
    admins = names(env, "ADMINS")
    for address in admins:
        try:
            parse_address(address)
        except InvalidAddress:
            told = f"ADMINS must be addresses, commas between; not {address}"
            raise SettingsError(told) from None
    return SignInSettings(
        provider=provider, allowed_domains=frozenset(domains), admins=frozenset(admins)
    )


def _provider(env: Mapping[str, str], base_url: str) -> ProviderSettings | None:
    client_id, secret = env.get("GOOGLE_CLIENT_ID"), env.get("GOOGLE_CLIENT_SECRET")
    button = flag(env, "GOOGLE_BUTTON")
    if client_id is None:
        for name in ("GOOGLE_CLIENT_SECRET", "OIDC_ISSUER", *(["GOOGLE_BUTTON"] if button else [])):
            if name in env:
                raise SettingsError(f"{name} is set, but GOOGLE_CLIENT_ID is not")
        return None
    if client_id[0] in "\"'":  # no shell reads an env file of containers, and takes them away
        raise SettingsError("GOOGLE_CLIENT_ID has quotation marks around it: take them away")
    issuer = _issuer(env)
    google = issuer == GOOGLE_ISSUER
    if google and (secret or "").endswith(_GOOGLES_IDS):
        raise SettingsError(
            "GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET are the wrong way round: the id ends with "
            f"{_GOOGLES_IDS}"
        )
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
    parts = web_address(issuer)
    if (
        parts is None
        or parts.query
        or parts.fragment
        or not (parts.scheme == "https" or is_this_machine(issuer))
    ):
        raise SettingsError(
            "OIDC_ISSUER must be the provider's https:// address without query (http:// only on "
            f"this machine), not {issuer}"
        )
    return GOOGLE_ISSUER if issuer.rstrip("/") == GOOGLE_ISSUER else issuer
