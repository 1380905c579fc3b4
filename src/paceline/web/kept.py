"""Answers to what open pages ask every few seconds, kept for as long as they hold.

A page asks with `If-None-Match`: 304 while it shows what is so, else the fragment, which is made
once for all tabs of a sign-in that show the same. What is kept holds until somebody decides
something about the owner's (`watched.py`), or time makes it different; while emails move, it holds
for `MOVING`, so that what is sent costs the same however many are sent and however many look.

Kept per sign-in, never for an owner or an address alone: a fragment carries the tokens of its forms
and what its reader may see. Only what a route marks (`keep`) is kept.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from fastapi import Request
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from paceline import clock
from paceline.auth.sessions import MAX_COOKIE_CHARACTERS
from paceline.auth.tokens import hash_of
from paceline.services.status import Status
from paceline.services.watching import LONGEST, Fingerprint, true_until
from paceline.web.access import ZONE_COOKIE
from paceline.web.watched import Watched, Watcher

MOVING = timedelta(seconds=2.5)
MAX_KEPT = 1_000  # answers
MAX_KEPT_OCTETS = 64 * 1024  # of one
MAX_QUERY_OCTETS = 2_000
_SLOT = "kept"
_LOOKS = frozenset({"GET", "HEAD"})


class _Asked(NamedTuple):
    """What an answer depends on besides what is so."""

    session: bytes
    path: str
    query: bytes
    zone: str
    encodings: bytes
    request_type: bytes


@dataclass(slots=True)
class _Slot:
    """Where a route says until when its answer holds."""

    until: datetime | None = None
    times: int = 1


@dataclass(frozen=True, slots=True)
class _Answer:
    tag: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes
    seen: Fingerprint  # read before it was made
    soon: datetime  # until when it holds while emails move
    until: datetime

    def holds(self, seen: Fingerprint) -> bool:
        if seen.decided != self.seen.decided:
            return False
        is_at_rest = seen == self.seen and not seen.is_moving
        return clock.now() < (self.until if is_at_rest else self.soon)

    async def give(self, send: Send, *, tag: bytes) -> None:
        """304 to whoever has it already."""
        headers = [*self.headers, (b"etag", self.tag)]
        is_had = tag == self.tag
        if is_had:
            headers = [pair for pair in headers if not pair[0].startswith(b"content-")]
        status = 304 if is_had else 200
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if is_had else self.body})


@dataclass(slots=True)
class _Place:
    """One for each question, whose answer is made by one at a time."""

    answer: _Answer | None = None
    is_kept: bool = True
    making: asyncio.Lock = field(default_factory=asyncio.Lock)


def keep(
    request: Request,
    statuses: Iterable[Status],
    moments: Iterable[datetime] = (),
    *,
    longest: timedelta = LONGEST,
    times: int = 1,
) -> None:
    """The answer may be kept while these hold, until the first of the moments, and no longer.

    While emails move it holds for so many `times` `MOVING`: more of what pages ask less often.
    For what shows nothing but what its owner has, as `persistence/sql/fingerprints.sql` knows it.
    """
    slot: _Slot | None = getattr(request.state, _SLOT, None)
    if slot is not None:
        slot.until = true_until(statuses, moments, now=clock.now(), longest=longest)
        slot.times = times


class KeptAnswers:
    """Around the pages. Pure ASGI, because it is asked fifty times a second."""

    def __init__(self, app: ASGIApp, watcher: Watcher, *, cookie: str) -> None:
        self._app = app
        self._cookie = cookie
        self._watched = Watched(watcher)
        self._places: OrderedDict[_Asked, _Place] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers what an open page asks; passes all else on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        cookies = cookie_parser(headers.get(b"cookie", b"").decode("latin-1"))
        cookie = cookies.get(self._cookie, "")
        if not cookie or len(cookie) > MAX_COOKIE_CHARACTERS:
            await self._app(scope, receive, send)
            return
        session, tag = hash_of(cookie), headers.get(b"if-none-match")
        if scope["method"] != "GET" or tag is None or b"hx-request" not in headers:
            await self._act(session, scope, receive, send)
            return
        asked = _Asked(
            session,
            scope["path"],
            scope["query_string"],
            cookies.get(ZONE_COOKIE, ""),
            headers.get(b"accept-encoding", b""),
            headers.get(b"hx-request-type", b""),
        )
        answer = await self._answer(asked, scope, receive, send)
        if answer is not None:
            await answer.give(send, tag=tag)

    async def _act(self, session: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        """Somebody does something, or opens a page: what they see next is no older than that."""
        try:
            await self._app(scope, receive, send)
        finally:
            self._watched.look_anew(session)
            if scope["method"] not in _LOOKS:  # it may have counted something in Redis alone
                for asked, place in self._places.items():
                    if asked.session == session:
                        place.answer = None

    async def _answer(
        self, asked: _Asked, scope: Scope, receive: Receive, send: Send
    ) -> _Answer | None:
        """What is to be given; None: the pages have answered, and nothing is kept."""
        seen = await self._watched.of(asked.session)
        if seen is None or len(asked.query) > MAX_QUERY_OCTETS:
            await self._app(scope, receive, send)
            return None
        place = self._place(asked)
        if place.answer is not None and place.answer.holds(seen):
            return place.answer
        async with place.making:
            if place.answer is not None and place.answer.holds(seen):
                return place.answer  # another tab had it made meanwhile
            if place.is_kept:
                making = _Making(seen, send)
                await self._app(making.around(scope), receive, making.take)
                place.answer = making.answer
                if making.answer is None:
                    self._drop(asked)
                return making.answer
        await self._app(scope, receive, send)
        return None

    def _place(self, asked: _Asked) -> _Place:
        place = self._places.setdefault(asked, _Place())
        self._places.move_to_end(asked)
        if len(self._places) > MAX_KEPT:
            self._drop(next(iter(self._places)))
        return place

    def _drop(self, asked: _Asked) -> None:
        place = self._places.pop(asked, None)
        if place is not None:
            place.is_kept = False


class _Making:
    """Takes an answer as it is made: whole if it is to be kept, else straight on to the client."""

    def __init__(self, seen: Fingerprint, send: Send) -> None:
        self._seen = seen
        self._send = send
        self._slot = _Slot()
        self._begun = clock.now()
        self._start: Message | None = None
        self._body = bytearray()
        self.answer: _Answer | None = None

    def around(self, scope: Scope) -> Scope:
        """The request, with the place where its route can say that it may be kept."""
        return {**scope, "state": {**scope.get("state", {}), _SLOT: self._slot}}

    async def take(self, message: Message) -> None:
        """The pages' `send`."""
        if message["type"] == "http.response.start" and self._may_be_kept(message):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            await self._more(self._start, message)

    def _may_be_kept(self, start: Message) -> bool:
        names = {name.lower() for name, _ in start["headers"]}
        return (
            self._slot.until is not None and start["status"] == 200 and b"set-cookie" not in names
        )

    async def _more(self, start: Message, message: Message) -> None:
        self._body += message.get("body", b"")
        is_whole = not message.get("more_body", False)
        if len(self._body) > MAX_KEPT_OCTETS:
            self._start = None
            await self._send(start)
            await self._send({**message, "body": bytes(self._body)})
        elif is_whole:
            self.answer = self._whole(start)

    def _whole(self, start: Message) -> _Answer:
        assert self._slot.until is not None, "may be kept"
        soon = self._begun + self._slot.times * MOVING
        return _Answer(
            tag=f'"{secrets.token_hex(8)}"'.encode(),
            headers=list(start["headers"]),
            body=bytes(self._body),
            seen=self._seen,
            soon=soon,
            until=max(self._slot.until, soon),
        )
