"""Composing a campaign: a page that is kept while it is written, and its live parts.

Each draft has an address of its own, and what was typed is stored within seconds. Nothing leaves
from here: the next step is the review (`routes/review.py`).
"""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress
from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, Response

from paceline import clock
from paceline.delivery import text_of_source
from paceline.domain.bounds import MAX_ROWS
from paceline.errors import InvalidInput, NotFound, Outdated
from paceline.services.drafts import MAX_TYPED
from paceline.web.access import SignedIn, form_of
from paceline.web.attached import attach_posted
from paceline.web.compose_form import FIELDS, ComposeForm, typed_of
from paceline.web.compose_page import Composed, compose_page, timetable_of
from paceline.web.drafting import (
    ADDRESSES,
    PAGE,
    look_at,
    save_all,
    saving_of,
    told,
    typed_list,
)
from paceline.web.forms import Problems, text_of
from paceline.web.frames import shown_in_a_frame
from paceline.web.listing import as_id
from paceline.web.parts import Wired
from paceline.web.preview import preview_frame
from paceline.web.rendering import go_to, render, zone_of
from paceline.web.uploads import read_list, takes_long

router = APIRouter(prefix="/compose")

SIGNED_OUT = "You were signed out. What you typed is kept."
CHECK = "check"  # of the page's address: say at once what is missing


@router.get("")
async def compose(
    request: Request, parts: Wired, viewer: SignedIn, again: uuid.UUID | None = None
) -> Response:
    """An empty form; nothing is stored before something is typed.

    `again`: the page before was left while it sent this draft for the first time. It may have come.
    """
    form = ComposeForm.empty(now=clock.now(), zone=zone_of(request))
    if again is None:
        return await compose_page(request, parts, viewer, Composed(form=form))
    try:
        await parts.drafts.get(viewer.principal.user_id, again)
    except NotFound:
        return await compose_page(request, parts, viewer, Composed(form=form, draft_id=again))
    return go_to(request, f"/compose/{again}")


@router.get("/timetable")
async def show_timetable(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """The plan for what stands in the fields, finished or not."""
    given = FormData(dict(request.query_params))
    senders = await parts.senders.list(viewer.principal.user_id)
    count = text_of(given, "count")
    recipients = int(count) if count.isdecimal() and len(count) < 10 else 0
    context = timetable_of(ComposeForm.read(given), senders, count=min(recipients, MAX_ROWS))
    return render(request, "_timetable.html", viewer=viewer, **context)


@router.post("/preview", dependencies=shown_in_a_frame(SIGNED_OUT))
async def show_preview(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """The message as one recipient will read it, for the sandboxed frame."""
    posted = await form_of(request)
    draft_id = as_id(text_of(posted, "draft"))
    return await preview_frame(parts.kept_in_drafts, viewer.principal.user_id, draft_id, posted)


@router.post("/text")
async def show_as_text(request: Request, viewer: SignedIn) -> Response:
    """A body that was HTML as plain text, as its text part would say it; merge fields stay."""
    posted = await form_of(request)
    body = text_of(posted, "body")
    if len(body) > MAX_TYPED["body"]:
        raise InvalidInput.of("body", "is too long to be kept")
    text = await asyncio.to_thread(text_of_source, body)
    return JSONResponse({"text": text})


@router.get("/{draft_id}")
async def edit(request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID) -> Response:
    """A draft as it was left; one that was scheduled leads to its campaign."""
    draft = await parts.drafts.get(viewer.principal.user_id, draft_id)
    if draft.campaign_id is not None:
        return go_to(request, f"/campaigns/{draft.campaign_id}")
    addresses = await typed_list(parts, draft)
    if CHECK in request.query_params:
        looked = await look_at(parts, viewer, draft)
        shown = Composed(
            form=looked.form,
            draft=draft,
            upload=looked.upload,
            problems=looked.problems,
            addresses=addresses,
        )
        return await compose_page(request, parts, viewer, shown)
    form = ComposeForm.of(draft)
    shown = Composed(form=form, draft=draft, addresses=addresses)
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
    shown = Composed(
        form=ComposeForm.read(posted),
        draft_id=draft_id,
        page=text_of(posted, PAGE),
        addresses=text_of(posted, ADDRESSES),
    )
    try:
        draft = await save_all(parts, owner, draft_id, posted)
        draft = await attach_posted(parts, draft, posted, unattached := Problems())
    except Outdated:
        draft = await parts.drafts.get(owner, draft_id)
        shown = replace(shown, draft=draft, conflict=True)
        return await compose_page(request, parts, viewer, shown)
    except InvalidInput as error:
        await asyncio.to_thread(shown.form.as_new, shown.problems)
        shown.problems.take(error.problems, names=FIELDS)
        with suppress(NotFound):
            kept = await parts.drafts.get(owner, draft_id)
            if kept.saved_by == shown.page:  # another's version is not what this was typed on
                shown = replace(shown, draft=kept)
        return await compose_page(request, parts, viewer, shown)
    looked = await look_at(parts, viewer, draft)
    looked.problems.by_field.update(unattached.by_field)
    if not looked.problems:
        return go_to(request, f"/compose/{draft_id}/review")
    shown = replace(
        shown,
        draft=draft,
        upload=looked.upload,
        problems=looked.problems,
        addresses=await typed_list(parts, draft),
    )
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
        return JSONResponse(told(request, draft), status_code=409)
    except InvalidInput as error:
        return JSONResponse({"problem": str(error)}, status_code=422)
    return JSONResponse(told(request, draft))
