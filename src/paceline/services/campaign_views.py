"""Campaigns as people see them: with counts by state, and why nothing goes out right now."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace

from paceline import clock
from paceline.domain.gate import HeldBy
from paceline.domain.lifecycle import IN_FLIGHT, CampaignState, DoubtPolicy, JobState
from paceline.errors import NotFound
from paceline.persistence.stores import campaigns as store
from paceline.persistence.stores import lists
from paceline.persistence.stores.campaigns import CampaignRecord
from paceline.persistence.stores.session import Session
from paceline.services.message_notes import notes_on
from paceline.services.versions import version_of_campaign
from paceline.services.views import CampaignView, Counts
from paceline.services.waiting import Hold, Usage, hold

_LIVE = (JobState.CLAIMED, JobState.SENDING, JobState.DEFERRED, JobState.IN_DOUBT)
MAX_ON_THEIR_WAY = 50  # emails that are looked at
_HELD_BY_STATE = {
    CampaignState.DRAFT: HeldBy.CAMPAIGN_DRAFT,
    CampaignState.PAUSED: HeldBy.CAMPAIGN_PAUSED,
}


async def view_of(
    session: Session, owner_id: uuid.UUID, campaign_id: uuid.UUID, usage: Usage | None = None
) -> CampaignView:
    """One campaign. Raises `NotFound`."""
    record = await store.campaign(session, owner_id, campaign_id)
    if record is None:
        raise NotFound("there is no such campaign")
    view = (await views_of(session, owner_id, [record], usage))[0]
    if view.state is not CampaignState.DRAFT:
        return view
    fields = await store.fields_of_some(session, campaign_id)
    return replace(view, notes=await notes_on(view.subject, view.text, view.html, fields=fields))


async def views_of(
    session: Session,
    owner_id: uuid.UUID,
    records: Sequence[CampaignRecord],
    usage: Usage | None = None,
) -> list[CampaignView]:
    """Several campaigns, their live counts read at once."""
    live = await store.live_counts(session, [record.id for record in records])
    views = []
    for record in records:
        numbers = {state: live.get((record.id, state), 0) for state in _LIVE}
        held = await _held(session, owner_id, record, usage or {})
        if held.held_by is None and numbers[JobState.CLAIMED] + numbers[JobState.SENDING]:
            held = await _held_on_the_way(session, owner_id, record)
        views.append(_view(record, numbers, held))
    return views


async def _held(
    session: Session, owner_id: uuid.UUID, record: CampaignRecord, usage: Usage
) -> Hold:
    """What its next email waits for."""
    state = CampaignState(record.state)
    if state in _HELD_BY_STATE:
        return Hold(held_by=_HELD_BY_STATE[state])
    if state is not CampaignState.ACTIVE:
        return Hold()
    next_up = lists.Selection(
        states=frozenset({JobState.SCHEDULED, JobState.DEFERRED}),
        campaign_id=record.id,
        campaign_sender_id=record.sender_id,
    )
    found, _ = await lists.emails(session, owner_id, next_up, after=None, limit=1)
    if not found:
        return Hold()
    return hold(found[0], usage, ahead=None, now=clock.now())


async def _held_on_the_way(session: Session, owner_id: uuid.UUID, record: CampaignRecord) -> Hold:
    """What all of it wait for that are on their way: while one moves, nothing holds it up."""
    on_their_way = lists.Selection(states=IN_FLIGHT, campaign_id=record.id)
    found, _ = await lists.emails(
        session, owner_id, on_their_way, after=None, limit=MAX_ON_THEIR_WAY
    )
    held = [hold(email, {}, ahead=None, now=clock.now()) for email in found]
    return held[0] if held and all(each.held_by for each in held) else Hold()


def _view(record: CampaignRecord, live: dict[JobState, int], held: Hold) -> CampaignView:
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
        held_by=held.held_by,
        held_reason=held.reason,
        release_at=held.release_at,
    )
