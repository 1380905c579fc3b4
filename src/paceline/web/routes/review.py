"""The step before anything leaves: what will go to whom and when; then one write, and its undo."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.errors import InvalidInput, Outdated
from paceline.persistence.stores.drafts import DraftRecord
from paceline.services.campaign_rules import name_of
from paceline.services.drafts import mark_scheduled
from paceline.services.ports import Settle
from paceline.web import wording
from paceline.web.access import SignedIn, Viewer, form_of
from paceline.web.compose_form import NOW, ComposeForm
from paceline.web.compose_page import moment, plan_of
from paceline.web.drafting import Looked, look_at, saving_of, sent_before
from paceline.web.forms import Problems, digest_of, text_of
from paceline.web.frames import shown_in_a_frame
from paceline.web.headers import mail_frame
from paceline.web.listing import as_id
from paceline.web.once import OnceRoute, carried_out_once, leading_to, reserved_id
from paceline.web.parts import Parts, Wired
from paceline.web.preview import preview_document, read_sample, rendered_subject
from paceline.web.rendering import go_to, render, wants_fragment, zone_of
from paceline.web.routes.compose import CHECK
from paceline.web.timetable import by_day
from paceline.web.uploads import read_list

router = APIRouter(prefix="/compose", route_class=OnceRoute)

NOTED = "noted"
# What is to go right away waits for so long, so that a slip of the hand can be called back: whoever
# has mailed everybody cannot. Its page shows the undo until the first email leaves.
HELD_BACK = timedelta(seconds=10)
TO_STORE_ONE = timedelta(microseconds=50)  # email of it, which comes before that
CALLED_BACK = "Called back: nothing had left, and nothing will. It is a draft again."
CHANGED = (
    "Something changed since this page was made. Nothing was scheduled: look at it again, and "
    "press once more if it is right."
)


@router.get("/{draft_id}/review")
async def review(request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID) -> Response:
    """All that is about to happen, in figures and dates, before it does."""
    draft = await parts.drafts.get(viewer.principal.user_id, draft_id)
    if draft.campaign_id is not None:
        return go_to(request, f"/campaigns/{draft.campaign_id}")
    looked = await look_at(parts, viewer, draft, anew=True)
    if looked.problems:
        return go_to(request, f"/compose/{draft_id}?{CHECK}=1")
    return await _page(request, parts, viewer, draft, looked)


@router.get("/{draft_id}/message", dependencies=shown_in_a_frame())
async def message(
    request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID
) -> Response:
    """The email as the first recipient will read it, for the sandboxed frame."""
    draft = await parts.drafts.get(viewer.principal.user_id, draft_id)
    form = ComposeForm.of(draft)
    upload = await read_list(parts.drafts, draft, Problems(), form=form)
    images = await parts.kept_in_drafts.images_shown(draft.owner_id, draft.id, form.html)
    document = await asyncio.to_thread(
        preview_document,
        subject=form.subject,
        body=form.body,
        is_html=form.is_html,
        sample=read_sample(upload.sample if upload else ""),
        images=images,
        with_subject=False,
    )
    return mail_frame(document)


@router.post("/{draft_id}/schedule")
@carried_out_once
async def schedule(
    request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID
) -> Response:
    """Make it a campaign and let it go at its time: what was reviewed, or nothing."""
    owner = viewer.principal.user_id
    posted = await form_of(request)
    draft = await parts.drafts.get(owner, draft_id)
    if draft.campaign_id is not None:
        return go_to(request, f"/campaigns/{draft.campaign_id}")
    version = saving_of(posted).version
    looked = await look_at(parts, viewer, draft, anew=True)
    if looked.problems or looked.new is None or looked.upload is None:
        return go_to(request, f"/compose/{draft_id}?{CHECK}=1")
    notes = await _notes(request, parts, draft, looked)
    if version != draft.version or text_of(posted, NOTED) != digest_of(notes):
        return await _page(request, parts, viewer, draft, looked, alert=CHANGED)
    new = looked.new
    if looked.form.when == NOW:
        stored_in = TO_STORE_ONE * looked.upload.preview.usable
        new = replace(new, begins_in=stored_in + HELD_BACK)
    try:
        campaign_id = await parts.scheduling.schedule(
            owner,
            new,
            parts.drafts.list_of(draft),
            choices=looked.upload.choices,
            reserved_id=reserved_id(request),
            settle=_settling(request, draft),
            files_of=draft.id,
        )
    except Outdated:
        return await _page(request, parts, viewer, draft, looked, alert=CHANGED)
    except InvalidInput:
        return go_to(request, f"/compose/{draft_id}?{CHECK}=1")
    return go_to(request, f"/campaigns/{campaign_id}")


@router.post("/{draft_id}/undo")
async def undo(request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID) -> Response:
    """Call its campaign back. If nothing has left it is a draft again; else it is told what has.

    The form names the campaign that it stood on: a page that was left open calls back no later one.
    """
    owner = viewer.principal.user_id
    meant = as_id(text_of(await form_of(request), "campaign"))
    draft = await parts.drafts.get(owner, draft_id)
    if draft.campaign_id is None or draft.campaign_id != meant:
        return go_to(request, f"/compose/{draft_id}")
    campaign = await parts.scheduling.undo(owner, draft_id, draft.campaign_id)
    if campaign.counts.beyond_recall:
        return go_to(request, f"/campaigns/{campaign.id}?undo=late")
    return go_to(request, f"/compose/{draft_id}", said=CALLED_BACK)


def _settling(request: Request, draft: DraftRecord) -> Settle[uuid.UUID]:
    """The draft becomes the campaign in the very transaction that makes it."""
    answered = leading_to(request, "/campaigns")

    async def settle(session: object, campaign_id: uuid.UUID, /) -> None:
        await mark_scheduled(session, draft.owner_id, draft.id, draft.version, campaign_id)  # type: ignore[arg-type]
        if answered is not None:
            await answered(session, campaign_id)  # type: ignore[arg-type]

    return settle


async def _notes(
    request: Request, parts: Parts, draft: DraftRecord, looked: Looked
) -> tuple[str, ...]:
    before = await sent_before(
        parts, draft, looked, own_id=reserved_id(request), zone=zone_of(request)
    )
    return looked.notes + before


async def _page(
    request: Request,
    parts: Parts,
    viewer: Viewer,
    draft: DraftRecord,
    looked: Looked,
    *,
    alert: str = "",
) -> Response:
    assert looked.new is not None, "what is wrong is not reviewed"
    assert looked.upload is not None, "what is wrong is not reviewed"
    owner = viewer.principal.user_id
    sender = await parts.senders.get(owner, looked.new.sender_id)
    seen, form = looked.upload.preview, looked.form
    planned, pace = plan_of(form, [sender], count=seen.usable)
    notes = await _notes(request, parts, draft, looked)
    sample = read_sample(looked.upload.sample)
    return render(
        request,
        "_review.html" if wants_fragment(request) else "review.html",
        viewer=viewer,
        status=409 if alert else 200,
        section="compose",
        draft=draft,
        form=form,
        name=name_of(looked.new).strip(),
        upload=looked.upload,
        seen=seen,
        sender=sender,
        notes=notes,
        noted=digest_of(notes),
        alert_message=alert,
        files=looked.files,
        subject=rendered_subject(looked.new.subject, sample),
        plan=planned,
        pace=pace,
        first=_said(planned.first_at, form.zone, right_away=form.when == NOW),
        last=moment(planned.last_at, form.zone),
        plan_zone=wording.zone_label(form.zone, planned.first_at),
        days=by_day(seen.usable, planned, pace, form.zone),
    )


def _said(at: datetime, zone: tzinfo, *, right_away: bool) -> str:
    if not right_away:
        return moment(at, zone)
    return f"{HELD_BACK.seconds} seconds after it is scheduled; until then you can undo it"
