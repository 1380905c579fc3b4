"""Composing a campaign: the form, its live parts, and the one write at the end.

Nothing is stored before the form is sent, and then all of it or nothing: message, recipients and
launch. The file of recipients travels with the form; the page only shows what reading it gave.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from paceline import clock
from paceline.domain.bounds import MAX_FILE_OCTETS, MAX_ROWS
from paceline.domain.tables.columns import ALWAYS_AVAILABLE
from paceline.errors import InvalidInput
from paceline.services.campaigns import NewCampaign
from paceline.services.message_notes import notes_on
from paceline.services.views import SenderView
from paceline.web import same_again, wording
from paceline.web.access import SignedIn, Viewer, form_of
from paceline.web.compose_form import FIELDS, ComposeForm, quick_picks, zones
from paceline.web.forms import Problems, digest_of, text_of
from paceline.web.headers import mail_frame
from paceline.web.once import OnceRoute, carried_out_once, leading_to, reserved_id
from paceline.web.parts import Parts, Wired
from paceline.web.preview import preview_document, read_sample
from paceline.web.reading_form import ReadingForm, became
from paceline.web.rendering import go_to, is_htmx, render, wants_fragment, zone_of
from paceline.web.timetable import Pace, plan, series
from paceline.web.uploads import Upload, check_together, read_upload

router = APIRouter(prefix="/compose", route_class=OnceRoute)

NO_RECIPIENTS_YET = "Choose a list of recipients to see when each hour's emails go out."
NOTED = "noted"
READ_FIRST = (
    "read the notes on your message first. Nothing was scheduled; press again if it is right"
)
CHOOSE_AGAIN = "choose the file again: browsers let go of it when a page is reloaded"


@router.get("")
async def compose(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """An empty form."""
    form = ComposeForm.empty(now=clock.now(), zone=zone_of(request))
    return await _page(request, parts, viewer, form)


@router.post("")
@carried_out_once
async def schedule(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """Store and launch it, or say what is wrong, next to each field."""
    posted = await form_of(request)
    form = ComposeForm.read(posted)
    problems = Problems()
    notes: tuple[str, ...] = ()
    new = form.as_new(problems)
    upload = await read_upload(
        posted, problems, message=form.message(), form=ReadingForm.read(posted)
    )
    if new is not None and upload is not None:
        check_together(new, upload, problems)
        notes = await notes_on(
            new.subject, new.text, new.html, fields=upload.preview.fields, inline=()
        )
        notes += upload.notes
        notes += await same_again.note_on(
            parts.queries,
            viewer.principal.user_id,
            new,
            recipients=upload.preview.usable,
            own_id=reserved_id(request),
            now=clock.now(),
            zone=zone_of(request),
        )
        if notes and text_of(posted, NOTED) != digest_of(notes) and not problems:
            problems.add("", READ_FIRST)
        campaign_id = await _launched(request, parts, viewer, new, upload, problems)
        if campaign_id is not None:
            return go_to(request, f"/campaigns/{campaign_id}")
    if upload is None and not is_htmx(request):
        problems.add("file", CHOOSE_AGAIN)
    return await _page(request, parts, viewer, form, upload=upload, problems=problems, notes=notes)


@router.post("/recipients")
async def read_recipients(
    request: Request, parts: Wired, viewer: SignedIn, fresh: bool = False
) -> Response:
    """What a file holds when it is read as chosen, and the timetable that follows from it.

    `fresh`: it is another file than before, about which nothing is chosen yet.
    """
    posted = await form_of(request)
    form = ComposeForm.read(posted)
    problems = Problems()
    reading = ReadingForm() if fresh else ReadingForm.read(posted)
    upload = await read_upload(posted, problems, message=form.message(), form=reading)
    senders = await parts.senders.list(viewer.principal.user_id)
    return render(
        request,
        "_recipients_live.html",
        viewer=viewer,
        problems=problems.by_field,
        **_shown_upload(upload, problems),
        **_timetable(form, senders, count=upload.preview.usable if upload else 0),
    )


@router.get("/timetable")
async def show_timetable(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """The plan for what stands in the fields, finished or not."""
    given = FormData(dict(request.query_params))
    senders = await parts.senders.list(viewer.principal.user_id)
    count = text_of(given, "count")
    recipients = int(count) if count.isdecimal() and len(count) < 10 else 0
    context = _timetable(ComposeForm.read(given), senders, count=min(recipients, MAX_ROWS))
    return render(request, "_timetable.html", viewer=viewer, **context)


@router.post("/preview")
async def show_preview(request: Request, viewer: SignedIn) -> Response:
    """The message as the first recipient will read it, for the sandboxed frame."""
    posted = await form_of(request)
    document = preview_document(
        subject=text_of(posted, "subject"),
        body=text_of(posted, "body"),
        sample=read_sample(text_of(posted, "sample")),
    )
    return mail_frame(document)


async def _launched(
    request: Request,
    parts: Parts,
    viewer: Viewer,
    new: NewCampaign,
    upload: Upload,
    problems: Problems,
) -> uuid.UUID | None:
    """The id of the new campaign, or None with the problems noted."""
    if problems:
        return None
    try:
        return await parts.scheduling.schedule(
            viewer.principal.user_id,
            new,
            upload.chunks(),
            choices=upload.choices,
            reserved_id=reserved_id(request),
            settle=leading_to(request, "/campaigns"),
        )
    except InvalidInput as error:
        problems.take(error.problems, names=FIELDS)
        return None


async def _page(
    request: Request,
    parts: Parts,
    viewer: Viewer,
    form: ComposeForm,
    *,
    upload: Upload | None = None,
    problems: Problems | None = None,
    notes: tuple[str, ...] = (),
) -> Response:
    senders = await parts.senders.list(viewer.principal.user_id)
    problems = problems or Problems()
    shown = _shown_upload(upload, problems)
    shown["upload_problem"] = ""  # it stands at the field
    return render(
        request,
        "_compose.html" if wants_fragment(request) else "compose.html",
        viewer=viewer,
        status=422 if problems else 200,
        section="compose",
        form=form,
        senders=senders,
        dev_inbox=parts.dev_inbox,
        problems=problems.by_field,
        notes=notes,
        noted=digest_of(notes),
        zones=_zones_with(form.time_zone),
        quick_picks=quick_picks(now=clock.now(), zone=zone_of(request)),
        max_file_mib=MAX_FILE_OCTETS >> 20,
        **shown,
        **_timetable(form, senders, count=upload.preview.usable if upload else 0),
    )


def _shown_upload(upload: Upload | None, problems: Problems) -> dict[str, Any]:
    return {
        "upload": upload,
        "upload_problem": problems.by_field.get("file", ""),
        "became": became,
        "fields": upload.preview.fields if upload else ALWAYS_AVAILABLE,
    }


def _timetable(form: ComposeForm, senders: Sequence[SenderView], *, count: int) -> dict[str, Any]:
    """The plan, as far as the fields make sense; what does not is left out in silence."""
    if not count:
        return {"plan": None, "plan_missing": NO_RECIPIENTS_YET}
    unheard = Problems()
    now = clock.now()
    start_at = max(form.start_at(unheard) or now, now)
    pace = form.pace(unheard)
    for sender in senders:
        if str(sender.id) == form.sender_id:
            own = Pace(min_delay_ms=sender.min_delay_ms, hourly_limit=sender.hourly_limit)
            pace = pace.tightened_by(own)
    planned = plan(count, start_at=start_at, pace=pace)
    zone = form.zone
    first = "right away" if form.when == "now" else _moment(planned.first_at, zone)
    return {
        "plan": planned,
        "plan_first": first,
        "plan_last": _moment(planned.last_at, zone),
        "plan_zone": wording.zone_label(zone, planned.first_at),
        "series": series(planned.bars, zone),
    }


def _moment(at: datetime, zone: tzinfo) -> str:
    return wording.day_and_time(at, now=clock.now(), zone=zone)


def _zones_with(name: str) -> Sequence[str]:
    known = zones()
    return known if name in known else (name, *known)
