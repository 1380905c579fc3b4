"""Campaigns as people see them: with counts by state, and why nothing goes out right now."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace

from paceline import clock
from paceline.domain.lifecycle import CampaignState, DoubtPolicy, JobState
from paceline.errors import NotFound
from paceline.persistence.session_settings import thinking
from paceline.persistence.stores import campaigns as store
from paceline.persistence.stores import queues
from paceline.persistence.stores.attachments import CAMPAIGN_FILES
from paceline.persistence.stores.campaigns import CampaignRecord
from paceline.persistence.stores.session import Session
from paceline.services.message_notes import notes_on
from paceline.services.status import Allowance, Status, of_campaign
from paceline.services.versions import version_of_campaign
from paceline.services.views import CampaignView, Counts
from paceline.services.waiting import NOT_LOOKED, Surroundings

_LIVE = (JobState.CLAIMED, JobState.SENDING, JobState.DEFERRED, JobState.IN_DOUBT)


async def view_of(
    session: Session,
    owner_id: uuid.UUID,
    campaign_id: uuid.UUID,
    around: Surroundings = NOT_LOOKED,
) -> CampaignView:
    """One campaign. Raises `NotFound`."""
    record = await store.campaign(session, owner_id, campaign_id)
    if record is None:
        raise NotFound("there is no such campaign")
    view = (await views_of(session, owner_id, [record], around))[0]
    if view.state is not CampaignState.DRAFT:
        return view
    fields = await store.fields_of_some(session, campaign_id)
    files = [file.file_name for file in await CAMPAIGN_FILES.all_of(session, campaign_id)]
    async with thinking(session):
        notes = await notes_on(view.subject, view.text, view.html, fields=fields, files=files)
    return replace(view, notes=notes)


async def views_of(
    session: Session,
    owner_id: uuid.UUID,
    records: Sequence[CampaignRecord],
    around: Surroundings = NOT_LOOKED,
) -> list[CampaignView]:
    """Several campaigns, their live counts and what goes next read at once."""
    ids = [record.id for record in records]
    live = await store.live_counts(session, ids)
    waiting = await queues.of_campaigns(session, owner_id, ids)
    now = clock.now()
    views = []
    for record in records:
        numbers = {state: live.get((record.id, state), 0) for state in _LIVE}
        doubts = numbers[JobState.IN_DOUBT]
        queue = waiting[record.id]
        status = of_campaign(queue, around, in_doubt=doubts, now=now)
        view = _view(record, numbers, status)
        views.append(
            replace(
                view,
                hourly=_allowance(record.hourly_limit, record.id, around),
                sender_hourly=_allowance(queue.sender_hourly_limit, record.sender_id, around),
            )
        )
    return views


def _view(record: CampaignRecord, live: dict[JobState, int], status: Status) -> CampaignView:
    counted = record.sent + record.failed + record.cancelled + sum(live.values())
    return CampaignView(
        version=version_of_campaign(record),
        id=record.id,
        name=record.name,
        sender_id=record.sender_id,
        sender_address=record.sender_address,
        subject=record.subject,
        text=record.text_body,
        html=record.html_body,
        start_at=record.start_at,
        time_zone=record.time_zone,
        min_delay_ms=record.min_delay_ms,
        hourly_limit=record.hourly_limit,
        doubt_policy=DoubtPolicy(record.doubt_policy),
        expires_after_hours=record.expires_after_hours,
        state=CampaignState(record.state),
        counts=Counts(
            # The others are read a moment apart; the sum must not run past the total.
            scheduled=max(record.total - counted, 0),
            claimed=live[JobState.CLAIMED],
            sending=live[JobState.SENDING],
            deferred=live[JobState.DEFERRED],
            sent=record.sent,
            failed=record.failed,
            in_doubt=live[JobState.IN_DOUBT],
            cancelled=record.cancelled,
        ),
        total=record.total,
        created_at=record.created_at,
        launched_at=record.launched_at,
        finished_at=record.finished_at,
        status=status,
        hourly=None,
        sender_hourly=None,
    )


def _allowance(limit: int | None, key: uuid.UUID, around: Surroundings) -> Allowance | None:
    if limit is None:
        return None
    return Allowance(limit=limit, used=around.used.get(key, 0) if around.limits_answer else None)
