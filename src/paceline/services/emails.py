"""Single emails, and what a person may do to one email: call it back, move it, settle its doubt."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from paceline.domain.decisions import Decision
from paceline.domain.identifiers import new_id
from paceline.domain.lifecycle import WAITING, CampaignState, JobEvent, JobState, after
from paceline.errors import Conflict
from paceline.observability.tracing import causes
from paceline.persistence import moments
from paceline.persistence.database import Database
from paceline.persistence.lanes import signal
from paceline.persistence.stores import campaigns as campaign_store
from paceline.persistence.stores import emails as store
from paceline.persistence.stores import senders as sender_store
from paceline.persistence.stores.emails import JobRecord, NewSingleEmail
from paceline.persistence.stores.session import Session
from paceline.persistence.stores.suppressions import is_suppressed
from paceline.services import one_email
from paceline.services.deciding import audited, decided
from paceline.services.email_changes import EmailPatch, change, move
from paceline.services.one_email import GONE
from paceline.services.ports import Bell, Settle
from paceline.services.quotas import Quotas
from paceline.services.unset import changes_of
from paceline.services.validation import Problems
from paceline.services.versions import ANY, Only, version_of_email
from paceline.services.views import EmailView


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEmail:
    """One email to one person, outside any campaign. `scheduled_at` None: now."""

    sender_id: uuid.UUID
    to: str
    to_name: str | None = None
    subject: str
    text: str | None = None
    html: str | None = None
    scheduled_at: datetime | None = None


class Outcome(StrEnum):
    """What came of calling an email back. There is no third."""

    CANCELLED = "cancelled"
    TOO_LATE = "too_late"


class Resolution(StrEnum):
    """How a person settles doubt."""

    SENT = "sent"
    RESEND = "resend"


_NOTED = {Resolution.SENT: Decision.MARKED_SENT, Resolution.RESEND: Decision.SENT_AGAIN}


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelResult:
    """Whether an email was called back, and how it stands now."""

    outcome: Outcome
    email: EmailView


class Emails:
    """The emails of an owner, one at a time."""

    def __init__(self, database: Database, bell: Bell, quotas: Quotas) -> None:
        self._database = database
        self._bell = bell
        self._quotas = quotas

    async def create(
        self, owner_id: uuid.UUID, new: NewEmail, *, reserved_id: uuid.UUID | None = None
    ) -> EmailView:
        """Schedule one email, under an id that may have been reserved for it, and only once.

        Raises `InvalidInput`.
        """
        problems = Problems()
        address = problems.address("to", new.to)
        name = problems.name("to_name", new.to_name, required=False)
        problems.message(new.subject, new.text, new.html)
        scheduled_at = problems.instant("scheduled_at", new.scheduled_at)
        async with self._database.transaction() as session:
            if reserved_id and await _is_there(session, owner_id, reserved_id):
                return await one_email.view(session, owner_id, reserved_id)
            sender = await sender_store.sender(session, owner_id, new.sender_id, keep=True)
            if sender is None:
                problems.add("sender_id", "is none of your senders")
            if address is not None and await is_suppressed(session, owner_id, address.key):
                problems.add("to", "is on your suppression list")
            problems.raise_if_any()
            assert sender is not None, "a missing sender is a problem"
            assert address is not None, "so is an address that was refused"
            email_id = reserved_id or new_id()
            scheduled_at = scheduled_at or await moments.now(session)
            domain = sender.from_address.rpartition("@")[2]
            await store.insert_single(
                session,
                NewSingleEmail(
                    id=email_id,
                    owner_id=owner_id,
                    sender_id=sender.id,
                    address=address.address,
                    address_key=address.key,
                    name=name,
                    subject=new.subject,
                    text_body=new.text or None,
                    html_body=new.html or None,
                    message_id=f"<{email_id}@{domain}>",
                    scheduled_at=scheduled_at,
                ),
            )
            octets = sum(len(body.encode()) for body in (new.text, new.html) if body)
            await self._quotas.take(session, owner_id, emails=1, octets=octets)
            view = await one_email.view(session, owner_id, email_id)
            await signal(session, sender.id, scheduled_at)
        causes(email_id)
        await self._bell.ring([sender.id])
        return view

    async def cancel(
        self, owner_id: uuid.UUID, email_id: uuid.UUID, *, only: Only = ANY
    ) -> CancelResult:
        """Call it back. Afterwards it is certain: cancelled, or too late. Raises `Conflict`."""
        async with self._database.transaction() as session:
            await one_email.check(session, owner_id, email_id, only)
            job = await one_email.job(session, owner_id, email_id, for_update=True)
            if job.state in WAITING:  # a campaign may be complete without it: let its lane see
                await signal(session, job.sender_id)
            cancelled = await store.cancel_one(session, owner_id, email_id)
            if cancelled:
                await decided(session, [email_id], Decision.CANCELLED)
                record = await one_email.record(session, owner_id, email_id)
                await audited(session, owner_id, record, Decision.CANCELLED)
            job = await one_email.job(session, owner_id, email_id)
            view = await one_email.view(session, owner_id, email_id)
        if cancelled:
            await self._bell.ring([job.sender_id])
        if job.state in GONE:
            return CancelResult(outcome=Outcome.TOO_LATE, email=view)
        if job.state is not JobState.CANCELLED:
            raise Conflict(f"an email that is {job.state} cannot be cancelled")
        return CancelResult(outcome=Outcome.CANCELLED, email=view)

    async def patch(
        self,
        owner_id: uuid.UUID,
        email_id: uuid.UUID,
        patch: EmailPatch,
        *,
        only: Only = ANY,
    ) -> EmailView:
        """Change or move an email that waits for its first try, at once or not at all.

        Raises `InvalidInput`, `QuotaUsedUp`, and `Conflict` once it has begun.
        """
        changes = changes_of(patch)
        is_moved = "scheduled_at" in changes
        at = changes.pop("scheduled_at", None)
        problems = Problems()
        problems.instant("scheduled_at", at)
        problems.raise_if_any()
        async with self._database.transaction() as session:
            job = await one_email.turn(session, owner_id, email_id) if changes else None
            await one_email.check(session, owner_id, email_id, only)
            job = job or await one_email.job(session, owner_id, email_id)
            if changes:
                grown = await change(session, owner_id, job, changes)
                if grown > 0:
                    await self._quotas.take(session, owner_id, octets=grown)
            if is_moved:
                await move(session, owner_id, job, at)
            view = await one_email.view(session, owner_id, email_id)
            await signal(session, job.sender_id, view.due_at)
        await self._bell.ring([job.sender_id])
        return view

    async def resolve(
        self,
        owner_id: uuid.UUID,
        email_id: uuid.UUID,
        resolution: Resolution,
        *,
        only: Only = ANY,
        settle: Settle[EmailView] | None = None,
    ) -> EmailView:
        """Settle an email in doubt: it arrived, or it is to go out again. Raises `Conflict`."""
        async with self._database.transaction() as session:
            job = await one_email.job(session, owner_id, email_id, for_update=True)
            only.check(version_of_email(job))
            if job.state is not JobState.IN_DOUBT:
                raise Conflict(f"an email that is {job.state} is not in doubt")
            await signal(session, job.sender_id)
            if resolution is Resolution.SENT:
                after(job.state, JobEvent.ACCEPT)
                await store.settle_as_sent(session, owner_id, email_id)
            else:
                after(job.state, JobEvent.DEFER)
                await self._send_again(session, owner_id, job)
            await decided(session, [email_id], _NOTED[resolution])
            record = await one_email.record(session, owner_id, email_id)
            await audited(session, owner_id, record, _NOTED[resolution])
            view = await one_email.view(session, owner_id, email_id)
            if settle is not None:
                await settle(session, view)
        await self._bell.ring([job.sender_id])
        return view

    async def _send_again(self, session: Session, owner_id: uuid.UUID, job: JobRecord) -> None:
        await store.settle_as_unsent(session, owner_id, job.email_id)
        if not await sender_store.is_kept(session, job.sender_id):
            raise Conflict("its sender was deleted: nothing of it is sent again")
        if job.campaign_id is None:
            return
        campaign = await campaign_store.campaign(session, owner_id, job.campaign_id)
        if campaign is not None and campaign.state == CampaignState.CANCELLED:
            raise Conflict("its campaign was cancelled: nothing of it is sent again")
        await campaign_store.reopen(session, job.campaign_id)


async def _is_there(session: Session, owner_id: uuid.UUID, reserved_id: uuid.UUID) -> bool:
    """Whether a request under this id got so far before; one that still does is waited for."""
    await campaign_store.take_turns(session, reserved_id)
    return await store.job(session, owner_id, reserved_id) is not None
