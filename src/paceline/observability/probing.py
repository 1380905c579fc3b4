"""One question of a health check, answered within its time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from paceline.errors import OperationalError

PROBE_SECONDS = 2.0


async def answer_of(probe: Callable[[], Awaitable[None]]) -> str:
    """`ok`, or what is wrong, in words."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await probe()
    except TimeoutError:
        return f"no answer within {PROBE_SECONDS:g} s"
    except OperationalError as error:
        return str(error) or type(error).__name__
    return "ok"
