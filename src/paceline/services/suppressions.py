"""The addresses that an owner must not be able to mail."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from paceline.domain.bounds import DEFAULT_PAGE, MAX_PAGE
from paceline.errors import InvalidInput, NotFound
from paceline.persistence.database import Database
from paceline.persistence.stores import suppressions as store
from paceline.persistence.stores.suppressions import SuppressionRecord
from paceline.services.cursors import pack, unpack
from paceline.services.validation import Problems
from paceline.services.views import Page

MAX_ADDED = 10_000  # addresses at a time
REASON = "manual"


class Suppressions:
    """The list of an owner."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, owner_id: uuid.UUID, addresses: Sequence[str]) -> int:
        """Suppress addresses, from the next claim on; how many were not yet."""
        problems = Problems()
        if not 1 <= len(addresses) <= MAX_ADDED:
            raise InvalidInput.of("addresses", f"must be 1 to {MAX_ADDED:,} addresses")
        read = [problems.address(f"addresses[{i}]", text) for i, text in enumerate(addresses)]
        problems.raise_if_any()
        keys = sorted({address.key for address in read if address is not None})
        async with self._database.transaction() as session:
            return await store.suppress(session, owner_id, keys, reason=REASON)

    async def list(
        self, owner_id: uuid.UUID, *, cursor: str | None = None, limit: int = DEFAULT_PAGE
    ) -> Page[SuppressionRecord]:
        """Some of the list, in the order of the addresses."""
        limit = min(limit, MAX_PAGE)
        after = None if cursor is None else unpack(cursor, parts=1)[0]
        async with self._database.transaction() as session:
            found = await store.suppressions(session, owner_id, after=after, limit=limit + 1)
        items = found[:limit]
        more = len(found) > limit
        return Page(items=items, next_cursor=pack(items[-1].address_key) if more else None)

    async def remove(self, owner_id: uuid.UUID, address: str) -> None:
        """Let an address be mailed again. Raises `NotFound`."""
        problems = Problems()
        read = problems.address("address", address)
        async with self._database.transaction() as session:
            if read is None or not await store.release(session, owner_id, read.key):
                raise NotFound("this address is not suppressed")
