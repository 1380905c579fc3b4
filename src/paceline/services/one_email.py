"""One email within a transaction: its job, and its record as people see it."""

from __future__ import annotations

import uuid

from paceline.domain.lifecycle import JobState
from paceline.errors import Conflict, NotFound, TooLate
from paceline.persistence.stores import campaigns as campaign_store
from paceline.persistence.stores import email_records
from paceline.persistence.stores import emails as store
from paceline.persistence.stores.email_records import EmailRecord
from paceline.persistence.stores.emails import JobRecord
from paceline.persistence.stores.session import Session
from paceline.services.email_views import view_of
from paceline.services.versions import ANY, Only, version_of_email
from paceline.services.views import EmailView
from paceline.services.waiting import NOT_LOOKED

GONE = frozenset({JobState.CLAIMED, JobState.SENDING, JobState.SENT, JobState.IN_DOUBT})


async def job(
    session: Session, owner_id: uuid.UUID, email_id: uuid.UUID, *, for_update: bool = False
) -> JobRecord:
    """Where it stands. Raises `NotFound`."""
    found = await store.job(session, owner_id, email_id, for_update=for_update)
    if found is None:
        raise NotFound("there is no such email")
    return found


async def turn(session: Session, owner_id: uuid.UUID, email_id: uuid.UUID) -> JobRecord:
    """The same, held still behind its campaign's turn: nobody adds recipients meanwhile."""
    found = await job(session, owner_id, email_id)
    if found.campaign_id is not None:
        await campaign_store.take_turns(session, found.campaign_id)  # before its row, as all do
    return await job(session, owner_id, email_id, for_update=True)


async def check(session: Session, owner_id: uuid.UUID, email_id: uuid.UUID, only: Only) -> None:
    """Hold the row still, where it matters which version it is. Raises `Outdated`."""
    if only is not ANY:
        only.check(version_of_email(await job(session, owner_id, email_id, for_update=True)))


async def record(session: Session, owner_id: uuid.UUID, email_id: uuid.UUID) -> EmailRecord:
    """With what it says. Raises `NotFound`."""
    found = await email_records.email(session, owner_id, email_id)
    if found is None:
        raise NotFound("there is no such email")
    return found


async def view(session: Session, owner_id: uuid.UUID, email_id: uuid.UUID) -> EmailView:
    """As people see it, without a look at what it waits for."""
    return view_of(await record(session, owner_id, email_id), NOT_LOOKED, ahead=0)


def refuse_begun(job: JobRecord, what: str) -> None:
    """Raises `TooLate` or `Conflict` for an email that does not wait for its first try."""
    if job.state is JobState.DEFERRED:
        raise Conflict(f"an email that was tried already cannot be {what} while it waits")
    if job.state is not JobState.SCHEDULED:
        refusal = TooLate if job.state in GONE else Conflict
        raise refusal(f"an email that is {job.state} cannot be {what}")
