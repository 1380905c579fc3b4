"""Changing one email while it waits, moving it to another time, and copying it to a new message."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline import clock
from paceline.domain.identifiers import new_id
from paceline.domain.lifecycle import JobState
from paceline.errors import Conflict, InvalidInput, Outdated
from paceline.services.drafts import Saving
from paceline.services.email_changes import EmailPatch
from paceline.services.versions import ANY, Only
from paceline.services.views import EmailView
from paceline.web.access import SignedIn, Viewer, form_of
from paceline.web.compose_form import ComposeForm
from paceline.web.drafting import TYPED_NAME, octets_of
from paceline.web.email_copy import recipient_of, typed_copy
from paceline.web.email_form import EmailForm
from paceline.web.email_story import section_of
from paceline.web.forms import Problems, local_input, text_of, wall_time
from paceline.web.once import OnceRoute, carried_out_once, reserved_id
from paceline.web.parts import Parts, Wired
from paceline.web.rendering import go_to, render, zone_of

_COPYING = "copy"  # the page that saved the draft, for the page that opens it

_CHANGED = "it was changed meanwhile; look at it again before you save"
_CANCELLED = "it was cancelled meanwhile: nothing of it can be changed any more"

router = APIRouter(prefix="/emails", route_class=OnceRoute)


@router.get("/{email_id}/edit")
async def show_edit(
    request: Request, parts: Wired, viewer: SignedIn, email_id: uuid.UUID
) -> Response:
    """Its recipient and, of a single email, its message; of a campaign's the merge values."""
    email, form = await _form(parts, viewer, email_id)
    return _edit_page(request, viewer, email, form, Problems())


@router.post("/{email_id}/edit")
@carried_out_once
async def edit(request: Request, parts: Wired, viewer: SignedIn, email_id: uuid.UUID) -> Response:
    """Change it, if it waits for its first try."""
    posted = await form_of(request)
    _, there = await _form(parts, viewer, email_id)
    form, problems = there.read(posted), Problems()
    try:
        await _patched(parts, viewer, email_id, form.patch(), version=text_of(posted, "version"))
    except InvalidInput as error:
        form.take(problems, error.problems)
    except Outdated:
        now, _ = await _form(parts, viewer, email_id)
        problems.add("", _CANCELLED if now.state == JobState.CANCELLED else _CHANGED)
    except Conflict as error:
        problems.add("", f"nothing was changed: {error}")
    else:
        return go_to(request, f"/emails/{email_id}", said="Changed.")
    email, _ = await _form(parts, viewer, email_id)
    return _edit_page(request, viewer, email, form, problems)


@router.get("/{email_id}/move")
async def show_move(
    request: Request, parts: Wired, viewer: SignedIn, email_id: uuid.UUID
) -> Response:
    """Another time for one email that waits."""
    email = (await parts.email_queries.email(viewer.principal.user_id, email_id)).email
    start = local_input(email.scheduled_at, zone_of(request))
    return _move_page(request, viewer, email, start, Problems())


@router.post("/{email_id}/move")
@carried_out_once
async def move(request: Request, parts: Wired, viewer: SignedIn, email_id: uuid.UUID) -> Response:
    """Move it, if it was not tried yet. An empty time means right away."""
    posted = await form_of(request)
    start, problems = text_of(posted, "start"), Problems()
    zone = zone_of(request)
    at = None
    if start.strip():
        at = problems.read("start", lambda text: wall_time(text, zone), start)
    if not problems:
        patch, version = EmailPatch(scheduled_at=at), text_of(posted, "version")
        try:
            await _patched(parts, viewer, email_id, patch, version=version)
        except InvalidInput as error:
            problems.take(error.problems, names={"scheduled_at": "start"})
        except Outdated:
            problems.add("", "it was changed meanwhile; look at it again before you move it")
        else:
            return go_to(request, f"/emails/{email_id}", said="Moved.")
    email = (await parts.email_queries.email(viewer.principal.user_id, email_id)).email
    return _move_page(request, viewer, email, start, problems)


@router.post("/{email_id}/copy")
@carried_out_once
async def copy(request: Request, parts: Wired, viewer: SignedIn, email_id: uuid.UUID) -> Response:
    """What it says as a draft to the same person. Nothing leaves by it."""
    owner = viewer.principal.user_id
    detail = await parts.email_queries.email(owner, email_id)
    filled_in = await parts.email_queries.email_source(owner, email_id) is not None
    empty = ComposeForm.empty(now=clock.now(), zone=zone_of(request))
    typed = typed_copy(detail, empty, filled_in=filled_in)
    draft_id = reserved_id(request) or new_id()
    saved = await parts.drafts.save(owner, draft_id, typed, Saving(version=0, page=_COPYING))
    recipient = octets_of(recipient_of(detail))
    saving = Saving(version=saved.version, page=_COPYING)
    await parts.drafts.put_list(owner, draft_id, TYPED_NAME, recipient, saving)
    said = "Copied: subject, message, files and recipient. Nothing is sent until you schedule it."
    if detail.email.campaign_id is not None:
        try:
            await parts.draft_files.copy_from_campaign(owner, detail.email.campaign_id, draft_id)
        except InvalidInput:
            said = "Copied, without its files: there was no room for them. Delete some drafts."
    return go_to(request, f"/compose/{draft_id}", said=said)


async def _form(parts: Parts, viewer: Viewer, email_id: uuid.UUID) -> tuple[EmailView, EmailForm]:
    owner = viewer.principal.user_id
    detail = await parts.email_queries.email(owner, email_id)
    campaign_id = detail.email.campaign_id
    campaign = await parts.queries.campaign(owner, campaign_id) if campaign_id else None
    return detail.email, await EmailForm.of(detail, campaign)


async def _patched(
    parts: Parts, viewer: Viewer, email_id: uuid.UUID, patch: EmailPatch, *, version: str
) -> None:
    only = Only(frozenset({version})) if version else ANY
    await parts.emails.patch(viewer.principal.user_id, email_id, patch, only=only)


def _edit_page(
    request: Request, viewer: Viewer, email: EmailView, form: EmailForm, problems: Problems
) -> Response:
    shown = {"form": form.typed, "fields": form.labels, "needed": form.needed}
    return _page(request, viewer, "email_edit.html", email, problems, **shown)


def _move_page(
    request: Request, viewer: Viewer, email: EmailView, start: str, problems: Problems
) -> Response:
    return _page(request, viewer, "email_move.html", email, problems, form={"start": start})


def _page(
    request: Request,
    viewer: Viewer,
    template: str,
    email: EmailView,
    problems: Problems,
    **shown: Any,
) -> Response:
    return render(
        request,
        template,
        viewer=viewer,
        section=section_of(JobState(email.state)),
        status=422 if problems else 200,
        email=email,
        problems=problems.by_field,
        **shown,
    )
