"""Happy Eyeballs (RFC 8305): a host's addresses tried one beside the other, the first that answers.

An IPv6 address that leads nowhere, or a first of several that is down, costs a quarter of a second
and not a timeout. Who may be tried at all is not decided here.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from itertools import chain, zip_longest
from typing import TypeVar

Connection = TypeVar("Connection")

STAGGER_SECONDS = 0.25  # RFC 8305 §5: how long one is waited for before the next is tried beside it


def in_turns(addresses: Sequence[str]) -> list[str]:
    """Both families in turn, each in the resolver's order, its first one first (RFC 8305 §4)."""
    families: dict[bool, list[str]] = {}
    for address in addresses:
        families.setdefault(":" in address, []).append(address)
    return [a for a in chain.from_iterable(zip_longest(*families.values())) if a is not None]


async def first_to_answer(
    addresses: Sequence[str],
    connect: Callable[[str], Awaitable[Connection]],
    *,
    drop: Callable[[Connection], None],
) -> Connection:
    """The first connection that comes about; any others are `drop`ped.

    Raises an `ExceptionGroup` of what `connect` raised, in order of the addresses, when none does.
    """
    tries: list[asyncio.Task[Connection]] = []
    given_up: list[asyncio.Task[Connection]] = []
    winner: asyncio.Task[Connection] | None = None
    try:
        while winner is None:
            started, running = len(tries), [task for task in tries if not task.done()]
            if started < len(addresses):
                tries.append(asyncio.ensure_future(_of(connect, addresses[started])))
                running.append(tries[-1])
            elif not running:
                raise ExceptionGroup("no address answered", _failures(tries))
            patience = STAGGER_SECONDS if len(tries) < len(addresses) else None
            done, _ = await asyncio.wait(
                running, timeout=patience, return_when=asyncio.FIRST_COMPLETED
            )
            winner = next((task for task in tries if task in done and not task.exception()), None)
        given_up = [task for task in tries if task is not winner]
        await _end(given_up, given_up, drop)
        return winner.result()
    except BaseException:
        # Whoever no longer waits takes none of them, the winner included.
        await _end(tries, [task for task in tries if task not in given_up], drop)
        raise


async def _of(connect: Callable[[str], Awaitable[Connection]], address: str) -> Connection:
    return await connect(address)


def _failures(tries: Sequence[asyncio.Task[Connection]]) -> list[Exception]:
    return [error for task in tries if isinstance(error := task.exception(), Exception)]


async def _end(
    tries: Sequence[asyncio.Task[Connection]],
    give_up: Sequence[asyncio.Task[Connection]],
    drop: Callable[[Connection], None],
) -> None:
    """Give these up and wait until all have ended; what they still come by is dropped.

    By each task itself, for the wait may be cancelled, too, and they end a moment later.
    """
    for task in give_up:
        task.cancel()
        task.add_done_callback(functools.partial(_drop, drop))
    if tries:
        await asyncio.wait(tries)


def _drop(drop: Callable[[Connection], None], ended: asyncio.Task[Connection]) -> None:
    if not ended.cancelled() and ended.exception() is None:
        drop(ended.result())
