"""One exchange with a provider: so many seconds, so many octets, and one kind of failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from authlib.common.errors import AuthlibBaseError
from joserfc.errors import JoseError

from paceline.auth.bounded_http import Bounded
from paceline.auth.refusals import ProviderUnreachable

TIMEOUT_SECONDS = 10  # for one exchange, whatever it is made of
MAX_ANSWER_OCTETS = 512 * 1024


def bounded() -> Bounded:
    """What every exchange goes through."""
    return Bounded(MAX_ANSWER_OCTETS)


@asynccontextmanager
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    """A client for one exchange."""
    async with httpx2.AsyncClient(transport=bounded(), timeout=TIMEOUT_SECONDS) as it:
        yield it


@asynccontextmanager
async def exchange(what: str) -> AsyncIterator[None]:
    """Give one exchange its time; whatever fails is `ProviderUnreachable`, with what was asked."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            yield
    except TimeoutError:
        raise ProviderUnreachable(f"{what}: no answer within {TIMEOUT_SECONDS} s") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, JoseError, AuthlibBaseError) as error:
        raise ProviderUnreachable(f"{what}: {type(error).__name__}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ProviderUnreachable(f"{what}: not what a provider answers") from error
