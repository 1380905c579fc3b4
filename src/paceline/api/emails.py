"""`/emails`: single emails, and every email one by one."""

from __future__ import annotations

import uuid
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from starlette.responses import StreamingResponse

from paceline.api.etags import IfMatch, TaggedRoute, tagged
from paceline.api.idempotency import reserved_id, settled_as
from paceline.api.incoming import (
    EmailIn,
    EmailPatchIn,
    Given,
    Instant,
    ResolveIn,
    RetryEmailIn,
)
from paceline.api.outgoing.base import PageOut
from paceline.api.outgoing.emails import BulkOut, CancelledOut, EmailDetailOut, EmailOut
from paceline.api.paging import Cursor, Limit
from paceline.api.parts import Wired
from paceline.api.security import Caller, refuse_beyond
from paceline.domain.lifecycle import EmailList, FailureReason, JobState
from paceline.domain.retrying import FailedFilter
from paceline.domain.scopes import Scope
from paceline.domain.short_lists import MAX_SORTED, SortBy
from paceline.errors import InvalidInput, TooLate
from paceline.services.bulk import MAX_IDS, Action, BulkReport, Command
from paceline.services.email_changes import EmailPatch
from paceline.services.emails import NewEmail, Outcome
from paceline.services.selecting import EmailFilter
from paceline.services.views import EmailView, Page

router = APIRouter(prefix="/emails", tags=["emails"], route_class=TaggedRoute)


@router.post("", status_code=201, response_model=EmailOut)
async def create(
    request: Request, response: Response, parts: Wired, caller: Caller, body: EmailIn
) -> EmailView:
    """Schedule one email."""
    new = NewEmail(**body.model_dump())
    view = await parts.emails.create(caller.user_id, new, reserved_id=reserved_id(request))
    response.headers["Location"] = f"{request.url.path.rstrip('/')}/{view.id}"
    return tagged(response, view)


class Sort(StrEnum):
    """Which way a list is read, or what a short one is sorted by; `-` is the other way round."""

    FORWARDS = "forwards"
    BACKWARDS = "backwards"
    RECIPIENT = "recipient"
    FROM_LAST_RECIPIENT = "-recipient"
    CAMPAIGN = "campaign"
    FROM_LAST_CAMPAIGN = "-campaign"
    STATUS = "status"
    FROM_LAST_STATUS = "-status"

    @property
    def by(self) -> SortBy | None:
        """What a short list is sorted by; None: its time."""
        key = self.removeprefix("-")
        return SortBy(key) if key in set(SortBy) else None

    @property
    def is_backwards(self) -> bool:
        """Whether the last ones come first."""
        return self is Sort.BACKWARDS or self.startswith("-")


class CampaignEmailFilter(Given):
    """Which emails of one campaign are meant."""

    which: EmailList | None = Field(
        default=None,
        alias="list",
        description="As people see them: `scheduled` holds all that is still to go",
    )
    state: list[JobState] = Field(default=[], description="May be given several times")
    reason: FailureReason | None = Field(default=None, description="Those that failed for it")
    reply: str | None = Field(
        default=None,
        max_length=20,
        description="Those whose server answered so: `550`, `550 5.7.1`, or `none`",
    )
    begin: Instant | None = Field(
        default=None,
        description="From this instant on: by the time that they are due, were sent or, of all"
        " others, changed last",
    )
    end: Instant | None = Field(default=None, description="Before this instant")
    q: str | None = Field(default=None, description="Words, or beginnings of them")

    def of(self, campaign_id: uuid.UUID | None) -> EmailFilter:
        """The same as the services put it."""
        states = frozenset(self.state or JobState)
        if self.which is not None:
            states &= self.which.states
        return EmailFilter(
            states=states,
            q=self.q,
            campaign_id=campaign_id,
            failed=FailedFilter.of(reason=self.reason, reply=self.reply),
            begin=self.begin,
            end=self.end,
        )


class EmailFilterIn(CampaignEmailFilter):
    """Which emails are meant."""

    campaign_id: uuid.UUID | None = None
    sender_id: uuid.UUID | None = None

    def wanted(self) -> EmailFilter:
        """The same as the services put it."""
        return replace(self.of(self.campaign_id), sender_id=self.sender_id)


class CampaignEmailQuery(CampaignEmailFilter):
    """Which emails of one campaign to list, and which page of them."""

    sort: Sort = Field(
        default=Sort.FORWARDS,
        description="`backwards`: the last ones first. By recipient, campaign or status (`-`: the"
        f" other way round): lists of up to {MAX_SORTED:,} emails; 422 for longer ones",
    )
    cursor: Cursor = None
    limit: Limit = 50

    def of(self, campaign_id: uuid.UUID | None) -> EmailFilter:
        """The same as the services put it."""
        wanted, sort = super().of(campaign_id), self.sort
        return replace(wanted, sort=sort.by, backwards=sort.is_backwards)


class EmailQuery(CampaignEmailQuery, EmailFilterIn):
    """Which emails to list, and which page of them."""


class BulkIn(Given):
    """What to do to which emails: to `ids`, or to all that match `filter` (an empty one: all).

    `scheduled_at`: to when they are rescheduled.
    """

    action: Action
    ids: list[uuid.UUID] | None = Field(default=None, max_length=MAX_IDS)
    filter: EmailFilterIn | None = None
    scheduled_at: Instant | None = None

    def command(self) -> Command:
        """The same as the services put it."""
        return Command(
            action=self.action,
            ids=None if self.ids is None else tuple(self.ids),
            wanted=None if self.filter is None else self.filter.wanted(),
            scheduled_at=self.scheduled_at,
        )


@router.get("", response_model=PageOut[EmailOut])
async def list_all(
    parts: Wired, caller: Caller, query: Annotated[EmailQuery, Query()]
) -> Page[EmailView]:
    """Emails: those on their way, then those that wait (the next due first), then those that were
    sent, that failed, that are in doubt and that were cancelled (the newest first). Those of one
    campaign: in its order. `list` gives one of the five.

    `q` finds emails that have all its words, in any order, in address, name or subject (as it is
    sent). The last one, and any of three characters or more, may be the beginning of one. A whole
    address finds that address alone.
    """
    return await listed(parts, caller, query, query.wanted())


async def listed(
    parts: Wired, caller: Caller, query: CampaignEmailQuery, wanted: EmailFilter
) -> Page[EmailView]:
    """The page that is asked for. Raises `InvalidInput` where there is too much to be sorted."""
    page = await parts.email_queries.emails(
        caller.user_id, wanted, cursor=query.cursor, limit=query.limit
    )
    if page.extent is not None and not page.extent.is_short:
        told = f"up to {MAX_SORTED:,} emails can be sorted by {wanted.sort}: filter the list first"
        raise InvalidInput.of("sort", told)
    return page


@router.get("/export", response_class=StreamingResponse)
async def export(
    parts: Wired, caller: Caller, query: Annotated[EmailFilterIn, Query()]
) -> StreamingResponse:
    """All that match as CSV, in the order of the list, however many there are.

    What a spreadsheet would take for a formula begins with an apostrophe.
    """
    return StreamingResponse(
        await parts.exports.emails(caller.user_id, query.wanted()),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="emails.csv"'},
    )


@router.post("/bulk", response_model=BulkOut)
async def bulk(request: Request, parts: Wired, caller: Caller, body: BulkIn) -> BulkReport:
    """Cancel, reschedule, retry or mark as sent what was selected, or all that match a filter.

    `done` says how many were, `not_done` how many were not, by reason. With a filter, only those
    are looked at that the action is for: `cancel` and `reschedule` what is still to go, `retry`
    what has failed, `mark_sent` what is in doubt. `complete` false: more match; ask again.
    """
    return await parts.bulk.run(
        caller.user_id,
        body.command(),
        run=reserved_id(request),
        settle=settled_as(request, BulkOut.model_validate),
    )


@router.get("/{email_id}", response_model=EmailDetailOut)
async def get(
    response: Response, parts: Wired, caller: Caller, email_id: uuid.UUID
) -> EmailDetailOut:
    """One email: its content, its attempts and, while it waits, what it waits for."""
    detail = await parts.email_queries.email(caller.user_id, email_id)
    return EmailDetailOut.model_validate(
        {
            **dict(EmailOut.model_validate(tagged(response, detail.email))),
            "text": detail.text,
            "html": detail.html,
            "fields": detail.fields,
            "attempts": detail.attempts,
            "decisions": detail.decisions,
        }
    )


@router.patch("/{email_id}", response_model=EmailOut)
async def patch(
    response: Response,
    parts: Wired,
    caller: Caller,
    email_id: uuid.UUID,
    body: EmailPatchIn,
    only: IfMatch,
) -> EmailView:
    """Change or move an email that waits for its first try; 409 once that has begun.

    A single email's recipient and message; of a campaign's email the recipient and the values of
    its merge fields. What is not given stays.
    """
    change = EmailPatch(**body.given())
    view = await parts.emails.patch(caller.user_id, email_id, change, only=only)
    return tagged(response, view)


@router.post("/{email_id}/cancel", response_model=CancelledOut)
async def cancel(
    response: Response, parts: Wired, caller: Caller, email_id: uuid.UUID, only: IfMatch
) -> CancelledOut:
    """Call it back: cancelled for certain, or 409 when it is too late."""
    result = await parts.emails.cancel(caller.user_id, email_id, only=only)
    if result.outcome is Outcome.TOO_LATE:
        raise TooLate(f"too late: this email is {result.email.state}")
    shown = EmailOut.model_validate(tagged(response, result.email))
    return CancelledOut(**dict(shown), result=result.outcome)


@router.post("/{email_id}/retry", response_model=EmailOut)
async def retry(
    request: Request,
    parts: Wired,
    caller: Caller,
    email_id: uuid.UUID,
    body: RetryEmailIn | None = None,
) -> EmailView:
    """Try an email again that has failed, as if it never had been.

    409 for one that has not failed, and while its address is on the suppression list, unless
    `release` takes it off, for which a key needs `admin`.
    """
    release = body is not None and body.release
    if release:
        refuse_beyond(caller, Scope.ADMIN)
    return await parts.retrying.one(
        caller.user_id,
        email_id,
        release=release,
        settle=settled_as(request, EmailOut.model_validate),
    )


@router.post("/{email_id}/resolve", response_model=EmailOut)
async def resolve(
    request: Request,
    response: Response,
    parts: Wired,
    caller: Caller,
    email_id: uuid.UUID,
    body: ResolveIn,
    only: IfMatch,
) -> EmailView:
    """Settle an email in doubt: it was `sent`, or `resend` it."""
    settle = settled_as(request, EmailOut.model_validate)
    view = await parts.emails.resolve(
        caller.user_id, email_id, body.resolution, only=only, settle=settle
    )
    return tagged(response, view)
