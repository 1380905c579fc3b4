"""Trying again what has failed: one email, or a campaign's by reason.

Failed is certain, so no copy can go out twice. What a person asks for is done in chunks, each a
transaction of its own, and no email is taken up twice for one request.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from paceline.auth.acting import who
from paceline.auth.auditing import complete, note
from paceline.domain.acts import Act
from paceline.domain.decisions import Decision
from paceline.domain.identifiers import new_id
from paceline.domain.lifecycle import CampaignState, JobEvent, JobState, after
from paceline.domain.retrying import FailedFilter
from paceline.errors import Conflict, NotFound
from paceline.persistence.database import Database
from paceline.persistence.lanes import signal
from paceline.persistence.stores import campaigns as campaign_store
from paceline.persistence.stores import email_records
from paceline.persistence.stores import emails as email_store
from paceline.persistence.stores import retrying as store
from paceline.persistence.stores import senders as sender_store
from paceline.persistence.stores.campaigns import CampaignRecord
from paceline.persistence.stores.emails import JobRecord
from paceline.persistence.stores.retrying import Chunk, FailedGroup, Wanted
from paceline.persistence.stores.session import Session
from paceline.services.deciding import audited
from paceline.services.email_views import view_of
from paceline.services.ports import Bell, Settle
from paceline.services.suppressions import let_go
from paceline.services.views import EmailView
from paceline.services.waiting import NOT_LOOKED

__all__ = ["FailedGroup", "RetryReport", "Retrying"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryReport:
    """How many failed emails wait again, or would; and how many stay as they are, and why."""

    retried: int = 0
    suppressed: int = 0  # their addresses are on the suppression list
    doubtful: int = 0  # an attempt of theirs has no certain end
    dry_run: bool = False

    def with_more(self, chunk: Chunk) -> RetryReport:
        """Both together."""
        return RetryReport(
            retried=self.retried + chunk.retried,
            suppressed=self.suppressed + chunk.suppressed,
            doubtful=self.doubtful + chunk.doubtful,
            dry_run=self.dry_run,
        )


class Retrying:
    """The failed emails of an owner."""

    def __init__(self, database: Database, bell: Bell) -> None:
        self._database = database
        self._bell = bell

    async def campaign(
        self,
        owner_id: uuid.UUID,
        campaign_id: uuid.UUID,
        wanted: FailedFilter,
        *,
        run: uuid.UUID | None = None,
        dry_run: bool = False,
        settle: Settle[RetryReport] | None = None,
    ) -> RetryReport:
        """Let a campaign's failed emails wait again, or count them. A completed one is reopened.

        `run` names the request: repeated, it goes on where it stopped. Raises `Conflict` once the
        campaign is cancelled.
        """
        run = run or new_id()
        which = Wanted(
            campaign_id=campaign_id,
            reason=wanted.reason,
            reply_code=wanted.reply_code,
            reply_enhanced=wanted.reply_enhanced,
        )
        report, behind = RetryReport(dry_run=dry_run), store.FIRST
        sender_id: uuid.UUID | None = None
        entry: int | None = None
        while True:
            async with self._database.transaction() as session:
                record = await _turn(session, owner_id, campaign_id)
                if entry is None and not dry_run:
                    about = {"id": campaign_id}
                    entry = await note(session, owner_id, Act.EMAILS_RETRIED, record.name, about)
                chunk = await store.retry(
                    session,
                    owner_id,
                    which,
                    run=run,
                    actor=who().actor,
                    after=behind,
                    only_count=dry_run,
                )
                report = report.with_more(chunk)
                is_last = chunk.seen < store.MAX_CHUNK
                if chunk.retried and not dry_run:
                    sender_id = record.sender_id
                    await _wake(session, record.sender_id, campaign_id)
                if is_last and entry is not None:
                    left = report.suppressed + report.doubtful
                    await complete(session, entry, {"done": report.retried, "not_done": left})
                if is_last and settle is not None:
                    await settle(session, report)
            if is_last:
                break
            assert chunk.last is not None, "a full chunk has a last one"
            behind = chunk.last
        if sender_id is not None:
            await self._bell.ring([sender_id])
        return report

    async def one(
        self,
        owner_id: uuid.UUID,
        email_id: uuid.UUID,
        *,
        release: bool = False,
        settle: Settle[EmailView] | None = None,
    ) -> EmailView:
        """Let one failed email wait again; `release` lets its address be mailed again first.

        Raises `NotFound`, and `Conflict` for what has not failed or must not be sent.
        """
        async with self._database.transaction() as session:
            job = await _failed(session, owner_id, email_id)
            record = await email_records.email(session, owner_id, email_id)
            assert record is not None, "its job is there"
            if record.content_removed_at is not None:
                raise Conflict("what it said is kept no longer, so that it cannot be sent again")
            if release:
                note = "to try an email again"
                await let_go(session, owner_id, record.address_key, actor=who().actor, note=note)
            chunk = await store.retry_one(
                session, owner_id, email_id, run=new_id(), actor=who().actor
            )
            _refuse_what_stays(chunk, record.address)
            await audited(session, owner_id, record, Decision.RETRIED)
            again = await email_records.email(session, owner_id, email_id)
            assert again is not None, "it was there a moment ago"
            view = view_of(again, NOT_LOOKED, ahead=0)
            if settle is not None:
                await settle(session, view)
            await _wake(session, job.sender_id, job.campaign_id)
        await self._bell.ring([job.sender_id])
        return view

    async def groups(self, owner_id: uuid.UUID, campaign_id: uuid.UUID) -> list[FailedGroup]:
        """Why a campaign's emails failed, the most frequent reason first. Raises `NotFound`."""
        async with self._database.transaction() as session:
            if await campaign_store.campaign(session, owner_id, campaign_id) is None:
                raise NotFound("there is no such campaign")
            return await store.failed_groups(session, owner_id, campaign_id)


async def _turn(session: Session, owner_id: uuid.UUID, campaign_id: uuid.UUID) -> CampaignRecord:
    """The campaign, with every other command about it kept waiting."""
    await campaign_store.take_turns(session, campaign_id, patient=False)
    record = await campaign_store.campaign(session, owner_id, campaign_id)
    if record is None:
        raise NotFound("there is no such campaign")
    _refuse_cancelled(record)
    return record


async def _failed(session: Session, owner_id: uuid.UUID, email_id: uuid.UUID) -> JobRecord:
    found = await email_store.job(session, owner_id, email_id)
    if found is not None and found.campaign_id is not None:
        await campaign_store.take_turns(session, found.campaign_id)  # before its row, as all do
    job = await email_store.job(session, owner_id, email_id, for_update=True)
    if job is None:
        raise NotFound("there is no such email")
    if job.state is not JobState.FAILED:
        raise Conflict(f"an email that is {job.state} cannot be tried again: it has not failed")
    after(job.state, JobEvent.RETRY)
    if job.campaign_id is not None:
        record = await campaign_store.campaign(session, owner_id, job.campaign_id)
        if record is not None:
            _refuse_cancelled(record)
    return job


def _refuse_cancelled(record: CampaignRecord) -> None:
    if record.state == CampaignState.CANCELLED:
        raise Conflict("its campaign was cancelled: nothing of it is sent again")


def _refuse_what_stays(chunk: Chunk, address: str) -> None:
    if chunk.suppressed:
        raise Conflict(
            f"{address} is on your suppression list: take it off first "
            f"(DELETE /api/v1/suppressions/{address}), if you know that it takes mail"
        )
    if chunk.doubtful:
        raise Conflict("an attempt of it has no certain end: it may have arrived")
    assert chunk.retried, f"an email that is {JobState.FAILED} waits again, or there is a reason"


async def _wake(session: Session, sender_id: uuid.UUID, campaign_id: uuid.UUID | None) -> None:
    if not await sender_store.is_kept(session, sender_id):
        raise Conflict("its sender was deleted: nothing of it is sent again")
    if campaign_id is not None:
        await campaign_store.reopen(session, campaign_id)
    await signal(session, sender_id)
