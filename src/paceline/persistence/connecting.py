"""How a connection to PostgreSQL is made, whoever needs one.

Where an address names several servers, one of them takes writes, and it may be another one at any
time: all are asked at once, so that nobody waits for one that is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg

from paceline import cuts
from paceline.persistence.driver import Driver

# What one server of several may say while another one is the right one.
_NOT_THIS_ONE = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InternalClientError)


async def connect(*, dsns: Sequence[str], **options: Any) -> Driver:
    """As `asyncpg.connect`, and the connection notices when its other end is gone."""
    if len(dsns) == 1:
        connection: Driver = await asyncpg.connect(dsns[0], **options)
    else:
        connection = await _to_the_primary(dsns, options)
    # The driver shows nobody its socket; a test holds this against the pinned version.
    transport: Any = connection._transport  # type: ignore[attr-defined]
    cuts.notice_cuts(transport.get_extra_info("socket"))
    return connection


async def _to_the_primary(dsns: Sequence[str], options: dict[str, Any]) -> Driver:
    """The first that takes writes. Raises what the last one said, where none does."""
    trying: set[asyncio.Task[Driver]] = {
        asyncio.create_task(asyncpg.connect(dsn, **options)) for dsn in dsns
    }
    try:
        said: BaseException | None = None
        waiting = set(trying)
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                said = task.exception()
                if said is None:
                    trying.discard(task)
                    return task.result()
                if not isinstance(said, _NOT_THIS_ONE):
                    raise said
        assert said is not None, "there are several"
        raise said
    finally:
        await _give_up(trying)


async def _give_up(trying: set[asyncio.Task[Driver]]) -> None:
    for task in trying:
        task.cancel()
    for ended in await asyncio.gather(*trying, return_exceptions=True):
        if not isinstance(ended, BaseException):  # it came in just then
            ended.terminate()
