"""The files of a draft on its page: attached as they are chosen, and taken off."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from paceline.errors import InvalidInput, Outdated
from paceline.persistence.stores.drafts import DraftRecord
from paceline.web.access import SignedIn, Viewer, form_of
from paceline.web.attached import ATTACHED, BOUNDS, attach_posted
from paceline.web.compose_form import typed_of
from paceline.web.drafting import saving_of
from paceline.web.forms import Problems
from paceline.web.parts import Parts, Wired
from paceline.web.rendering import go_to, render, wants_fragment

router = APIRouter(prefix="/compose")

Change: TypeAlias = Callable[[DraftRecord, FormData, Problems], Awaitable[DraftRecord]]


@router.post("/{draft_id}/files")
async def attach(request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID) -> Response:
    """Keep files with the draft, which is stored by this if it was not yet."""

    async def change(draft: DraftRecord, posted: FormData, problems: Problems) -> DraftRecord:
        return await attach_posted(parts, draft, posted, problems)

    return await _changed(request, parts, viewer, draft_id, change)


@router.post("/{draft_id}/files/{file_id}/remove")
async def remove(
    request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID, file_id: uuid.UUID
) -> Response:
    """Take one off, and keep all else."""

    async def change(draft: DraftRecord, posted: FormData, _: Problems) -> DraftRecord:
        await parts.draft_files.remove(draft.owner_id, draft.id, file_id, saving_of(posted))
        return await parts.drafts.get(draft.owner_id, draft.id)

    return await _changed(request, parts, viewer, draft_id, change)


async def _changed(
    request: Request, parts: Parts, viewer: Viewer, draft_id: uuid.UUID, change: Change
) -> Response:
    """What was typed is kept first: without scripts, the whole form comes along."""
    owner = viewer.principal.user_id
    posted, problems = await form_of(request), Problems()
    saving = saving_of(posted)
    version = saving.version
    try:
        draft = await parts.drafts.save(owner, draft_id, typed_of(posted), saving)
        version = (await change(draft, posted, problems)).version
    except Outdated:
        problems.add(ATTACHED, "Nothing was changed: this draft was changed in another tab")
    except InvalidInput as error:
        problems.add(ATTACHED, f"Nothing was changed: {error}")
    if not wants_fragment(request):
        said = problems.by_field.get(ATTACHED, "")
        return go_to(request, f"/compose/{draft_id}", said=said, tone="error")
    return render(
        request,
        "_attached_live.html",
        viewer=viewer,
        draft_id=draft_id,
        files=await parts.draft_files.all_of(owner, draft_id),
        file_bounds=BOUNDS,
        version=version,
        problems=problems.by_field,
    )
