"""What an owner wants to be told of, and by which ways: read, kept, tried."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from paceline.auth.auditing import note
from paceline.auth.secretbox import SecretBox, hook_url_label
from paceline.domain.acts import Act
from paceline.domain.notifications import Channel, Kind
from paceline.errors import InvalidInput
from paceline.persistence.database import Database
from paceline.persistence.stores import notification_settings as store
from paceline.persistence.stores import senders as sender_store
from paceline.persistence.stores.notification_settings import LastMessage, SettingsRecord
from paceline.services import notification_hook as hook
from paceline.services.emails import Emails
from paceline.services.notification_hook import Answer
from paceline.services.notification_ways import Ways
from paceline.services.turnstile import Turnstile
from paceline.services.validation import Problems

_TEST = "This is a test: from here on Paceline tells you what you have chosen."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is wanted. `hook_url` None: the one that is kept, unless `drops_hook`."""

    kinds: frozenset[Kind] = frozenset(Kind)
    hook_url: str | None = None
    drops_hook: bool = False
    email_to: str | None = None
    email_sender_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationView:
    """What is kept. `hook` is masked; "" where it cannot be read."""

    kinds: frozenset[Kind] = frozenset(Kind)
    hook: str | None = None
    email_to: str | None = None
    email_sender_id: uuid.UUID | None = None
    last: Sequence[LastMessage] = ()

    @property
    def is_on(self) -> bool:
        """Whether there is a way at all."""
        return self.hook is not None or self.email_to is not None


class NotificationChoices:
    """Of each owner their own."""

    def __init__(
        self, database: Database, emails: Emails, secrets: SecretBox, *, allow_private_hosts: bool
    ) -> None:
        self._database = database
        self._secrets = secrets
        self._allow_private_hosts = allow_private_hosts
        self._tests = Turnstile(most=1, retry_after_seconds=ceil(hook.SECONDS))
        self._ways = Ways(emails=emails, secrets=secrets, allow_private_hosts=allow_private_hosts)

    async def of(self, owner_id: uuid.UUID) -> NotificationView:
        """What they have chosen: all kinds by no way, at first."""
        async with self._database.transaction() as session:
            record = await store.of_owner(session, owner_id)
            last = await store.last_messages(session, owner_id)
        if record is None:
            return NotificationView()
        return NotificationView(
            kinds=frozenset(kind for kind in Kind if kind in record.kinds),
            hook=self._masked(record),
            email_to=record.email_to,
            email_sender_id=record.email_sender_id,
            last=last,
        )

    async def keep(self, owner_id: uuid.UUID, wanted: Wanted) -> None:
        """In place of what was. Raises `InvalidInput`."""
        problems = Problems()
        to = problems.address("email_to", wanted.email_to) if wanted.email_to else None
        if wanted.email_to and wanted.email_sender_id is None:
            problems.add("email_sender_id", "choose the sender that it goes by")
        if wanted.hook_url:
            try:
                hook.check_url(wanted.hook_url, allow_private=self._allow_private_hosts)
            except InvalidInput as error:
                problems.extend(error.problems)
        problems.raise_if_any()
        sender_id = wanted.email_sender_id if to else None
        async with self._database.transaction() as session:
            before = await store.of_owner(session, owner_id, for_update=True)
            if sender_id and not await sender_store.sender(session, owner_id, sender_id, keep=True):
                problems.add("email_sender_id", "is none of your senders")
                problems.raise_if_any()
            sealed = before.hook_url if before and not wanted.drops_hook else None
            if wanted.hook_url:
                label = hook_url_label(owner_id=owner_id)
                sealed = self._secrets.seal(wanted.hook_url, label=label)
            record = SettingsRecord(
                owner_id=owner_id,
                hook_url=sealed,
                email_to=to.address if to else None,
                email_sender_id=sender_id,
                kinds=sorted(wanted.kinds),
            )
            await store.keep(session, record)
            told = [hook.host_of(wanted.hook_url)] if wanted.hook_url else []
            told += ["the web hook that was kept"] if sealed and not told else []
            told += [to.address] if to else []
            subject = ", ".join(told) or "nobody"
            await note(session, owner_id, Act.NOTIFICATIONS_CHOSEN, subject)

    async def test(self, owner_id: uuid.UUID) -> dict[Channel, Answer]:
        """Tell something by each way that there is; what came of it.

        Raises `TooMuchAtOnce` while another test of theirs is under way: it posts where they like.
        """
        async with self._tests.turn(owner_id):
            return await self._tested(owner_id)

    async def _tested(self, owner_id: uuid.UUID) -> dict[Channel, Answer]:
        async with self._database.transaction() as session:
            record = await store.of_owner(session, owner_id)
        if record is None:
            return {}
        answers = {}
        if record.hook_url is not None:
            answers[Channel.HOOK] = await self._ways.post(owner_id, record.hook_url, _TEST)
        if record.email_to is not None and record.email_sender_id is not None:
            answers[Channel.EMAIL] = await self._ways.mail(
                owner_id, _TEST, to=record.email_to, sender_id=record.email_sender_id
            )
        return answers

    def _masked(self, record: SettingsRecord) -> str | None:
        if record.hook_url is None:
            return None
        url = self._ways.opened(record.owner_id, record.hook_url)
        return "" if url is None else hook.masked(url)
