"""Work done side by side, of which nothing goes on once its request is over.

`asyncio.gather` leaves the others to themselves as soon as one of them fails or is called off: they
hold connections in nobody's turn then, and what they meet is nobody's to hear.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar, overload

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


@overload
async def together(first: Awaitable[A], second: Awaitable[B], /) -> tuple[A, B]: ...
@overload
async def together(
    first: Awaitable[A], second: Awaitable[B], third: Awaitable[C], /
) -> tuple[A, B, C]: ...
async def together(*works: Awaitable[Any]) -> tuple[Any, ...]:
    """What comes of each. Raises the first failure in their order, once all have ended."""
    ended = await asyncio.gather(*works, return_exceptions=True)
    for one in ended:
        if isinstance(one, BaseException):
            raise one
    return tuple(ended)
