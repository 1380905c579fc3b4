"""A campaign before it is launched: its message, in the format that somebody likes, and its files.

Files are kept as they are chosen, the message when it is saved. Once it is launched only its name
can be changed; its files can be downloaded all along.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, Response

from paceline.domain.lifecycle import CampaignState
from paceline.errors import InvalidInput, Outdated
from paceline.services.attachments import NewAttachment
from paceline.services.versions import ANY, Only
from paceline.services.views import CampaignView
from paceline.web.access import SignedIn, Viewer, form_of
from paceline.web.attached import BOUNDS, attach_each, image_in, refused_image
from paceline.web.campaign_form import MessageForm
from paceline.web.forms import Problems, text_of
from paceline.web.headers import file_of, image_file
from paceline.web.once import OnceRoute, carried_out_once
from paceline.web.parts import Parts, Wired
from paceline.web.preview import sample_of
from paceline.web.rendering import go_to, render, wants_fragment

router = APIRouter(prefix="/campaigns", route_class=OnceRoute)


@router.get("/{campaign_id}/edit")
async def show_edit(
    request: Request, parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID
) -> Response:
    """Its name; its message and its files while it is a draft."""
    campaign = await parts.queries.campaign(viewer.principal.user_id, campaign_id)
    return await _page(request, parts, viewer, campaign, MessageForm.of(campaign), Problems())


@router.post("/{campaign_id}/edit")
@carried_out_once
async def edit(
    request: Request, parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID
) -> Response:
    """Another name or message; files come along where there are no scripts."""
    owner = viewer.principal.user_id
    posted = await form_of(request)
    campaign = await parts.queries.campaign(owner, campaign_id)
    form, problems = MessageForm.read(posted, campaign), Problems()
    patch, version = form.patch(campaign), text_of(posted, "version")
    await _attached(parts, viewer, campaign_id, posted, problems)
    if not problems:
        try:
            only = Only(frozenset({version})) if version else ANY
            saved = await parts.campaigns.patch(owner, campaign_id, patch, only=only)
        except InvalidInput as error:
            problems.take(error.problems, names=form.names)
        except Outdated:
            campaign = await parts.queries.campaign(owner, campaign_id)
            problems.add("", "it was changed meanwhile; look at it again before you save")
        else:
            if saved.html != campaign.html:
                await parts.attachments.drop_unshown(owner, campaign_id)
            return go_to(request, f"/campaigns/{campaign_id}", said="Saved.")
    return await _page(request, parts, viewer, campaign, form, problems)


@router.get("/{campaign_id}/files")
async def show_files(
    request: Request, parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID
) -> Response:
    """What goes along with it, for the page that is open already."""
    return await _files(request, parts, viewer, campaign_id, Problems())


@router.post("/{campaign_id}/files")
async def attach(
    request: Request, parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID
) -> Response:
    """Keep files with a draft."""
    posted, problems = await form_of(request), Problems()
    await _attached(parts, viewer, campaign_id, posted, problems)
    return await _changed(request, parts, viewer, campaign_id, problems)


@router.post("/{campaign_id}/files/{file_id}/remove")
async def remove(
    request: Request, parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID, file_id: uuid.UUID
) -> Response:
    """Take one off a draft."""
    await parts.attachments.remove(viewer.principal.user_id, campaign_id, file_id)
    return await _changed(request, parts, viewer, campaign_id, Problems())


@router.get("/{campaign_id}/files/{file_id}")
async def download(
    parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID, file_id: uuid.UUID
) -> Response:
    """One of them, as a file."""
    owner = viewer.principal.user_id
    file, content = await parts.kept_in_campaigns.file(owner, campaign_id, file_id)
    return file_of(file.file_name, content)


@router.post("/{campaign_id}/images")
async def put_in(
    request: Request, parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID
) -> Response:
    """Keep a picture that the text is to show, by the name that it has there."""
    try:
        new, chunks = image_in(await form_of(request))
        await parts.attachments.add_once(viewer.principal.user_id, campaign_id, new, chunks)
    except InvalidInput as error:
        return refused_image(error)
    return JSONResponse({})


@router.get("/{campaign_id}/images/{content_id}")
async def show_image(
    parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID, content_id: str
) -> Response:
    """A picture of the text, for the editor."""
    owner = viewer.principal.user_id
    file, content = await parts.kept_in_campaigns.image(owner, campaign_id, content_id)
    return image_file(file.file_name, content)


async def _attached(
    parts: Parts, viewer: Viewer, campaign_id: uuid.UUID, posted: FormData, problems: Problems
) -> None:
    async def add(new: NewAttachment, chunks: AsyncIterator[bytes]) -> None:
        await parts.attachments.add_once(viewer.principal.user_id, campaign_id, new, chunks)

    await attach_each(posted, problems, add)


async def _changed(
    request: Request, parts: Parts, viewer: Viewer, campaign_id: uuid.UUID, problems: Problems
) -> Response:
    """The files as they are now; without scripts the whole page, with what was typed on it."""
    if wants_fragment(request):
        return await _files(request, parts, viewer, campaign_id, problems)
    campaign = await parts.queries.campaign(viewer.principal.user_id, campaign_id)
    form = MessageForm.read(await form_of(request), campaign)
    return await _page(request, parts, viewer, campaign, form, problems)


async def _files(
    request: Request, parts: Parts, viewer: Viewer, campaign_id: uuid.UUID, problems: Problems
) -> Response:
    return render(
        request,
        "_attached.html",
        viewer=viewer,
        files=await parts.attachments.all_of(viewer.principal.user_id, campaign_id),
        files_at=f"/campaigns/{campaign_id}",
        problems=problems.by_field,
    )


async def _page(
    request: Request,
    parts: Parts,
    viewer: Viewer,
    campaign: CampaignView,
    form: MessageForm,
    problems: Problems,
) -> Response:
    owner = viewer.principal.user_id
    is_draft = campaign.state is CampaignState.DRAFT
    first = await parts.email_queries.recipient(owner, campaign.id) if is_draft else None
    return render(
        request,
        "campaign_edit.html",
        viewer=viewer,
        section="campaigns",
        status=422 if problems else 200,
        campaign=campaign,
        is_draft=is_draft,
        form=form,
        previewed=first,
        sample=sample_of(first),
        fields=await parts.queries.fields_of_campaign(owner, campaign.id),
        files=await parts.attachments.all_of(owner, campaign.id),
        files_at=f"/campaigns/{campaign.id}",
        file_bounds=BOUNDS,
        problems=problems.by_field,
    )
