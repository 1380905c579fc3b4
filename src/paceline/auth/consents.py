"""Asking a provider for access to somebody's mailbox: authorization code, PKCE, who consented.

The other half of `delivery/tokens.py`, which has access tokens by what is given here. Nothing is
stored, and nothing decides whose account it may be.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from paceline.auth.oidc.transport import client, exchange
from paceline.auth.refusals import ProviderUnreachable
from paceline.domain.oauth import OAuth
from paceline.errors import DomainError

MAX_CODE_CHARACTERS = 4096
_WHO = "openid email profile"  # on top of access: whose account it is
_NAMES = ("email", "preferred_username", "upn")  # Microsoft's work accounts have no `email`


class ConsentRefusal(StrEnum):
    """What is told apart because something else helps."""

    STALE = "stale"  # not begun in this sign-in, too long ago, or carried out already
    DECLINED = "declined"  # the person, or whoever administers the account, said no
    CLIENT = "client"  # the provider does not know the client, its secret or our address
    PROVIDER_ERROR = "provider_error"
    UNTRUSTED = "untrusted"  # what came back cannot be relied upon
    NO_REFRESH_TOKEN = "no_refresh_token"  # noqa: S105  # the name of a refusal
    NO_MAIL = "no_mail"  # consented, but not to sending mail
    WRONG_ACCOUNT = "wrong_account"


class ConsentRefused(DomainError):
    """There is no access. The message is for the log: it holds no secret."""

    def __init__(self, reason: ConsentRefusal, detail: str, *, account: str = "") -> None:
        super().__init__(detail)
        self.reason = reason
        self.account = account  # who consented, where that was wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient:
    """What a provider knows us by."""

    client_id: str
    client_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is kept between leaving and coming back, to be sealed: who knows it can finish."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str


def authorization_url(oauth: OAuth, to: OAuthClient, asked: Question, *, account: str) -> str:
    """Where somebody consents; `account` is offered to them."""
    digest = hashlib.sha256(asked.verifier.encode()).digest()
    scopes = dict.fromkeys(f"{_WHO} {oauth.scope}".split())
    parameters = {
        **oauth.parameters,
        "response_type": "code",
        "client_id": to.client_id,
        "redirect_uri": asked.redirect_uri,
        "scope": " ".join(scopes),
        "state": asked.state,
        "nonce": asked.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "login_hint": account,
    }
    return f"{oauth.authorization_endpoint}?{urlencode(parameters)}"


async def refresh_token(
    oauth: OAuth, to: OAuthClient, asked: Question, answer: Mapping[str, str], *, account: str
) -> str:
    """What the account's consent is worth, by what the browser came back with.

    Raises `ConsentRefused`, `ProviderUnreachable`.
    """
    _check_sender(oauth, answer)
    if "error" in answer:
        raise _said_no(answer["error"])
    code = answer.get("code", "")
    if not 0 < len(code) <= MAX_CODE_CHARACTERS:
        raise ConsentRefused(ConsentRefusal.UNTRUSTED, "the provider sent no code")
    tokens = await _tokens(oauth, to, asked, code)
    given = await _accounts(oauth, to, asked, tokens)
    if account.lower() not in given:
        whose = next(iter(given), "")
        raise ConsentRefused(ConsentRefusal.WRONG_ACCOUNT, "another account", account=whose)
    _check_scope(oauth, tokens)
    token = tokens.get("refresh_token")
    if not isinstance(token, str) or not token:
        raise ConsentRefused(ConsentRefusal.NO_REFRESH_TOKEN, "there is no refresh token")
    return token


def _check_sender(oauth: OAuth, answer: Mapping[str, str]) -> None:
    """Mix-up of providers (RFC 9207)."""
    sender = answer.get("iss")
    if oauth.issuer is not None and sender is not None and sender != oauth.issuer:
        raise ConsentRefused(ConsentRefusal.UNTRUSTED, f"the answer is from {sender[:100]!r}")


async def _tokens(oauth: OAuth, to: OAuthClient, asked: Question, code: str) -> dict[str, Any]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": asked.redirect_uri,
        "code_verifier": asked.verifier,
        "client_id": to.client_id,
        **({"client_secret": to.client_secret} if to.client_secret else {}),
    }
    async with exchange("token endpoint"), client() as http:
        response = await http.post(
            oauth.token_endpoint, data=form, headers={"Accept": "application/json"}
        )
        answer = dict(response.json())
    if response.status_code >= 500:
        raise ProviderUnreachable(f"token endpoint: it answered {response.status_code}")
    if response.status_code != 200:
        raise _not_exchanged(str(answer.get("error")))
    return answer


async def _accounts(
    oauth: OAuth, to: OAuthClient, asked: Question, tokens: Mapping[str, Any]
) -> tuple[str, ...]:
    """What whoever consented is called, in lower case, an address first.

    The ID token comes from the token endpoint itself, over TLS, which vouches for it as well as
    its signature would (OpenID Connect Core §3.1.3.7, 6).
    """
    claims = _claims(tokens.get("id_token"))
    audience = claims.get("aud")
    if to.client_id not in (audience if isinstance(audience, list) else [audience]):
        raise ConsentRefused(ConsentRefusal.UNTRUSTED, "the ID token is not for us")
    if claims.get("nonce") != asked.nonce:
        raise ConsentRefused(ConsentRefusal.UNTRUSTED, "the ID token is not of this consent")
    found = _names(claims)
    if found or oauth.userinfo_endpoint is None:
        return found
    headers = {"Authorization": f"Bearer {tokens.get('access_token')}"}
    async with exchange("userinfo"), client() as http:
        response = await http.get(oauth.userinfo_endpoint, headers=headers)
        response.raise_for_status()
        more = dict(response.json())
    if more.get("sub") != claims.get("sub"):
        raise ConsentRefused(ConsentRefusal.UNTRUSTED, "userinfo is about somebody else")
    return _names(more)


def _claims(id_token: object) -> dict[str, Any]:
    try:
        payload = str(id_token).split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error):
        raise ConsentRefused(ConsentRefusal.UNTRUSTED, "there is no ID token") from None
    return claims if isinstance(claims, dict) else {}


def _names(claims: Mapping[str, Any]) -> tuple[str, ...]:
    told = [claims.get(name) for name in _NAMES]
    return tuple(text.lower() for text in told if isinstance(text, str) and text)


def _check_scope(oauth: OAuth, tokens: Mapping[str, Any]) -> None:
    """Google lets people untick it (RFC 6749 §5.1: not told where it is what was asked for)."""
    told = tokens.get("scope")
    wanted = {scope for scope in oauth.scope.lower().split() if scope.startswith("https://")}
    if isinstance(told, str) and not wanted <= set(told.lower().split()):
        raise ConsentRefused(ConsentRefusal.NO_MAIL, f"given for {told[:200]!r} alone")


def _said_no(error: str) -> ConsentRefused:
    """RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6."""
    if error in ("access_denied", "consent_required", "interaction_required"):
        return ConsentRefused(ConsentRefusal.DECLINED, f"the provider answers {error}")
    if error in ("unauthorized_client", "invalid_client", "invalid_scope"):
        return ConsentRefused(ConsentRefusal.CLIENT, f"the provider answers {error}")
    return ConsentRefused(ConsentRefusal.PROVIDER_ERROR, f"the provider answers {error[:100]!r}")


def _not_exchanged(error: str) -> ConsentRefused:
    """RFC 6749 §5.2."""
    if error == "invalid_grant":
        return ConsentRefused(ConsentRefusal.STALE, "the provider takes this code no more")
    if error in ("invalid_client", "unauthorized_client", "redirect_uri_mismatch"):
        return ConsentRefused(ConsentRefusal.CLIENT, f"the provider answers {error}")
    return ConsentRefused(ConsentRefusal.PROVIDER_ERROR, f"the provider answers {error[:100]!r}")
