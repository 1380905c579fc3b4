"""The files of a draft on its page: attached as they are chosen, put into the text, taken off."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, Response

from paceline.errors import InvalidInput, Outdated
from paceline.persistence.stores.drafts import DraftRecord
from paceline.services.attachments import going_along
from paceline.web.access import SignedIn, Viewer, form_of
from paceline.web.attached import ATTACHED, attach_posted, image_in, refused_image
from paceline.web.compose_form import ComposeForm, typed_of
from paceline.web.drafting import saving_of, told
from paceline.web.forms import Problems
from paceline.web.headers import file_of, image_file
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


@router.get("/{draft_id}/files")
async def show(request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID) -> Response:
    """Those that go along as it was saved last: the text may show other images than before."""
    draft = await parts.drafts.get(viewer.principal.user_id, draft_id)
    shown = await _listed(parts, viewer, draft_id, ComposeForm.of(draft).html)
    return render(request, "_attached.html", viewer=viewer, **shown)


@router.get("/{draft_id}/files/{file_id}")
async def download(
    parts: Wired, viewer: SignedIn, draft_id: uuid.UUID, file_id: uuid.UUID
) -> Response:
    """One of them, as a file."""
    file, content = await parts.kept_in_drafts.file(viewer.principal.user_id, draft_id, file_id)
    return file_of(file.file_name, content)


@router.post("/{draft_id}/images")
async def put_in(request: Request, parts: Wired, viewer: SignedIn, draft_id: uuid.UUID) -> Response:
    """Keep a picture that the text shows, by the name that it has there, and all else with it."""
    owner = viewer.principal.user_id
    posted = await form_of(request)
    saving = saving_of(posted)
    try:
        await parts.drafts.save(owner, draft_id, typed_of(posted), saving)
        await parts.draft_files.add(owner, draft_id, *image_in(posted), saving)
    except Outdated:
        return JSONResponse({"problem": "this draft was changed in another tab"}, status_code=409)
    except InvalidInput as error:
        return refused_image(error)
    return JSONResponse(told(request, await parts.drafts.get(owner, draft_id)))


@router.get("/{draft_id}/images/{content_id}")
async def show_image(
    parts: Wired, viewer: SignedIn, draft_id: uuid.UUID, content_id: str
) -> Response:
    """A picture of the text, for the editor."""
    file, content = await parts.kept_in_drafts.image(viewer.principal.user_id, draft_id, content_id)
    return image_file(file.file_name, content)


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
        version=version,
        problems=problems.by_field,
        **await _listed(parts, viewer, draft_id, ComposeForm.read(posted).html),
    )


async def _listed(
    parts: Parts, viewer: Viewer, draft_id: uuid.UUID, html: str | None
) -> dict[str, Any]:
    files = await parts.draft_files.all_of(viewer.principal.user_id, draft_id)
    return {"files": going_along(files, html), "files_at": f"/compose/{draft_id}"}
