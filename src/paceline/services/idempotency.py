"""Answers a write that is asked for again with the answer it got, and does it only once.

What a request creates gets an id before it is created. Where a request ended without an answer (its
process died, the database went away) the next one with the same key goes on under that id, and
finds out whether it is there already. Who is at work under a key is known by the process's sign of
life, not by a clock: the key of a process that is gone is free at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from paceline import clock
from paceline.domain.identifiers import new_id
from paceline.errors import (
    Conflict,
    FieldProblem,
    InvalidInput,
    OperationalError,
    TooMuchAtOnce,
)
from paceline.observability.troubles import of_requests
from paceline.persistence.database import Database
from paceline.persistence.stores import idempotency as store
from paceline.persistence.stores.session import Session
from paceline.services.rooms import Amounts, Rooms
from paceline.settings.shares import IDEMPOTENCY_KEYS

LIFETIME = timedelta(hours=24)
RETRY_AFTER_SECONDS = 1
MAX_KEY_CHARACTERS = 255
ANSWER_OCTETS = 2048  # of each key's answer; a large report has the room of many
ROOM_AFTER_SECONDS = 600  # some of a day's keys are free again by then
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_OF_FORMS = "form "  # no header holds a blank
_ROW_OCTETS = 256  # of a key without its answer
_LOOK_AGAIN_SECONDS = 0.1

log = logging.getLogger(__name__)


class UnderWay(Conflict):
    """The first request with this key is being carried out right now: ask again in a moment."""


class KeyUsed(InvalidInput):
    """The key belongs to a different request. `made`: where the thing is that that one made."""

    def __init__(self, made: str | None) -> None:
        said = "was used for a different request before"
        super().__init__([FieldProblem("Idempotency-Key", said)])
        self.made = made


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request was answered with. `headers` are those that belong to it (Location)."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The answer that the first request got, if it has one yet; was it the same, and when."""

    answer: Answer | None
    is_same: bool
    asked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Leave to carry a request out. Whatever it creates is to be called `reserved_id`."""

    owner_id: uuid.UUID
    key: str
    reserved_id: uuid.UUID


class Idempotency:
    """The keys that owners have used."""

    def __init__(self, database: Database, *, keys_per_owner: int = IDEMPOTENCY_KEYS) -> None:
        self._database = database
        self._keys_per_owner = keys_per_owner
        most = (keys_per_owner, keys_per_owner * ANSWER_OCTETS)
        # Apart, so that a program that has gone wild leaves its owner the pages.
        self._of_programs = Rooms(most, partial(_kept, of_forms=False))
        self._of_forms = Rooms(most, partial(_kept, of_forms=True))
        self._at_work: set[tuple[uuid.UUID, str]] = set()
        self._trouble = of_requests(log, "idempotency keys could not be given back")

    async def begin(
        self, owner_id: uuid.UUID, key: str, request: bytes, *, any_request: bool = False
    ) -> Ticket | Answer:
        """Leave to carry out this request, or the answer it has had.

        `any_request`: what ended without an answer was not done, so that another may have its key.
        Raises `UnderWay` while the first one is at work, `KeyUsed` when the key was used for a
        different request, `TooMuchAtOnce` when a new key is one too many.
        """
        if not _KEY.fullmatch(key):
            raise InvalidInput.of(
                "Idempotency-Key", f"must be 1 to {MAX_KEY_CHARACTERS} visible ASCII characters"
            )
        standing = await self._begin(owner_id, key, request, any_request=any_request)
        if isinstance(standing, Ticket):
            return standing
        if not standing.is_same:
            raise KeyUsed(
                None if standing.answer is None else standing.answer.headers.get("location")
            )
        if standing.answer is None:
            raise UnderWay("a request with this Idempotency-Key is being carried out right now")
        return standing.answer

    async def begin_form(
        self, owner_id: uuid.UUID, token: str, request: bytes, *, patience_seconds: float
    ) -> Ticket | Replay:
        """The same for a form that a person has sent: one that is under way is waited for.

        What they changed since makes no difference to whose form it is. Raises `UnderWay`, and
        `TooMuchAtOnce` when a new form is one too many.
        """
        key = f"{_OF_FORMS}{hashlib.sha256(token.encode()).hexdigest()}"
        give_up_at = clock.boottime() + patience_seconds
        while True:
            standing = await self._begin(owner_id, key, request, any_request=True)
            if isinstance(standing, Ticket) or standing.answer is not None:
                return standing
            if clock.boottime() > give_up_at:
                raise UnderWay("this form was sent before, and is being worked on right now")
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    @asynccontextmanager
    async def at_work(
        self, ticket: Ticket, *, refused: tuple[type[Exception], ...]
    ) -> AsyncIterator[None]:
        """Around the work. What is `refused` used no key up; after any other failure, the next
        request with the key goes on where this one ended."""
        try:
            yield
        except refused:
            await self.forget(ticket)
            raise
        except BaseException:
            try:
                await self.give_back(ticket)
            except OperationalError as error:
                # It is free all the same: nobody in this process is at work under it.
                self._trouble.met(error)
            else:
                self._trouble.over()
            raise

    async def settle(self, session: Session, ticket: Ticket, answer: Answer) -> None:
        """Keep the answer in the transaction that does the work: there is both or neither."""
        await store.finish(
            session,
            ticket.owner_id,
            ticket.key,
            status=answer.status,
            body=answer.body,
            headers=answer.headers,
        )
        self._rooms(ticket.key).used(ticket.owner_id, octets=len(answer.body))

    async def finish(self, ticket: Ticket, answer: Answer) -> None:
        """Keep the answer for whoever asks again."""
        try:
            async with self._database.transaction() as session:
                await self.settle(session, ticket, answer)
        finally:
            self._at_work.discard((ticket.owner_id, ticket.key))

    async def forget(self, ticket: Ticket) -> None:
        """It was refused and nothing was done: the key may be used again, for anything."""
        try:
            async with self._database.transaction() as session:
                await store.forget(session, ticket.owner_id, ticket.key)
        finally:
            self._at_work.discard((ticket.owner_id, ticket.key))

    async def give_back(self, ticket: Ticket) -> None:
        """Nobody knows what came of it: the same request may be tried again at once."""
        try:
            async with self._database.transaction() as session:
                await store.give_back(session, ticket.owner_id, ticket.key)
        finally:  # not before: the next one here would lose the sign of life that it puts there
            self._at_work.discard((ticket.owner_id, ticket.key))

    async def _begin(
        self, owner_id: uuid.UUID, key: str, request: bytes, *, any_request: bool
    ) -> Ticket | Replay:
        digest = hashlib.sha256(request).digest()
        holder = await self._database.presence.number()
        # Of many here at one moment only the one that notes it first asks for the key: another may
        # get to the database before it, and a lost sign of life does not free what is at work here.
        if (owner_id, key) in self._at_work:
            return await self._seen(owner_id, key, digest)
        self._at_work.add((owner_id, key))
        taken = False
        try:
            async with self._database.transaction() as session:
                standing = await store.begin(
                    session,
                    store.NewKey(
                        owner_id=owner_id,
                        key=key,
                        request_hash=digest,
                        reserved_id=new_id(),
                        holder=holder,
                        any_request=any_request,
                    ),
                    lifetime=LIFETIME,
                )
                if standing.reserved_id is not None:
                    await self._refuse_one_too_many(session, owner_id, key)
            taken = standing.reserved_id is not None
        finally:
            if not taken:
                self._at_work.discard((owner_id, key))
        if standing.reserved_id is not None:
            return Ticket(owner_id=owner_id, key=key, reserved_id=standing.reserved_id)
        return _replay(standing, digest)

    async def _refuse_one_too_many(self, session: Session, owner_id: uuid.UUID, key: str) -> None:
        rooms = self._rooms(key)
        if await rooms.take(session, owner_id, things=1, octets=_ROW_OCTETS) is not None:
            what = "forms sent" if rooms is self._of_forms else "Idempotency-Keys used"
            raise TooMuchAtOnce(
                f"more than {self._keys_per_owner:,} {what} within 24 hours, or answers to them"
                f" larger than {self._keys_per_owner * ANSWER_OCTETS >> 20:,} MiB together: nothing"
                " was done; it can be when the oldest are a day old",
                retry_after_seconds=ROOM_AFTER_SECONDS,
            )

    def _rooms(self, key: str) -> Rooms:
        return self._of_forms if key.startswith(_OF_FORMS) else self._of_programs

    async def _seen(self, owner_id: uuid.UUID, key: str, digest: bytes) -> Replay:
        """How it stands with a key that another request has, in this process."""
        async with self._database.transaction() as session:
            standing = await store.seen(session, owner_id, key, lifetime=LIFETIME)
        if standing is None:
            return Replay(answer=None, is_same=True, asked_at=clock.now())
        return _replay(standing, digest)


async def _kept(session: Session, owner_id: uuid.UUID, *, of_forms: bool) -> Amounts:
    keys, octets = await store.kept(
        session, owner_id, prefix=_OF_FORMS, begins_so=of_forms, lifetime=LIFETIME
    )
    return keys, octets + keys * _ROW_OCTETS


def _replay(standing: store.KeyStanding, digest: bytes) -> Replay:
    answer = None
    if standing.status is not None:
        answer = Answer(
            status=standing.status,
            body=standing.body or b"",
            headers={name: str(value) for name, value in (standing.headers or {}).items()},
        )
    asked_at = standing.created_at or clock.now()
    return Replay(answer=answer, is_same=standing.request_hash == digest, asked_at=asked_at)
