"""One email from start to end: what it says, what happened to it, and what can be done."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.domain.lifecycle import FINAL, WAITING, EmailList, JobState
from paceline.errors import InvalidInput, TooLate
from paceline.services.emails import Outcome, Resolution
from paceline.services.views import EmailDetail
from paceline.web.access import SignedIn, Viewer, form_of
from paceline.web.forms import text_of
from paceline.web.headers import mail_frame
from paceline.web.mail_body import document_of
from paceline.web.once import OnceRoute, carried_out_once
from paceline.web.parts import Parts, Wired
from paceline.web.rendering import go_to, render, wants_fragment

router = APIRouter(route_class=OnceRoute)


@router.get("/emails/{email_id}")
async def show_email(
    request: Request, parts: Wired, viewer: SignedIn, email_id: uuid.UUID
) -> Response:
    """One email: in the drawer, or on a page of its own."""
    detail = await parts.queries.email(viewer.principal.user_id, email_id)
    template = "_email_drawer.html" if wants_fragment(request) else "email.html"
    return render(request, template, viewer=viewer, **_shown(detail))


@router.get("/emails/{email_id}/detail")
async def email_detail(
    request: Request, parts: Wired, viewer: SignedIn, email_id: uuid.UUID
) -> Response:
    """What moves on it, for the drawer that is open already."""
    detail = await parts.queries.email(viewer.principal.user_id, email_id)
    return render(request, "_email_live.html", viewer=viewer, **_shown(detail))


@router.get("/emails/{email_id}/body")
async def email_body(parts: Wired, viewer: SignedIn, email_id: uuid.UUID) -> Response:
    """What it says, for the sandboxed frame."""
    detail = await parts.queries.email(viewer.principal.user_id, email_id)
    return mail_frame(document_of(html=detail.html, text=detail.text))


@router.post("/emails/{email_id}/cancel")
@carried_out_once
async def cancel_email(
    request: Request, parts: Wired, viewer: SignedIn, email_id: uuid.UUID
) -> Response:
    """Call one email back, if it is not too late."""
    result = await parts.emails.cancel(viewer.principal.user_id, email_id)
    if result.outcome is Outcome.TOO_LATE:
        raise TooLate("it is too late: this email has left, or is leaving right now")
    return await _after_write(request, parts, viewer, email_id)


@router.post("/emails/{email_id}/retry")
@carried_out_once
async def retry_email(
    request: Request, parts: Wired, viewer: SignedIn, email_id: uuid.UUID
) -> Response:
    """Try one email again that has failed, its address taken off the suppression list if asked."""
    release = text_of(await form_of(request), "release") == "yes"
    await parts.retrying.one(viewer.principal.user_id, email_id, release=release)
    return await _after_write(request, parts, viewer, email_id)


@router.post("/emails/{email_id}/resolve")
@carried_out_once
async def resolve_email(
    request: Request, parts: Wired, viewer: SignedIn, email_id: uuid.UUID
) -> Response:
    """Settle an email in doubt, in the words of somebody who knows."""
    answer = text_of(await form_of(request), "resolution")
    try:
        resolution = Resolution(answer)
    except ValueError:
        raise InvalidInput.of("resolution", "must be sent or resend") from None
    await parts.emails.resolve(viewer.principal.user_id, email_id, resolution)
    return await _after_write(request, parts, viewer, email_id)


async def _after_write(
    request: Request, parts: Parts, viewer: Viewer, email_id: uuid.UUID
) -> Response:
    if wants_fragment(request):
        return await email_detail(request, parts, viewer, email_id)
    return go_to(request, f"/emails/{email_id}")


def _shown(detail: EmailDetail) -> dict[str, Any]:
    email = detail.email
    state = JobState(email.state)
    return {
        "email": email,
        "attempts": detail.attempts,
        "waiting": state in WAITING,
        "over": state in FINAL,
        "section": f"emails-{next(which for which in EmailList if state in which.states)}",
    }
