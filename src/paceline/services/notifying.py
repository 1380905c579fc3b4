"""Tells people of what happens while they look elsewhere: finds it, notes it, tells it.

What is found is noted once, with the message that tells it, in one transaction; the message is then
taken under a lease and told. Whoever dies in between is followed by the next: a web hook may get a
message twice, an email goes once, as it is made under the id of its message.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from time import monotonic

from paceline.auth.secretbox import SecretBox
from paceline.domain.identifiers import new_id
from paceline.domain.notifications import Channel, Event, Kind, goes_by, message, retry_after
from paceline.errors import OperationalError
from paceline.observability.troubles import Trouble
from paceline.persistence.database import Database
from paceline.persistence.stores import notification_settings as settings_store
from paceline.persistence.stores import notifications as store
from paceline.persistence.stores.notification_settings import SettingsRecord
from paceline.persistence.stores.notifications import Found, OpenMessage
from paceline.persistence.stores.session import Session
from paceline.services.emails import Emails
from paceline.services.notification_hook import Answer
from paceline.services.notification_ways import Ways
from paceline.services.ports import Meter

# Mail that a pause, an outage or a restart kept back begins to leave within this.
STALLED_FOR_SECONDS = 60.0
MOST_ROUNDS = 5  # of messages, in one look

log = logging.getLogger(__name__)


class Notifying:
    """Looks once in a while, in each worker; what one has noted is noted for all."""

    def __init__(
        self,
        database: Database,
        meter: Meter,
        emails: Emails,
        secrets: SecretBox,
        *,
        base_url: str,
        allow_private_hosts: bool,
        stalled_for_seconds: float = STALLED_FOR_SECONDS,
    ) -> None:
        self._database = database
        self._meter = meter
        self._ways = Ways(emails=emails, secrets=secrets, allow_private_hosts=allow_private_hosts)
        self._base_url = base_url
        self._stalled_for = stalled_for_seconds
        self._unread = Trouble(log, "hourly counters unread")
        self._untold = Trouble(log, "notifications may be told again")
        self._stalled_since: dict[uuid.UUID, float] = {}

    async def look(self) -> None:
        """Find what happened, and tell what is due to be told."""
        await self.note()
        await self.tell()

    async def note(self) -> int:
        """Find what happened, and note it with the messages; how many things were new."""
        found = await store.find(self._database)
        events = self._lasting(await self._true(found))
        if not events:
            return 0
        async with self._database.transaction() as session:
            await store.take_turn(session)
            new = [event for event in events if await store.note(session, event)]
            owners = await settings_store.of_owners(session, [event.owner_id for event in new])
            for owner_id, its in groupby(sorted(new, key=_owner), key=_owner):
                await self._write(session, owners[owner_id], list(its))
            await store.forget(session)
        return len(new)

    async def tell(self) -> None:
        """Tell the messages that are due; what is left over is told at the next look."""
        for _ in range(MOST_ROUNDS):
            if await self._tell_some() < store.MOST_AT_ONCE:
                break

    async def _tell_some(self) -> int:
        """At most one of each owner and way; how many were tried."""
        async with self._database.transaction() as session:
            messages = await store.take_messages(session)
            owners = await settings_store.of_owners(session, [each.owner_id for each in messages])
        async with asyncio.TaskGroup() as group:
            for each in messages:
                group.create_task(self._tell(each, owners.get(each.owner_id)))
        return len(messages)

    async def _true(self, found: Sequence[Found]) -> list[Event]:
        """Without the campaigns that have not reached their limits."""
        limited = [each.event.about for each in found if each.hourly_limit is not None]
        used = {}
        if limited:
            try:
                used = await self._meter.used_this_hour(campaigns=limited)
            except OperationalError as error:
                self._unread.met(error)
            else:
                self._unread.over()
        return [
            each.event
            for each in found
            if each.hourly_limit is None or used.get(each.event.about, 0) >= each.hourly_limit
        ]

    def _lasting(self, events: Sequence[Event]) -> list[Event]:
        """Without the senders that may only just be about to send."""
        now = monotonic()
        stalled = {event.about for event in events if event.kind is Kind.NOTHING_GOES}
        self._stalled_since = {about: self._stalled_since.get(about, now) for about in stalled}
        return [
            event
            for event in events
            if event.kind is not Kind.NOTHING_GOES
            or now - self._stalled_since[event.about] >= self._stalled_for
        ]

    async def _write(
        self, session: Session, theirs: SettingsRecord, events: Sequence[Event]
    ) -> None:
        ways = {Channel.HOOK: theirs.hook_url, Channel.EMAIL: theirs.email_to}
        for channel in (channel for channel, where in ways.items() if where):
            its = [e for e in events if goes_by(e, channel, sender_id=theirs.email_sender_id)]
            if its:
                body = message(its, base_url=self._base_url)
                await store.add_message(session, new_id(), theirs.owner_id, channel, body)

    async def _tell(self, each: OpenMessage, theirs: SettingsRecord | None) -> None:
        """Whatever fails here is this message's alone: its lease ends, and it is told again."""
        try:
            if each.channel is Channel.HOOK:
                answer = await self._post(each, theirs)
            else:
                answer = await self._mail(each, theirs)
            await self._settle(each, answer)
        except OperationalError as error:
            self._untold.met(error)
        else:
            self._untold.over()

    async def _settle(self, each: OpenMessage, answer: Answer) -> None:
        async with self._database.transaction() as session:
            if answer.taken:
                await store.told(session, each.id)
            else:
                after = retry_after(each.tries) if answer.again else None
                await store.failed(session, each.id, answer.says, after=after)
        if not answer.taken:
            log.info("a notification was not told by %s: %s", each.channel, answer.says)

    async def _post(self, each: OpenMessage, theirs: SettingsRecord | None) -> Answer:
        if theirs is None or theirs.hook_url is None:
            return Answer(taken=False, says="There is no web hook any more.")
        return await self._ways.post(each.owner_id, theirs.hook_url, each.body)

    async def _mail(self, each: OpenMessage, theirs: SettingsRecord | None) -> Answer:
        if theirs is None or theirs.email_to is None or theirs.email_sender_id is None:
            return Answer(taken=False, says="There is no address any more.")
        return await self._ways.mail(
            each.owner_id,
            each.body,
            to=theirs.email_to,
            sender_id=theirs.email_sender_id,
            reserved_id=each.id,
        )


_owner = attrgetter("owner_id")
