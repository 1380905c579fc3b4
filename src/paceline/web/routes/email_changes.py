"""Changing one email while it waits: what it says and to whom, and when it is to go."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline import clock
from paceline.domain.lifecycle import JobState
from paceline.errors import Conflict, InvalidInput, Outdated
from paceline.services.email_changes import EmailPatch
from paceline.services.versions import ANY, Only
from paceline.services.views import EmailView
from paceline.web.access import SignedIn, Viewer, form_of
from paceline.web.email_form import EmailForm
from paceline.web.email_story import section_of
from paceline.web.forms import Problems, local_input, text_of, wall_time
from paceline.web.once import OnceRoute, carried_out_once
from paceline.web.parts import Parts, Wired
from paceline.web.rendering import go_to, render, zone_of

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
        problems.add("", "it was changed meanwhile; look at it again before you save")
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
    email = (await parts.queries.email(viewer.principal.user_id, email_id)).email
    start = local_input(email.scheduled_at, zone_of(request))
    return _move_page(request, viewer, email, start, Problems())


@router.post("/{email_id}/move")
@carried_out_once
async def move(request: Request, parts: Wired, viewer: SignedIn, email_id: uuid.UUID) -> Response:
    """Move it, if it was not tried yet. An empty time means right away."""
    posted = await form_of(request)
    start, problems = text_of(posted, "start"), Problems()
    zone = zone_of(request)
    at = clock.now()
    if start.strip():
        at = problems.read("start", lambda text: wall_time(text, zone), start) or at
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
    email = (await parts.queries.email(viewer.principal.user_id, email_id)).email
    return _move_page(request, viewer, email, start, problems)


async def _form(parts: Parts, viewer: Viewer, email_id: uuid.UUID) -> tuple[EmailView, EmailForm]:
    owner = viewer.principal.user_id
    detail = await parts.queries.email(owner, email_id)
    campaign_id = detail.email.campaign_id
    campaign = await parts.queries.campaign(owner, campaign_id) if campaign_id else None
    return detail.email, await EmailForm.of(detail, campaign)


async def _patched(
    parts: Parts, viewer: Viewer, email_id: uuid.UUID, patch: EmailPatch, *, version: str
) -> None:
    only = Only(frozenset({version})) if version else ANY
    person = viewer.principal
    await parts.emails.patch(person.user_id, email_id, patch, only=only, actor=person.actor)


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
