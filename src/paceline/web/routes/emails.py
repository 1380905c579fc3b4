"""One email: what it says, what happened to it, why it is not out yet, and what can be done."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.domain.lifecycle import FINAL, WAITING, JobState
from paceline.errors import InvalidInput, TooLate
from paceline.services.emails import Outcome, Resolution
from paceline.services.views import EmailDetail
from paceline.web.access import SignedIn, Viewer, form_of
from paceline.web.email_story import section_of, story
from paceline.web.forms import text_of
from paceline.web.frames import shown_in_a_frame
from paceline.web.headers import mail_frame
from paceline.web.mail_body import (
    View,
    document_of,
    document_of_message,
    text_document,
    views_of,
    with_images,
)
from paceline.web.once import OnceRoute, carried_out_once
from paceline.web.parts import Parts, Wired
from paceline.web.rendering import go_to, render, wants_fragment
from paceline.web.routes.email_lists import nav_counts_of

router = APIRouter(prefix="/emails", route_class=OnceRoute)

UNFILLED = (
    "It cannot be put together: a merge field of its message has no value for this recipient."
)


@router.get("/{email_id}")
async def show_email(
    request: Request, parts: Wired, viewer: SignedIn, email_id: uuid.UUID, view: str = ""
) -> Response:
    """One email: in the drawer, or on a page of its own."""
    owner = viewer.principal.user_id
    detail = await parts.email_queries.email(owner, email_id)
    campaign_id = detail.email.campaign_id
    files = await parts.attachments.sent_along(owner, campaign_id) if campaign_id else []
    template = "_email_drawer.html" if wants_fragment(request) else "email.html"
    return render(request, template, viewer=viewer, files=files, **_shown(viewer, detail, view))


@router.get("/{email_id}/detail")
async def email_detail(
    request: Request, parts: Wired, viewer: SignedIn, email_id: uuid.UUID, section: str = ""
) -> Response:
    """What moves on it, for the drawer or the page that is open already.

    `section`: what the sidebar of its page marks, which follows it into another list.
    """
    owner = viewer.principal.user_id
    shown = _shown(viewer, await parts.email_queries.email(owner, email_id))
    if section and section != shown["section"]:
        overview, drafts = await parts.queries.overview(owner), await parts.drafts.how_many(owner)
        shown["nav_counts"] = nav_counts_of(overview, drafts)
    return render(request, "_email_live.html", viewer=viewer, **shown)


@router.get("/{email_id}/view")
async def email_view(
    request: Request, parts: Wired, viewer: SignedIn, email_id: uuid.UUID, view: str = ""
) -> Response:
    """Another view of what it says, without what is around it."""
    detail = await parts.email_queries.email(viewer.principal.user_id, email_id)
    return render(request, "_email_content.html", viewer=viewer, **_shown(viewer, detail, view))


@router.get("/{email_id}/body", dependencies=shown_in_a_frame())
async def email_body(
    parts: Wired, viewer: SignedIn, email_id: uuid.UUID, view: str = ""
) -> Response:
    """What it says, its header or its source, for the sandboxed frame."""
    owner = viewer.principal.user_id
    source = await parts.email_queries.email_source(owner, email_id)
    asked = View.named(view)
    if source is None and asked in (View.HEADERS, View.SOURCE):
        return mail_frame(text_document(UNFILLED))
    detail = await parts.email_queries.email(owner, email_id)
    html = None if asked not in (View.HTML, None) else detail.html
    images = []
    if detail.email.campaign_id is not None:
        campaign_id = detail.email.campaign_id
        images = await parts.kept_in_campaigns.images_shown(owner, campaign_id, html)
    if source is not None:
        return mail_frame(await asyncio.to_thread(document_of_message, source, asked, images))
    shown = None if html is None else await asyncio.to_thread(with_images, html, images)
    return mail_frame(document_of(html=shown, text=detail.text))


@router.post("/{email_id}/cancel")
@carried_out_once
async def cancel_email(
    request: Request, parts: Wired, viewer: SignedIn, email_id: uuid.UUID
) -> Response:
    """Call one email back, if it is not too late."""
    result = await parts.emails.cancel(viewer.principal.user_id, email_id)
    if result.outcome is Outcome.TOO_LATE:
        raise TooLate("it is too late: this email has left, or is leaving right now")
    return await _after_write(request, parts, viewer, email_id, "Cancelled.")


@router.post("/{email_id}/retry")
@carried_out_once
async def retry_email(
    request: Request, parts: Wired, viewer: SignedIn, email_id: uuid.UUID
) -> Response:
    """Try one email again that has failed, its address taken off the suppression list if asked."""
    release = text_of(await form_of(request), "release") == "yes"
    await parts.retrying.one(viewer.principal.user_id, email_id, release=release)
    return await _after_write(request, parts, viewer, email_id, "It will be tried again.")


@router.post("/{email_id}/resolve")
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
    said = "Marked as sent." if resolution is Resolution.SENT else "It will be sent again."
    return await _after_write(request, parts, viewer, email_id, said)


async def _after_write(
    request: Request, parts: Parts, viewer: Viewer, email_id: uuid.UUID, said: str
) -> Response:
    if wants_fragment(request):
        on_its_page = request.headers.get("HX-Current-URL", "").endswith(f"/emails/{email_id}")
        section = "as it was before" if on_its_page else ""
        return await email_detail(request, parts, viewer, email_id, section)
    return go_to(request, f"/emails/{email_id}", said=said)


def _shown(viewer: Viewer, detail: EmailDetail, view: str = "") -> dict[str, Any]:
    email = detail.email
    state = JobState(email.state)
    # An HTML message always has a text part, made from it where nobody wrote one.
    views = views_of(has_html=bool(detail.html), has_text=bool(detail.text or detail.html))
    asked = View.named(view)
    return {
        "email": email,
        "attempts": detail.attempts,
        "story": story(detail, me=viewer.principal.actor),
        "waiting": state in WAITING,
        "over": state in FINAL,
        "views": views,
        "view": asked if asked in views else views[0],
        "section": section_of(state),
    }
