"""Answers a write that is asked for again with the answer it got, and does it only once.

What a request creates gets an id before it is created. When its process dies half-way, the next
request with the same key tries again under that id, and finds out whether it is there already.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass
from datetime import timedelta

from paceline.domain.identifiers import new_id
from paceline.errors import Conflict, InvalidInput
from paceline.persistence.database import Database
from paceline.persistence.stores import idempotency as store

LIFETIME = timedelta(hours=24)
# A request that has been at work for longer has lost its process.
STUCK_AFTER = timedelta(minutes=2)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request was answered with."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Leave to carry a request out. Whatever it creates is to be called `reserved_id`."""

    owner_id: uuid.UUID
    key: str
    reserved_id: uuid.UUID


class Idempotency:
    """The keys that owners have used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, owner_id: uuid.UUID, key: str, request: bytes) -> Ticket | Answer:
        """Leave to carry out this request, or the answer it has had.

        Raises `Conflict` while the first one is at work, `InvalidInput` when the key was used for a
        different request.
        """
        if not _KEY.fullmatch(key):
            raise InvalidInput.of("Idempotency-Key", "must be 1 to 255 visible ASCII characters")
        digest = hashlib.sha256(request).digest()
        async with self._database.transaction() as session:
            standing = await store.begin(
                session,
                store.NewKey(owner_id=owner_id, key=key, request_hash=digest, reserved_id=new_id()),
                lifetime=LIFETIME,
                stuck_after=STUCK_AFTER,
            )
        if standing.reserved_id is not None:
            return Ticket(owner_id=owner_id, key=key, reserved_id=standing.reserved_id)
        if standing.request_hash != digest:
            raise InvalidInput.of("Idempotency-Key", "was used for a different request before")
        if standing.status is None or standing.body is None:
            raise Conflict("a request with this Idempotency-Key is being carried out right now")
        return Answer(status=standing.status, body=standing.body)

    async def finish(self, ticket: Ticket, answer: Answer) -> None:
        """Keep the answer for whoever asks again."""
        async with self._database.transaction() as session:
            await store.finish(
                session, ticket.owner_id, ticket.key, status=answer.status, body=answer.body
            )

    async def forget(self, ticket: Ticket) -> None:
        """It was refused and nothing was done: the key may be used again."""
        async with self._database.transaction() as session:
            await store.forget(session, ticket.owner_id, ticket.key)
