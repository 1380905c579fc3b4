"""What makes an ID token good (OpenID Connect Core §3.1.3.7). Pure: keys and the time are given.

Stricter than the libraries' defaults, which take `alg: none` where the provider's metadata names
it, and another client's token whose `azp` is ours.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from paceline.auth.refusals import Refusal, SignInRefused

# Asymmetric ones only: never none, and never HS*, whose key would be the public one.
_DIGESTS = {"RS256": "sha256", "ES256": "sha256", "PS256": "sha256", "EdDSA": "sha512"}
LEEWAY_SECONDS = 60  # that two machines' clocks may differ
MAX_TOKEN_CHARACTERS = 16_384
MAX_SUBJECT_CHARACTERS = 255  # OpenID Connect Core §2

Claims = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token has to say to be an answer to our request."""

    issuers: Collection[str]
    client_id: str
    nonce: str
    access_token: str | None = None  # None: no other came along with it


class KeyNotKnown(Exception):
    """It is signed by a key that is not among those we have: there may be new ones."""


def verified(token: object, *, keys: KeySet, expected: Expected, now: datetime) -> Claims:
    """The claims of a good token. Raises `SignInRefused`, or `KeyNotKnown`."""
    if not isinstance(token, str) or not 0 < len(token) <= MAX_TOKEN_CHARACTERS:
        raise _bad("there is none")
    algorithm, claims = _signed(token, keys)
    if claims.get("iss") not in expected.issuers:
        raise _bad(f"its issuer is {claims.get('iss')!r}")
    # Ours alone: a token that is also another client's could have been handed over by that one.
    if claims.get("aud") not in (expected.client_id, [expected.client_id]):
        raise _bad("it is not for us")
    if claims.get("azp", expected.client_id) != expected.client_id:
        raise _bad("it was given to somebody else")
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not _same(nonce, expected.nonce):
        raise _bad("it answers another request than ours")
    _check_times(claims, now.timestamp())
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_CHARACTERS:
        raise _bad("it says of nobody")
    if expected.access_token is not None and "at_hash" in claims:
        _check_access_token(claims["at_hash"], expected.access_token, algorithm)
    return claims


def _signed(token: str, keys: KeySet) -> tuple[str, Claims]:
    """(algorithm, claims) of a token whose signature holds."""
    try:
        decoded = jwt.decode(token, keys, algorithms=list(_DIGESTS))
    except InvalidKeyIdError as error:
        raise KeyNotKnown from error
    except (JoseError, ValueError) as error:
        raise _bad(f"its signature does not hold: {error}") from error
    return decoded.header["alg"], dict(decoded.claims)


def _check_access_token(at_hash: object, access_token: str, algorithm: str) -> None:
    """OpenID Connect Core §3.1.3.8. Without `at_hash` both came in one answer, which is enough."""
    digest = hashlib.new(_DIGESTS[algorithm], access_token.encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    if not isinstance(at_hash, str) or not _same(at_hash, half):
        raise _bad("its access token is another one")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _check_times(claims: Claims, now: float) -> None:
    expires, issued = _number(claims.get("exp")), _number(claims.get("iat"))
    begins = _number(claims.get("nbf", 0))
    if expires is None or issued is None:
        raise _bad("it says not when it was issued, or until when it is good")
    if expires + LEEWAY_SECONDS <= now:
        raise _bad("it has expired")
    if issued - LEEWAY_SECONDS > now:
        raise _bad("it was issued in the future: a clock is wrong, here or at the provider")
    if begins is None or begins - LEEWAY_SECONDS > now:
        raise _bad("it is not good yet")


def _number(value: object) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _bad(detail: str) -> SignInRefused:
    return SignInRefused(Refusal.UNTRUSTED, f"ID token: {detail}")
