"""Who has seen how far the database was: this process, Redis, and a file on this machine.

About once a second the database goes one beat on, and then the three are told. One of them that
knows of more than the database says has seen it go back (`persistence/witness.py`): what may have
been sent since is held. A Redis that is wiped, or a new machine, knows nothing and is told again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from contextlib import suppress
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from paceline.engine.condition import INSTALLATION, INSTALLATION_SECONDS
from paceline.engine.queue import PREFIX, QueueUnavailable
from paceline.errors import OperationalError
from paceline.observability.troubles import Trouble
from paceline.persistence.database import Database
from paceline.persistence.witness import Beat, beat, hold_back, installation_of

BEAT_SECONDS = 1.0

_RAISE = """
if tonumber(ARGV[1]) > tonumber(redis.call('GET', KEYS[1]) or '0') then
    redis.call('SET', KEYS[1], ARGV[1])
end
return redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3], 'GET')
"""

log = logging.getLogger(__name__)


class Witness:
    """Of one worker process. `folder` is this machine's, the same for all its workers."""

    def __init__(self, database: Database, redis: Redis, folder: Path) -> None:
        self._database = database
        self._redis = redis
        self._raise = redis.register_script(_RAISE)
        self._folder = folder
        self._installation: uuid.UUID | None = None
        self._known = 0
        self._trouble = Trouble(log, "nobody notes how far the database is")
        self._neighbour = Trouble(log, "Redis is another installation's, too")

    def known(self) -> int:
        """The greatest beat that this process has heard of."""
        return self._known

    async def check(self) -> None:
        """Before anything is sent: hear all witnesses, hold what has to be. Waits for servers."""
        while True:
            try:
                await self._round()
                return
            except OperationalError as error:
                self._trouble.met(error)
                await asyncio.sleep(BEAT_SECONDS)

    async def run(self) -> None:
        """Go on with it, until cancelled."""
        while True:
            await self.check()
            await asyncio.sleep(BEAT_SECONDS)

    async def _round(self) -> None:
        if self._installation is None:
            self._installation = await installation_of(self._database)
            self._known = max(self._known, await asyncio.to_thread(self._noted))
        # First, so that it is heard while the database, which may be going back, is away.
        self._known = max(self._known, await self._heard())
        now = await beat(self._database, known=self._known)
        if now is None:
            await self._hold()
            return
        await self._tell(now)
        self._trouble.over()

    async def _hold(self) -> None:
        log.warning("the database has gone back: nothing is sent until what was due is held")
        held = await hold_back(self._database, known=self._known)
        if held is None:
            return
        log.warning(
            "the database went back to %s: %d emails that may have been sent since are in doubt;"
            " `paceline held` says what can be done",
            f"{held.since:%Y-%m-%d %H:%M:%S} UTC",
            held.emails,
        )

    async def _heard(self) -> int:
        try:
            return int(await self._redis.get(self._key) or 0)
        except (RedisError, OSError) as error:
            raise QueueUnavailable(f"Redis: {error}") from error

    async def _tell(self, now: Beat) -> None:
        self._known = max(self._known, now.number)
        await asyncio.to_thread(self._note, now.number)
        try:
            was = await self._raise(
                keys=[self._key, INSTALLATION],
                args=[now.number, str(self._installation), INSTALLATION_SECONDS],
            )
        except (RedisError, OSError) as error:
            raise QueueUnavailable(f"Redis: {error}") from error
        if was in (None, str(self._installation)):
            self._neighbour.over()
        else:
            self._neighbour.met(
                "each takes the other's lanes, so that emails are late; give each a number or a "
                "server of its own in REDIS_URL"
            )

    @property
    def _key(self) -> str:
        return f"{PREFIX}:witness:{self._installation}"

    @property
    def _file(self) -> Path:
        return self._folder / f"{self._installation}.witness"

    def _noted(self) -> int:
        with suppress(OSError, ValueError):
            return int(self._file.read_text(encoding="ascii"))
        return 0

    def _note(self, number: int) -> None:
        """Whole or not at all. A disk that is full costs a witness, and stops nothing."""
        draft = self._file.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            draft.write_text(str(number), encoding="ascii")
            draft.replace(self._file)
