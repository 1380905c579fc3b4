"""Where caught messages go, many at a time: one commit for all that came in meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from paceline.errors import OperationalError
from paceline.observability.troubles import Trouble
from paceline.persistence.database import Database
from paceline.persistence.stores import inbox
from paceline.persistence.stores.inbox import NewInboxMessage

MAX_KEPT = inbox.MAX_KEPT
PRUNE_EVERY = 500  # messages; so up to this many more are there for a while
MAX_BATCH = 200
MAX_WAITING = 1_000

_log = logging.getLogger(__name__)


class InboxStore(Protocol):
    """Keeps messages. Raises `OperationalError` when it cannot for the moment."""

    async def add(self, messages: Sequence[NewInboxMessage]) -> None: ...


class StoredInbox:
    """The table `inbox_messages`, of which the newest are kept."""

    def __init__(
        self, database: Database, *, keep: int = MAX_KEPT, octets: int = inbox.MAX_KEPT_OCTETS
    ) -> None:
        self._database = database
        self._keep = keep
        self._octets = octets
        self._added = PRUNE_EVERY  # whoever filled it before may not have pruned
        self._added_octets = 0

    async def add(self, messages: Sequence[NewInboxMessage]) -> None:
        """Store all of them, in their order, or none."""
        async with self._database.transaction() as session:
            await inbox.insert_messages(session, messages)
            self._added += len(messages)
            self._added_octets += sum(len(message.raw) for message in messages)
            if self._added >= PRUNE_EVERY or self._added_octets * 8 >= self._octets:
                await inbox.prune(session, keep=self._keep, octets=self._octets)
                self._added = self._added_octets = 0


class BatchWriter:
    """Hands messages to a store in batches; `write` returns once its message is kept."""

    def __init__(self, store: InboxStore) -> None:
        self._store = store
        self._waiting: asyncio.Queue[tuple[NewInboxMessage, asyncio.Future[None]]]
        self._waiting = asyncio.Queue(MAX_WAITING)
        self._trouble = Trouble(_log, "messages are not stored")

    async def write(self, message: NewInboxMessage) -> None:
        """Raises `OperationalError` when the store cannot keep it."""
        kept = asyncio.get_running_loop().create_future()
        await self._waiting.put((message, kept))
        await kept

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < MAX_BATCH and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            await self._keep(batch)

    async def _keep(self, batch: list[tuple[NewInboxMessage, asyncio.Future[None]]]) -> None:
        try:
            await self._store.add([message for message, _ in batch])
        except OperationalError as error:
            self._trouble.met(error)
            for _, kept in batch:
                if not kept.done():  # its client may have gone
                    kept.set_exception(error)
        else:
            self._trouble.over()
            for _, kept in batch:
                if not kept.done():
                    kept.set_result(None)
