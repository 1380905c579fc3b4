"""Senders: add, change, pause, check that they can log in, try them out.

A password goes in and is sealed; it comes out only on the way to the server. Whatever may change
what a lane does signals that lane.
"""

from __future__ import annotations

import asyncio
import math
import uuid
from dataclasses import dataclass
from typing import Any

from paceline import clock
from paceline.auth.auditing import note
from paceline.auth.secretbox import SecretBox
from paceline.delivery import Auth, DkimAlgorithm, DkimKey, Envelope, Kind, Security
from paceline.domain.acts import Act
from paceline.domain.bounds import DEFAULT_PAGE, MAX_PAGE
from paceline.domain.identifiers import new_id
from paceline.domain.lifecycle import SenderState
from paceline.errors import Conflict, InvalidInput, NotFound, TooMuchAtOnce
from paceline.persistence.database import Database
from paceline.persistence.lanes import signal
from paceline.persistence.stores import senders as store
from paceline.persistence.stores.campaigns import take_turns
from paceline.persistence.stores.senders import SenderRecord
from paceline.persistence.stores.suppressions import is_suppressed
from paceline.sending.identities import account_of
from paceline.services import dkim, sender_grants, sender_rules
from paceline.services.cursors import pack_id, unpack_id
from paceline.services.dkim import DkimRecord
from paceline.services.ports import Allowance, Bell, Mailer, Settle
from paceline.services.quotas import Quotas
from paceline.services.sender_accounts import sealed, test_message, told, view_of
from paceline.services.sender_checks import CheckReport, report_of, stored
from paceline.services.sender_grants import NewGrant
from paceline.services.sender_rules import HostPolicy
from paceline.services.turnstile import Turnstile
from paceline.services.unset import UNSET, Maybe, changes_of
from paceline.services.validation import Problems
from paceline.services.versions import ANY, Only, version_of_sender
from paceline.services.views import Page, SenderView

__all__ = [
    "CheckReport",
    "DkimRecord",
    "HostPolicy",
    "NewGrant",
    "NewSender",
    "SenderPatch",
    "Senders",
    "TestReport",
]

MAX_CHECKS = 4  # of an owner's servers at a time
TEST_SECONDS = 20
MAX_REMEMBERED = 10_000  # owners who are known to have the ready one
_KEY_GIVEN_UP = {"state_reason": "its lost DKIM key is dropped: verify it to set it going"}
MAX_LISTED = 1_000  # senders in a list that is not paged


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSender:
    """A sender to be added."""

    name: str
    from_address: str
    from_name: str | None = None
    smtp_host: str
    smtp_port: int
    smtp_security: Security
    smtp_auth: Auth = Auth.PASSWORD
    smtp_username: str | None = None
    smtp_password: str | None = None
    smtp_oauth: NewGrant | None = None
    hourly_limit: int | None = None
    min_delay_ms: int = 0
    max_connections: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderPatch:
    """What is to change. `state` is a person's to set: active or paused."""

    name: Maybe[str] = UNSET
    from_address: Maybe[str] = UNSET
    from_name: Maybe[str | None] = UNSET
    smtp_host: Maybe[str] = UNSET
    smtp_port: Maybe[int] = UNSET
    smtp_security: Maybe[Security] = UNSET
    smtp_auth: Maybe[Auth] = UNSET
    smtp_username: Maybe[str | None] = UNSET
    smtp_password: Maybe[str | None] = UNSET
    smtp_oauth: Maybe[NewGrant | None] = UNSET
    hourly_limit: Maybe[int | None] = UNSET
    min_delay_ms: Maybe[int] = UNSET
    max_connections: Maybe[int] = UNSET
    state: Maybe[SenderState] = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class TestReport:
    """Whether the server took a test message."""

    ok: bool
    detail: str
    message_id: str


class Senders:
    """The senders of an owner."""

    def __init__(  # noqa: PLR0913  # what it stands on, each of another kind
        self,
        database: Database,
        bell: Bell,
        secrets: SecretBox,
        mailer: Mailer,
        policy: HostPolicy,
        *,
        allowance: Allowance,
        quotas: Quotas,
        ready: NewSender | None = None,
    ) -> None:
        """`ready`: a sender that every owner has from the beginning, until they delete it."""
        self._database = database
        self._bell = bell
        self._secrets = secrets
        self._mailer = mailer
        self._policy = policy
        self._allowance = allowance
        self._quotas = quotas
        self._checks = Turnstile(most=MAX_CHECKS, retry_after_seconds=TEST_SECONDS)
        self._ready = ready
        self._given_to: set[uuid.UUID] = set()

    async def create(
        self,
        owner_id: uuid.UUID,
        new: NewSender,
        *,
        reserved_id: uuid.UUID | None = None,
        settle: Settle[SenderView] | None = None,
    ) -> SenderView:
        """Add a sender, under an id that may have been reserved for it. Raises `InvalidInput`."""
        values: dict[str, Any] = {name: getattr(new, name) for name in NewSender.__slots__}
        if new.smtp_oauth is not None:
            values["smtp_auth"] = Auth.XOAUTH2
        values |= sender_rules.checked(values, policy=self._policy, secret_is_set=False)
        sender_id = reserved_id or new_id()
        self._seal(owner_id, sender_id, values)
        async with self._database.transaction() as session:
            await take_turns(session, sender_id)
            record = await store.sender(session, owner_id, sender_id) if reserved_id else None
            if record is not None:
                return view_of(record)
            await self._quotas.refuse_sender(session, owner_id)
            await store.insert_sender(session, id=sender_id, owner_id=owner_id, **values)
            told = {"id": sender_id, "server": f"{new.smtp_host}:{new.smtp_port}"}
            await note(session, owner_id, Act.SENDER_ADDED, new.from_address, told)
            made = view_of(_existing(await store.sender(session, owner_id, sender_id)))
            if settle is not None:
                await settle(session, made)
        return made

    async def get(
        self, owner_id: uuid.UUID, sender_id: uuid.UUID, *, even_deleted: bool = False
    ) -> SenderView:
        """One sender; what it has sent may outlive it. Raises `NotFound`."""
        async with self._database.transaction() as session:
            record = await store.sender(session, owner_id, sender_id, even_deleted=even_deleted)
        return view_of(_existing(record))

    async def list(self, owner_id: uuid.UUID) -> list[SenderView]:
        """All senders, the newest first."""
        await self._give_ready(owner_id)
        async with self._database.transaction() as session:
            records = await store.senders(session, owner_id, before=None, limit=MAX_LISTED)
        return [view_of(record) for record in records]

    async def page(
        self, owner_id: uuid.UUID, *, cursor: str | None = None, limit: int = DEFAULT_PAGE
    ) -> Page[SenderView]:
        """Some senders, the newest first. Raises `InvalidInput` for a foreign cursor."""
        limit = min(limit, MAX_PAGE)
        before = unpack_id(cursor)
        await self._give_ready(owner_id)
        async with self._database.transaction() as session:
            records = await store.senders(session, owner_id, before=before, limit=limit + 1)
        shown = records[:limit]
        more = len(records) > limit
        return Page(
            items=[view_of(record) for record in shown],
            next_cursor=pack_id(shown[-1].id) if more else None,
        )

    async def patch(
        self,
        owner_id: uuid.UUID,
        sender_id: uuid.UUID,
        patch: SenderPatch,
        *,
        only: Only = ANY,
    ) -> SenderView:
        """Change a sender. Mending what broke it sets it going again. Raises `InvalidInput`."""
        changes = changes_of(patch)
        async with self._database.transaction() as session:
            before = _existing(await store.sender(session, owner_id, sender_id, for_update=True))
            only.check(version_of_sender(before))
            changes = sender_rules.checked_changes(changes, before, policy=self._policy)
            self._seal(owner_id, sender_id, changes)
            if changes:
                await store.change_sender(session, owner_id, sender_id, changes)
                told = {"id": sender_id, **sender_rules.told(changes)}
                await note(session, owner_id, Act.SENDER_CHANGED, before.from_address, told)
            after = _existing(await store.sender(session, owner_id, sender_id))
            await signal(session, sender_id)
        await self._bell.ring([sender_id])
        return view_of(after)

    async def verify(self, owner_id: uuid.UUID, sender_id: uuid.UUID) -> CheckReport:
        """Connect and log in, within 20 s. A sender that had broken and now can is set going again.

        How it went is kept, until the account changes. Raises `TooMuchAtOnce`, and `Conflict` where
        its emails are to be signed with a key that is lost.
        """
        record = await self._record(owner_id, sender_id)
        _refuse_lost_key(record)
        async with self._checks.turn(owner_id):
            result = await self._mailer.check(account_of(self._secrets, record.id, record))
        report = report_of(record, result, at=clock.now())
        async with self._database.transaction() as session:
            await store.note_check(session, record, stored(report))
            told = {"id": sender_id, "logged_in": report.ok}
            await note(session, owner_id, Act.SENDER_VERIFIED, record.from_address, told)
        if result.ok and (record.state == SenderState.BROKEN or record.resting_until):
            await self._set_going(owner_id, sender_id)
        return report

    async def send_test(self, owner_id: uuid.UUID, sender_id: uuid.UUID, to: str) -> TestReport:
        """Send one short message at once, past all schedules. It counts against the limits.

        Raises `InvalidInput`, for a suppressed address too; `TooMuchAtOnce` where the limits leave
        no room.
        """
        problems = Problems()
        address = problems.address("to", to)
        problems.raise_if_any()
        assert address is not None, "an address that was refused is a problem"
        record = await self._record(owner_id, sender_id)
        _refuse_lost_key(record)
        async with self._database.transaction() as session:
            if await is_suppressed(session, owner_id, address.key):
                raise InvalidInput.of("to", "is suppressed: take it off the suppressions first")
        async with self._checks.turn(owner_id):
            await self._refuse_past_limits(record)
            async with self._database.transaction() as session:
                about = {"id": sender_id, "to": address.address}
                await note(session, owner_id, Act.SENDER_TESTED, record.from_address, about)
            return await self._tested(record, address.address)

    async def _refuse_past_limits(self, record: SenderRecord) -> None:
        wait = await self._allowance.take_one(
            record.id, hourly_limit=record.hourly_limit, min_delay_ms=record.min_delay_ms
        )
        if wait is not None:
            seconds = max(1, math.ceil(wait.total_seconds()))
            told = "this sender's limits leave no room for a test now"
            raise TooMuchAtOnce(told, retry_after_seconds=seconds)

    async def _tested(self, record: SenderRecord, to: str) -> TestReport:
        message_id = f"<{new_id()}@{record.from_address.rpartition('@')[2]}>"
        content = test_message(self._secrets, record, to=to, message_id=message_id)
        envelope = Envelope(mail_from=record.from_address, rcpt_to=to)
        account = account_of(self._secrets, record.id, record)
        try:
            async with asyncio.timeout(TEST_SECONDS):
                result = await self._mailer.send(account, envelope, content, guard=_always)
        except TimeoutError:
            detail = f"there was no answer within {TEST_SECONDS} s; it may have been sent"
            return TestReport(ok=False, detail=detail, message_id=message_id)
        return TestReport(ok=result.kind is Kind.SENT, detail=told(result), message_id=message_id)

    async def make_dkim_key(
        self,
        owner_id: uuid.UUID,
        sender_id: uuid.UUID,
        algorithm: DkimAlgorithm,
        selector: str | None = None,
        *,
        domain: str | None = None,
    ) -> DkimRecord:
        """Give the sender a key: from now on its emails are signed. Publish the record at once.

        `domain` is that of its From address or one above it. Raises `Conflict` when it has a key,
        and `InvalidInput` naming selector or domain.
        """
        _refuse_second_key(await self._record(owner_id, sender_id))
        key = await asyncio.to_thread(DkimKey.generate, algorithm)
        async with self._database.transaction() as session:
            sender = _existing(await store.sender(session, owner_id, sender_id, for_update=True))
            _refuse_second_key(sender)
            made = dkim.new_key(self._secrets, sender, key, selector=selector, domain=domain)
            await store.change_sender(session, owner_id, sender_id, made.columns)
            about = {"id": sender_id, "record": made.record.name}
            await note(session, owner_id, Act.DKIM_KEY_MADE, sender.from_address, about)
        return made.record

    async def dkim_record(self, owner_id: uuid.UUID, sender_id: uuid.UUID) -> DkimRecord:
        """The record to publish for the sender's key. Raises `NotFound`."""
        return dkim.record_of(self._secrets, await self._record(owner_id, sender_id))

    async def drop_dkim_key(self, owner_id: uuid.UUID, sender_id: uuid.UUID) -> None:
        """Forget the sender's key, if it has one: its emails go unsigned. Raises `NotFound`."""
        async with self._database.transaction() as session:
            sender = _existing(await store.sender(session, owner_id, sender_id, for_update=True))
            changes = {**dkim.NO_KEY, **(_KEY_GIVEN_UP if sender.has_lost_key else {})}
            await store.change_sender(session, owner_id, sender_id, changes)
            about = {"id": sender_id}
            await note(session, owner_id, Act.DKIM_KEY_DROPPED, sender.from_address, about)

    async def _give_ready(self, owner_id: uuid.UUID) -> None:
        """Once, whoever looks first: its id follows from owner and account."""
        ready = self._ready
        if ready is None or owner_id in self._given_to:
            return
        sender_id = uuid.uuid5(owner_id, f"{ready.smtp_host} {ready.smtp_username}")
        values: dict[str, Any] = {name: getattr(ready, name) for name in NewSender.__slots__}
        self._seal(owner_id, sender_id, values)
        async with self._database.transaction() as session:
            await store.insert_sender_once(session, id=sender_id, owner_id=owner_id, **values)
        if len(self._given_to) < MAX_REMEMBERED:
            self._given_to.add(owner_id)

    def _seal(self, owner_id: uuid.UUID, sender_id: uuid.UUID, values: dict[str, Any]) -> None:
        """Secrets in the form in which they are stored."""
        if isinstance(password := values.get("smtp_password"), str):
            values["smtp_password"] = sealed(self._secrets, owner_id, sender_id, password)
        if "smtp_oauth" in values:
            grant = values.pop("smtp_oauth")
            values["smtp_grant"] = grant and sender_grants.sealed(
                self._secrets, owner_id, sender_id, grant
            )

    async def _set_going(self, owner_id: uuid.UUID, sender_id: uuid.UUID) -> None:
        async with self._database.transaction() as session:
            record = await store.sender(session, owner_id, sender_id, for_update=True)
            if record is None or record.state == SenderState.PAUSED:
                return
            await store.change_sender(session, owner_id, sender_id, sender_rules.WELL_AGAIN)
            await signal(session, sender_id)
        await self._bell.ring([sender_id])

    async def _record(self, owner_id: uuid.UUID, sender_id: uuid.UUID) -> SenderRecord:
        async with self._database.transaction() as session:
            return _existing(await store.sender(session, owner_id, sender_id))


def _existing(record: SenderRecord | None) -> SenderRecord:
    if record is None:
        raise NotFound("there is no such sender")
    return record


def _refuse_lost_key(record: SenderRecord) -> None:
    if record.has_lost_key:
        raise Conflict(dkim.LOST)


def _refuse_second_key(record: SenderRecord) -> None:
    # Signing with a key whose record is not published yet would undo what the first one achieved.
    if record.dkim_key is not None:
        raise Conflict("this sender has a DKIM key already: delete it first to have another")


async def _always() -> bool:
    return True
