"""A draft's list of recipients: kept, shown, taken away; and one of them to preview as."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.errors import InvalidInput, NotFound, Outdated
from paceline.persistence.stores.drafts import DraftRecord
from paceline.services.csv_output import csv_lines
from paceline.web.access import SignedIn, Viewer, form_of
from paceline.web.compose_form import FIELDS, ComposeForm
from paceline.web.compose_page import Composed, shown_list, timetable_of
from paceline.web.drafting import TYPED_NAME, file_in, save_all, saving_of
from paceline.web.forms import Problems
from paceline.web.parts import Parts, Wired
from paceline.web.preview import sample_of
from paceline.web.rendering import go_to, render, wants_fragment
from paceline.web.uploads import read_list, recipient_of

router = APIRouter(prefix="/compose")

MAX_SOUGHT = 320  # characters: an address


@router.post("/{draft_id}/recipients")
async def read_recipients(
    request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID, fresh: bool = False
) -> Response:
    """Keep a list with the draft, or read the one that is there as it is chosen now.

    `fresh`: it is another one than before, about which nothing is chosen yet. Answers with what
    it holds, and the timetable that follows from it.
    """
    posted = await form_of(request)
    shown = Composed(form=ComposeForm.read(posted), draft_id=draft_id)
    owner = viewer.principal.user_id
    took_place = False
    try:
        draft = await save_all(parts, owner, draft_id, posted, fresh=fresh)
    except Outdated:
        shown.problems.add("file", "was not kept: this draft was changed in another tab")
    except InvalidInput as error:
        with suppress(NotFound):  # what was there before still is
            shown = await _read(parts, await parts.drafts.get(owner, draft_id))
        shown.problems.by_field.pop("file", None)
        shown.problems.take(error.problems, names={**FIELDS, "addresses": "file"})
    else:
        shown = await _read(parts, draft)
        took_place = file_in(posted) is not None
    version = saving_of(posted).version
    return await _page(request, parts, viewer, shown, version=version, drop_typed=took_place)


@router.get("/{draft_id}/recipients")
async def show_recipients(
    request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID
) -> Response:
    """What its list holds: for a page that did not wait until a large one was read."""
    draft = await parts.drafts.get(viewer.principal.user_id, draft_id)
    return await _page(request, parts, viewer, await _read(parts, draft))


@router.post("/{draft_id}/recipients/remove")
async def remove_list(
    request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID
) -> Response:
    """Forget the list, and keep all else."""
    saving = saving_of(await form_of(request))
    problems = Problems()
    owner = viewer.principal.user_id
    was_typed = (await parts.drafts.get(owner, draft_id)).list_name == TYPED_NAME
    try:
        draft = await parts.drafts.drop_list(owner, draft_id, saving)
    except Outdated:
        draft = await parts.drafts.get(owner, draft_id)
        problems.add("file", "was not removed: this draft was changed in another tab")
    if not wants_fragment(request):
        return go_to(request, f"/compose/{draft_id}")
    shown = Composed(form=ComposeForm.of(draft), draft=draft, problems=problems)
    return await _page(request, parts, viewer, shown, drop_typed=was_typed and not problems)


@router.get("/{draft_id}/sample")
async def show_sample(
    request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID
) -> Response:
    """The recipient to preview as: the first whose address holds what is asked for."""
    draft = await parts.drafts.get(viewer.principal.user_id, draft_id)
    sought = request.query_params.get("as", "")[:MAX_SOUGHT]
    found = await recipient_of(parts.drafts, draft, ComposeForm.of(draft), sought)
    return render(
        request, "_sample.html", viewer=viewer, found=found, sample=sample_of(found), sought=sought
    )


@router.get("/{draft_id}/left-out.csv")
async def left_out(
    request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID
) -> Response:
    """Everybody on its list whom nothing will be sent to, and why."""
    draft = await parts.drafts.get(viewer.principal.user_id, draft_id)
    upload = await read_list(parts.drafts, draft, Problems(), form=ComposeForm.of(draft))
    rows = [("line", "value", "reason")]
    if upload:
        seen = upload.preview
        found = sorted((*seen.invalid, *seen.left_out_rows, *seen.suppressed), key=_line)
        rows += [(str(row.line or ""), row.value, row.reason) for row in found]
    return Response(
        csv_lines(rows),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="left-out.csv"'},
    )


async def _read(parts: Parts, draft: DraftRecord) -> Composed:
    """A draft with its list, if it has one, as it is chosen now."""
    shown = Composed(form=ComposeForm.of(draft), draft=draft)
    if draft.list_id is None:
        return shown
    upload = await read_list(parts.drafts, draft, shown.problems, form=shown.form)
    return replace(shown, upload=upload)


async def _page(
    request: Request,
    parts: Parts,
    viewer: Viewer,
    shown: Composed,
    *,
    version: int = 0,
    drop_typed: bool = False,
) -> Response:
    """What a list changes on the page. `version`: of what is no draft yet, or not anew.

    `drop_typed`: the addresses that were typed are the list no more.
    """
    senders = await parts.senders.list(viewer.principal.user_id)
    draft, upload, problems = shown.draft, shown.upload, shown.problems.by_field
    return render(
        request,
        "_recipients_live.html",
        viewer=viewer,
        draft_id=draft.id if draft else shown.draft_id,
        version=draft.version if draft else version,
        problems=problems,
        drop_typed=drop_typed,
        **shown_list(upload, draft, problems.get("file", "")),
        **timetable_of(shown.form, senders, count=upload.preview.usable if upload else 0),
    )


def _line(row: Any) -> int:
    return row.line or 0
