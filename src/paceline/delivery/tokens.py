"""Access tokens for XOAUTH2: had by a grant, kept until shortly before their end, renewed once.

All connections of an account share one, and one request for the next. Nothing here is stored or
logged; what a provider says when it refuses is told, without what was sent to it.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2

from paceline.delivery.account import Grant
from paceline.delivery.replies import one_line
from paceline.errors import OperationalError

SECONDS = 10.0  # for a token; people and lanes wait for it
MAX_REMEMBERED = 1_000  # grants
MAX_ANSWER = 64 * 1024  # octets
MARGIN_SECONDS = 60.0  # before its end a token is no longer used
USUAL_SECONDS = 3_600.0  # how long it holds where the provider does not say (RFC 6749 §5.1)
_BUSY = 429

# Stores the refresh token that the provider gave in place of the one that was used. Never raises.
KeepGrant = Callable[[Grant, str, str], Awaitable[None]]


class TokenRefused(OperationalError):
    """The provider does not give one: the grant has to be made anew."""


class TokenUnavailable(OperationalError):
    """The provider did not answer, or is in trouble."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """`is_new`: had just now, so that a refusal of it is final."""

    text: str = field(repr=False)
    is_new: bool


@dataclass(slots=True)
class _Kept:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    text: str | None = None
    good_until: float = 0.0  # monotonic
    refresh_token: str | None = None  # the newest, where the provider changes it


class AccessTokens:
    """One per pool."""

    def __init__(self, *, keep: KeepGrant | None = None, seconds: float = SECONDS) -> None:
        self._keep = keep
        self._seconds = seconds
        self._kept: OrderedDict[Grant, _Kept] = OrderedDict()

    async def get(self, grant: Grant) -> AccessToken:
        """The token that is good now. Raises `TokenRefused`, `TokenUnavailable`."""
        kept = self._of(grant)
        async with kept.turn:
            if kept.text is not None and time.monotonic() < kept.good_until:
                return AccessToken(kept.text, is_new=False)
            await self._renew(grant, kept)
            assert kept.text is not None, "renewing either raises or brings one"
            return AccessToken(kept.text, is_new=True)

    def forget(self, grant: Grant, token: AccessToken) -> None:
        """A server refused it: the next one who asks gets another."""
        kept = self._of(grant)
        if kept.text == token.text:
            kept.text = None

    def _of(self, grant: Grant) -> _Kept:
        kept = self._kept.setdefault(grant, _Kept())
        self._kept.move_to_end(grant)
        if len(self._kept) > MAX_REMEMBERED:
            self._kept.popitem(last=False)
        return kept

    async def _renew(self, grant: Grant, kept: _Kept) -> None:
        asked_at = time.monotonic()
        used = kept.refresh_token or grant.refresh_token
        answer = await self._ask(grant, used)
        lasts = answer.get("expires_in")
        seconds = float(lasts) if isinstance(lasts, int | float) else USUAL_SECONDS
        kept.text = str(answer["access_token"])
        kept.good_until = asked_at + seconds - min(MARGIN_SECONDS, seconds / 2)
        rotated = answer.get("refresh_token")
        if isinstance(rotated, str) and rotated and rotated != used:
            kept.refresh_token = rotated
            if self._keep is not None:
                await self._keep(grant, used, rotated)

    async def _ask(self, grant: Grant, refresh_token: str) -> dict[str, Any]:
        given = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": grant.client_id,
            "client_secret": grant.client_secret,
            "scope": grant.scope,
        }
        form = {name: value for name, value in given.items() if value is not None}
        try:
            async with asyncio.timeout(self._seconds):
                status, content = await _post(grant.token_endpoint, form)
        except (httpx2.HTTPError, TimeoutError) as error:
            why = str(error) or type(error).__name__
            raise TokenUnavailable(f"{_host(grant)} does not answer: {one_line(why)}") from error
        answer = _read(content)
        if status >= 500 or status == _BUSY:
            raise TokenUnavailable(f"{_host(grant)} answered {status}")
        if status != 200 or not isinstance(answer.get("access_token"), str):
            raise TokenRefused(f"{_host(grant)} gives no access token: {_why(status, answer)}")
        return answer


async def _post(url: str, form: dict[str, str]) -> tuple[int, bytes]:
    """Status and at most `MAX_ANSWER` octets. Redirects are not followed: secrets would be, too.

    Nor is a proxy of the environment used, here as everywhere (SECURITY.md).
    """
    async with (
        httpx2.AsyncClient(follow_redirects=False, timeout=SECONDS, trust_env=False) as client,
        client.stream("POST", url, data=form, headers={"Accept": "application/json"}) as response,
    ):
        content = b""
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > MAX_ANSWER:
                break
        return response.status_code, content[:MAX_ANSWER]


def _read(content: bytes) -> dict[str, Any]:
    try:
        answer = httpx2.Response(200, content=content).json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _why(status: int, answer: dict[str, Any]) -> str:
    """RFC 6749 §5.2: a word, and what it means."""
    said = [answer.get("error"), answer.get("error_description")]
    words = ": ".join(text for text in said if isinstance(text, str))
    return one_line(words) or f"it answered {status}"


def _host(grant: Grant) -> str:
    return httpx2.URL(grant.token_endpoint).host
