"""Changing a campaign: start and pace with the difference shown first; and a copy."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline import clock
from paceline.domain.identifiers import new_id
from paceline.domain.lifecycle import CampaignState
from paceline.errors import InvalidInput, Outdated
from paceline.services.campaigns import CampaignPatch
from paceline.services.drafts import Saving
from paceline.services.versions import ANY, Only
from paceline.services.views import CampaignView, Progress, SenderView
from paceline.web.access import SignedIn, Viewer, form_of
from paceline.web.campaign_form import TERMS, TermsForm, format_of, patch_of
from paceline.web.compose_form import ComposeForm
from paceline.web.forms import Problems, text_of
from paceline.web.once import OnceRoute, carried_out_once, reserved_id
from paceline.web.outlook import Terms, outlook_under
from paceline.web.parts import Parts, Wired
from paceline.web.rendering import go_to, render, zone_of

router = APIRouter(prefix="/campaigns", route_class=OnceRoute)

_OVER = frozenset({CampaignState.COMPLETED, CampaignState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A change of terms that somebody thinks about."""

    form: TermsForm
    is_shown: bool = False  # with the difference
    is_outdated: bool = False
    problems: Problems = field(default_factory=Problems)


@router.get("/{campaign_id}/change")
async def show_change(
    request: Request, parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID
) -> Response:
    """Start and pace; with other values in the address, what they would change."""
    progress, sender = await _look(parts, viewer, campaign_id)
    values = request.query_params
    if not TERMS.values() & values.keys():
        return _change_page(
            request, viewer, progress, sender, _Asked(form=TermsForm.of(progress.campaign))
        )
    asked = _Asked(form=TermsForm.read(values, progress.campaign), is_shown=True)
    return _change_page(request, viewer, progress, sender, asked)


@router.post("/{campaign_id}/change")
@carried_out_once
async def change(
    request: Request, parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID
) -> Response:
    """Another start or pace, while it runs or before: of the version that was looked at."""
    posted = await form_of(request)
    progress, sender = await _look(parts, viewer, campaign_id)
    asked = _Asked(form=TermsForm.read(posted, progress.campaign), is_shown=True)
    terms = asked.form.terms(progress.campaign, asked.problems, now=clock.now())
    if not asked.problems:
        try:
            view = await _patched(
                parts,
                viewer,
                campaign_id,
                patch_of(terms, progress.campaign),
                version=text_of(posted, "version"),
            )
        except InvalidInput as error:
            asked.problems.take(error.problems, names=TERMS)
        except Outdated:
            progress, sender = await _look(parts, viewer, campaign_id)
            asked = _Asked(form=asked.form, is_shown=True, is_outdated=True)
        else:
            return go_to(request, f"/campaigns/{view.id}", said="Start and pace are saved.")
    return _change_page(request, viewer, progress, sender, asked)


@router.post("/{campaign_id}/duplicate")
@carried_out_once
async def duplicate(
    request: Request, parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID
) -> Response:
    """Its message, files and pace as a new draft, without recipients. Nothing leaves by it."""
    owner = viewer.principal.user_id
    campaign = await parts.queries.campaign(owner, campaign_id)
    empty = ComposeForm.empty(now=clock.now(), zone=zone_of(request))
    typed = {
        "name": f"Copy of {campaign.name}"[:100],
        "sender_id": str(campaign.sender_id),
        "subject": campaign.subject,
        "body": campaign.html or campaign.text or "",
        "format": format_of(campaign.html),
        "when": empty.when,
        "start": empty.start,
        "time_zone": campaign.time_zone,
        "min_delay": TermsForm.of(campaign).min_delay,
        "hourly_limit": TermsForm.of(campaign).hourly_limit,
    }
    draft_id = reserved_id(request) or new_id()
    await parts.drafts.save(owner, draft_id, typed, Saving(version=0, page="duplicate"))
    said = "Copied: message, files and pace, without recipients."
    try:
        await parts.draft_files.copy_from_campaign(owner, campaign_id, draft_id)
    except InvalidInput:
        said = "Copied: message and pace. There was no room for its files: delete some drafts."
    return go_to(request, f"/compose/{draft_id}", said=said)


async def _look(
    parts: Parts, viewer: Viewer, campaign_id: uuid.UUID
) -> tuple[Progress, SenderView]:
    owner = viewer.principal.user_id
    progress = await parts.queries.campaign_progress(owner, campaign_id)
    sender = await parts.senders.get(owner, progress.campaign.sender_id, even_deleted=True)
    return progress, sender


async def _patched(
    parts: Parts, viewer: Viewer, campaign_id: uuid.UUID, patch: CampaignPatch, *, version: str
) -> CampaignView:
    only = Only(frozenset({version})) if version else ANY
    return await parts.campaigns.patch(viewer.principal.user_id, campaign_id, patch, only=only)


def _change_page(
    request: Request, viewer: Viewer, progress: Progress, sender: SenderView, asked: _Asked
) -> Response:
    campaign, now = progress.campaign, clock.now()
    was = Terms.of(campaign)
    terms = was
    if asked.is_shown and not asked.problems:
        terms = asked.form.terms(campaign, asked.problems, now=now)
    difference: dict[str, Any] | None = None
    if asked.is_shown and not asked.problems:
        before, after = (outlook_under(t, progress, sender, now=now) for t in (was, terms))
        difference = {"was": was, "terms": terms, "before": before, "after": after}
    status = 422 if asked.problems else 409 if asked.is_outdated else 200
    return render(
        request,
        "campaign_change.html",
        viewer=viewer,
        section="campaigns",
        status=status,
        campaign=campaign,
        sender=sender,
        is_over=campaign.state in _OVER,
        form=asked.form,
        problems=asked.problems.by_field,
        is_outdated=asked.is_outdated,
        difference=difference,
    )
