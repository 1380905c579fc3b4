"""One OpenID Connect provider: what it says of itself, its keys, codes for tokens, who somebody is.

What it says of itself and its keys are kept for an hour, and longer while it does not answer; keys
are fetched again when a token names one that is not there. Nothing here decides who may in.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet

from paceline import clock
from paceline.auth.oidc.id_token import Claims, Expected, KeyNotKnown, verified
from paceline.auth.oidc.transport import TIMEOUT_SECONDS, bounded, client, exchange
from paceline.auth.refusals import ProviderUnreachable, Refusal, SignInRefused
from paceline.settings import GOOGLE_ISSUER, ProviderSettings

SCOPE = "openid email profile"
KEPT_SECONDS = 3600
NEW_KEYS_AT_MOST_EVERY_SECONDS = 10  # else whoever invents key names makes us ask without end
# Who presses again meanwhile is told at once; and for so long others are told of it.
ASKED_AGAIN_SECONDS = 3
TOLD_SECONDS = 60
MAX_KEYS = 50
MAX_CODE_CHARACTERS = 4096
MAX_EXCHANGES = 64  # of codes at a time, which anybody may bring

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """OpenID Connect Discovery §3, as far as it is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    names_itself: bool  # in its answers (RFC 9207)
    offers_choice: bool  # of the account


class Provider:
    """Asks the provider of the settings. Shared by all requests of a process."""

    def __init__(self, settings: ProviderSettings, *, redirect_uri: str) -> None:
        self.settings = settings
        self.redirect_uri = redirect_uri
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._asked_for_new_keys = float("-inf")
        self._asking: asyncio.Task[Metadata] | None = None
        self._unreachable: ProviderUnreachable | None = None
        self._unreachable_at = 0.0
        self._exchanging = 0

    @property
    def host(self) -> str:
        """What people know it by."""
        return urlsplit(self.settings.issuer).hostname or ""

    async def metadata(self) -> Metadata:
        """Raises `ProviderUnreachable`, or `SignInRefused` when it is not the one we asked."""
        known = self._metadata
        if known is not None and clock.boottime() - known[0] < KEPT_SECONDS:
            return known[1]
        try:
            return await self._discovered()
        except ProviderUnreachable:
            if known is None:
                raise
            return known[1]

    @property
    def is_silent(self) -> bool:
        """Whether it did not answer when it was asked last, which was not long ago."""
        return self._unreachable is not None and self._silent_for() < TOLD_SECONDS

    async def _discovered(self) -> Metadata:
        """Asked once for all who want to know now, and not again right after it was silent."""
        if self._unreachable is not None and self._silent_for() < ASKED_AGAIN_SECONDS:
            raise ProviderUnreachable(str(self._unreachable))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
            self._asking.add_done_callback(self._answered)
        return await asyncio.shield(self._asking)

    async def _ask(self) -> Metadata:
        metadata = await self._discover()
        self._metadata = (clock.boottime(), metadata)
        return metadata

    def _answered(self, asking: asyncio.Task[Metadata]) -> None:
        self._asking = self._unreachable = None
        if not asking.cancelled() and isinstance(error := asking.exception(), ProviderUnreachable):
            self._unreachable, self._unreachable_at = error, clock.boottime()

    def _silent_for(self) -> float:
        return clock.boottime() - self._unreachable_at

    async def authorization_url(self, *, state: str, nonce: str, verifier: str, hint: str) -> str:
        """Where somebody signs in. `hint` is the one domain that may, or empty."""
        metadata = await self.metadata()
        extra = {"nonce": nonce}
        if metadata.offers_choice:
            extra["prompt"] = "select_account"
        if hint and self.settings.is_google:
            extra["hd"] = hint
        async with self._oauth() as oauth:
            url, _ = oauth.create_authorization_url(
                metadata.authorization_endpoint, state=state, code_verifier=verifier, **extra
            )
        return str(url)

    async def tokens(self, code: str, *, verifier: str) -> dict[str, Any]:
        """What the provider gives for a code. Raises `SignInRefused`, `ProviderUnreachable`."""
        metadata = await self.metadata()
        if self._exchanging >= MAX_EXCHANGES:
            raise ProviderUnreachable("token endpoint: too many ask it already")
        self._exchanging += 1
        try:
            async with exchange("token endpoint"), self._oauth() as oauth:
                try:
                    given = await oauth.fetch_token(
                        metadata.token_endpoint,
                        grant_type="authorization_code",
                        code=code,
                        code_verifier=verifier,
                        redirect_uri=self.redirect_uri,
                    )
                except AuthlibBaseError as error:
                    raise _refused_by_provider(error.error) from error
                return dict(given)
        finally:
            self._exchanging -= 1

    async def claims(self, id_token: object, *, nonce: str, access_token: str | None) -> Claims:
        """The claims of a good ID token. Raises `SignInRefused`, `ProviderUnreachable`."""
        metadata = await self.metadata()
        issuers = {metadata.issuer}
        if self.settings.is_google:
            issuers.add(GOOGLE_ISSUER.removeprefix("https://"))  # an older form that it still uses
        expected = Expected(
            issuers=issuers,
            client_id=self.settings.client_id,
            nonce=nonce,
            access_token=access_token,
        )
        try:
            return verified(
                id_token, keys=await self._known_keys(), expected=expected, now=clock.now()
            )
        except KeyNotKnown:
            keys = await self._new_keys()
        try:
            return verified(id_token, keys=keys, expected=expected, now=clock.now())
        except KeyNotKnown:
            raise SignInRefused(Refusal.UNTRUSTED, "ID token: signed by an unknown key") from None

    async def userinfo(self, access_token: str) -> Claims:
        """What the provider adds about whom the token stands for; nothing where it adds nothing.

        Raises `ProviderUnreachable`.
        """
        metadata = await self.metadata()
        if metadata.userinfo_endpoint is None or not access_token:
            return {}
        async with exchange("userinfo"), client() as http:
            response = await http.get(
                metadata.userinfo_endpoint, headers={"Authorization": f"Bearer {access_token}"}
            )
            response.raise_for_status()
            return dict(response.json())

    async def _discover(self) -> Metadata:
        issuer = self.settings.issuer
        url = issuer.rstrip("/") + "/.well-known/openid-configuration"
        async with exchange("discovery"), client() as http:
            response = await http.get(url)
            response.raise_for_status()
            said = response.json()
            metadata = Metadata(
                issuer=str(said["issuer"]),
                authorization_endpoint=self._endpoint(said["authorization_endpoint"]),
                token_endpoint=self._endpoint(said["token_endpoint"]),
                jwks_uri=self._endpoint(said["jwks_uri"]),
                userinfo_endpoint=self._endpoint(said["userinfo_endpoint"])
                if said.get("userinfo_endpoint")
                else None,
                names_itself=said.get("authorization_response_iss_parameter_supported") is True,
                offers_choice=self.settings.is_google
                or "select_account" in said.get("prompt_values_supported", ()),
            )
        if metadata.issuer.rstrip("/") != issuer.rstrip("/"):
            raise SignInRefused(
                Refusal.MISCONFIGURED, f"{url} is of the issuer {metadata.issuer!r}, not of ours"
            )
        return metadata

    def _endpoint(self, url: str) -> str:
        """An address that is no less safe than the issuer's."""
        schemes = {"https", urlsplit(self.settings.issuer).scheme}
        if urlsplit(url).scheme not in schemes:
            raise ValueError(url)
        return url

    async def _known_keys(self) -> KeySet:
        known = self._keys
        if known is not None and clock.boottime() - known[0] < KEPT_SECONDS:
            return known[1]
        try:
            return await self._fetch_keys()
        except ProviderUnreachable:
            if known is None:
                raise
            return known[1]

    async def _new_keys(self) -> KeySet:
        now = clock.boottime()
        asked_of_late = now - self._asked_for_new_keys < NEW_KEYS_AT_MOST_EVERY_SECONDS
        if self._keys is not None and asked_of_late:
            return self._keys[1]
        self._asked_for_new_keys = now
        return await self._fetch_keys()

    async def _fetch_keys(self) -> KeySet:
        metadata = await self.metadata()
        async with exchange("keys"), client() as http:
            response = await http.get(metadata.jwks_uri)
            response.raise_for_status()
            keys = _usable(response.json()["keys"][:MAX_KEYS])
        self._keys = (clock.boottime(), keys)
        return keys

    def _oauth(self) -> AsyncOAuth2Client:
        secret = self.settings.client_secret
        return AsyncOAuth2Client(
            client_id=self.settings.client_id,
            client_secret=secret,
            token_endpoint_auth_method="client_secret_post" if secret else "none",
            scope=SCOPE,
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
            transport=bounded(),
            timeout=TIMEOUT_SECONDS,
        )


def _usable(given: list[Any]) -> KeySet:
    """Those that can check a signature; others, of kinds that we do not know, are passed over."""
    keys: list[Key] = []
    for one in given:
        if not isinstance(one, dict) or one.get("kty") == "oct" or one.get("use", "sig") != "sig":
            continue
        try:
            keys.append(JWKRegistry.import_key(one))
        except (JoseError, ValueError, TypeError) as error:
            log.info("a key of the provider's is passed over: %s", type(error).__name__)
    return KeySet(keys)


def _refused_by_provider(error: str | None) -> SignInRefused:
    """RFC 6749 §5.2."""
    if error == "invalid_grant":
        return SignInRefused(Refusal.STALE, "the provider takes this code no more")
    if error in ("invalid_client", "unauthorized_client", "redirect_uri_mismatch"):
        return SignInRefused(Refusal.MISCONFIGURED, f"the provider does not know us: {error}")
    return SignInRefused(Refusal.PROVIDER_ERROR, f"the provider answers {str(error)[:100]!r}")
