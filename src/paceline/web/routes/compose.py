"""Composing a campaign: a page that is kept while it is written, and its live parts.

Each draft has an address of its own, and what was typed is stored within seconds. Nothing leaves
from here: the next step is the review (`routes/review.py`).
"""

from __future__ import annotations

import csv
import io
import uuid
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, Response

from paceline import clock
from paceline.domain.bounds import MAX_ROWS
from paceline.errors import InvalidInput, Outdated
from paceline.persistence.stores.drafts import DraftRecord
from paceline.services.drafts import READING
from paceline.web import wording
from paceline.web.access import MaybeSignedIn, SignedIn, form_of
from paceline.web.compose_form import FIELDS, ComposeForm, typed_of
from paceline.web.compose_page import Composed, compose_page, shown_list, timetable_of
from paceline.web.drafting import PAGE, chunks_of, file_in, look_at, saving_of
from paceline.web.forms import Problems, text_of
from paceline.web.headers import mail_frame
from paceline.web.mail_body import document_of
from paceline.web.parts import Parts, Wired
from paceline.web.preview import preview_document, read_sample
from paceline.web.rendering import go_to, render, zone_of
from paceline.web.uploads import read_list, takes_long

router = APIRouter(prefix="/compose")

SIGNED_OUT = "You were signed out. What you typed is kept."
CHECK = "check"  # of the page's address: say at once what is missing


@router.get("")
async def compose(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """An empty form; nothing is stored before something is typed."""
    form = ComposeForm.empty(now=clock.now(), zone=zone_of(request))
    return await compose_page(request, parts, viewer, Composed(form=form))


@router.get("/timetable")
async def show_timetable(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """The plan for what stands in the fields, finished or not."""
    given = FormData(dict(request.query_params))
    senders = await parts.senders.list(viewer.principal.user_id)
    count = text_of(given, "count")
    recipients = int(count) if count.isdecimal() and len(count) < 10 else 0
    context = timetable_of(ComposeForm.read(given), senders, count=min(recipients, MAX_ROWS))
    return render(request, "_timetable.html", viewer=viewer, **context)


@router.post("/preview")
async def show_preview(request: Request, viewer: MaybeSignedIn) -> Response:
    """The message as one recipient will read it, for the sandboxed frame."""
    if viewer is None:
        return mail_frame(document_of(html=None, text=SIGNED_OUT))
    posted = await form_of(request)
    document = preview_document(
        subject=text_of(posted, "subject"),
        body=text_of(posted, "body"),
        is_html=ComposeForm.read(posted).is_html,
        sample=read_sample(text_of(posted, "sample")),
    )
    return mail_frame(document)


@router.get("/{draft_id}")
async def edit(request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID) -> Response:
    """A draft as it was left; one that was scheduled leads to its campaign."""
    draft = await parts.drafts.get(viewer.principal.user_id, draft_id)
    if draft.campaign_id is not None:
        return go_to(request, f"/campaigns/{draft.campaign_id}")
    if CHECK in request.query_params:
        looked = await look_at(parts, viewer, draft)
        shown = Composed(
            form=looked.form, draft=draft, upload=looked.upload, problems=looked.problems
        )
        return await compose_page(request, parts, viewer, shown)
    form = ComposeForm.of(draft)
    shown = Composed(form=form, draft=draft)
    if draft.list_id is not None and not takes_long(draft, form):
        unread = Problems()
        upload = await read_list(parts.drafts, draft, unread, form=form)
        problem = unread.by_field.get("file", "")
        shown = replace(shown, upload=upload, list_problem=problem)
    return await compose_page(request, parts, viewer, shown)


@router.post("/{draft_id}")
async def save(request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID) -> Response:
    """Keep all of it and go on to the review, or say what is wrong, next to each field."""
    owner = viewer.principal.user_id
    posted = await form_of(request)
    shown = Composed(form=ComposeForm.read(posted), draft_id=draft_id, page=text_of(posted, PAGE))
    try:
        draft = await _saved(parts, owner, draft_id, posted)
    except Outdated:
        draft = await parts.drafts.get(owner, draft_id)
        shown = replace(shown, draft=draft, conflict=True)
        return await compose_page(request, parts, viewer, shown)
    except InvalidInput as error:
        shown.form.as_new(shown.problems)
        shown.problems.take(error.problems, names=FIELDS)
        return await compose_page(request, parts, viewer, shown)
    looked = await look_at(parts, viewer, draft)
    if not looked.problems:
        return go_to(request, f"/compose/{draft_id}/review")
    shown = replace(shown, draft=draft, upload=looked.upload, problems=looked.problems)
    return await compose_page(request, parts, viewer, shown)


@router.post("/{draft_id}/autosave")
async def autosave(
    request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID
) -> Response:
    """Keep the fields that changed. 409 with the version that is there where another page saved."""
    owner = viewer.principal.user_id
    posted = await form_of(request)
    try:
        draft = await parts.drafts.save(owner, draft_id, typed_of(posted), saving_of(posted))
    except Outdated:
        draft = await parts.drafts.get(owner, draft_id)
        return JSONResponse(_told(request, draft), status_code=409)
    except InvalidInput as error:
        return JSONResponse({"problem": str(error)}, status_code=422)
    return JSONResponse(_told(request, draft))


@router.post("/{draft_id}/recipients")
async def read_recipients(
    request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID, fresh: bool = False
) -> Response:
    """Keep a list with the draft, or read the one that is there as it is chosen now.

    `fresh`: it is another one than before, about which nothing is chosen yet. Answers with what
    it holds, and the timetable that follows from it.
    """
    owner = viewer.principal.user_id
    posted = await form_of(request)
    problems = Problems()
    upload, draft = None, None
    try:
        draft = await _saved(parts, owner, draft_id, posted, fresh=fresh)
    except Outdated:
        problems.add("file", "was not kept: this draft was changed in another tab")
    except InvalidInput as error:
        problems.take(error.problems, names=FIELDS)
    form = ComposeForm.of(draft) if draft else ComposeForm.read(posted)
    if draft is not None:
        upload = await read_list(parts.drafts, draft, problems, form=form)
    senders = await parts.senders.list(owner)
    return render(
        request,
        "_recipients_live.html",
        viewer=viewer,
        draft_id=draft_id,
        version=draft.version if draft else saving_of(posted).version,
        problems=problems.by_field,
        **shown_list(upload, draft, problems.by_field.get("file", "")),
        **timetable_of(form, senders, count=upload.preview.usable if upload else 0),
    )


@router.get("/{draft_id}/recipients")
async def show_recipients(
    request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID
) -> Response:
    """What its list holds: for a page that did not wait until a large one was read."""
    owner = viewer.principal.user_id
    draft = await parts.drafts.get(owner, draft_id)
    form = ComposeForm.of(draft)
    problems = Problems()
    upload = await read_list(parts.drafts, draft, problems, form=form)
    senders = await parts.senders.list(owner)
    return render(
        request,
        "_recipients_live.html",
        viewer=viewer,
        draft_id=draft_id,
        version=draft.version,
        problems=problems.by_field,
        **shown_list(upload, draft, problems.by_field.get("file", "")),
        **timetable_of(form, senders, count=upload.preview.usable if upload else 0),
    )


@router.get("/{draft_id}/left-out.csv")
async def left_out(
    request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID
) -> Response:
    """Everybody on its list whom nothing will be sent to, and why."""
    draft = await parts.drafts.get(viewer.principal.user_id, draft_id)
    upload = await read_list(parts.drafts, draft, Problems(), form=ComposeForm.of(draft))
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(["line", "value", "reason"])
    if upload:
        seen = upload.preview
        for row in sorted((*seen.invalid, *seen.left_out_rows, *seen.suppressed), key=_line):
            rows.writerow([row.line, _inert(row.value), row.reason])
    return Response(
        table.getvalue(),
        media_type="text/csv",
        headers={"Content-Disposition": 'attachment; filename="left-out.csv"'},
    )


def _line(row: Any) -> int:
    return row.line or 0


def _inert(value: str) -> str:
    """A value that a spreadsheet takes for a formula is none (OWASP, CSV injection)."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


async def _saved(
    parts: Parts, owner: uuid.UUID, draft_id: uuid.UUID, posted: FormData, *, fresh: bool = False
) -> DraftRecord:
    """Keep fields and list. Raises as `Drafts.save` does."""
    saving = saving_of(posted)
    file = file_in(posted)
    typed = typed_of(posted) | (dict.fromkeys(READING, "") if fresh else {})
    draft = await parts.drafts.save(owner, draft_id, typed, saving)
    if file is None:
        return draft
    return await parts.drafts.put_list(
        owner, draft_id, file.filename or "list", chunks_of(file), saving
    )


def _told(request: Request, draft: DraftRecord) -> dict[str, object]:
    at = wording.clock_time(draft.updated_at, zone_of(request))
    return {"version": draft.version, "saved": at, "scheduled": draft.campaign_id is not None}
