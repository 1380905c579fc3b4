"""Campaigns: the list, and one campaign with its progress, its pace and its emails."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline import clock
from paceline.domain.lifecycle import CampaignState, EmailList
from paceline.domain.retrying import FailedFilter, reply_key
from paceline.persistence.stores.campaigns import CampaignFilter
from paceline.services.campaign_rules import has_missed_start
from paceline.services.csv_output import csv_lines
from paceline.services.views import CampaignView, Counts
from paceline.together import together
from paceline.web import same_again
from paceline.web.access import SignedIn, Viewer, form_of
from paceline.web.forms import text_of
from paceline.web.headers import file_of
from paceline.web.kept import keep
from paceline.web.list_query import ListQuery
from paceline.web.listing import Column, ListState
from paceline.web.once import OnceRoute, carried_out_once, reserved_id
from paceline.web.outlook import chart_of, outlook
from paceline.web.parts import Parts, Wired
from paceline.web.rendering import go_to, render, wants_fragment, zone_of
from paceline.web.routes.email_lists import found_by, rows_of
from paceline.web.states import CAMPAIGN_STATES

router = APIRouter(prefix="/campaigns", route_class=OnceRoute)

MAX_DIGITS = 9
_CALLED_BACK_FROM = (CampaignState.ACTIVE, CampaignState.PAUSED)


COLUMNS = (
    Column(key="name", label="Campaign"),
    Column(key="status", label="Status"),
    Column(key="progress", label="Progress", line=True, look="sm:w-1/3"),
    Column(
        key="start",
        label="Start",
        wide_from="md",
        look="pl-quiet tabular-nums whitespace-nowrap",
    ),
)


@router.get("")
async def list_campaigns(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """The campaigns that the address asks for, the newest first."""
    template = "_campaign_list.html" if wants_fragment(request) else "campaigns.html"
    return await _listed(request, parts, viewer, template)


@router.get("/rows")
async def campaigns_rows(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """What moves, for the list that is open already."""
    return await _listed(request, parts, viewer, "_campaigns_live.html")


async def _listed(request: Request, parts: Parts, viewer: Viewer, template: str) -> Response:
    state = ListState.read(request.query_params, path="/campaigns", filters=("q", "state"))
    chosen = state.filters["state"]
    wanted = CampaignFilter(
        words=state.q, state=CampaignState(chosen) if chosen in set(CampaignState) else None
    )
    owner = viewer.principal.user_id
    page, total, cleared = await together(
        parts.queries.campaigns(owner, wanted, cursor=state.cursor or None, limit=state.size),
        parts.queries.how_many_campaigns(owner, wanted),
        parts.queries.being_cleared(owner),
    )
    _keep(request, page.items)
    return render(
        request,
        template,
        viewer=viewer,
        section="campaigns",
        columns=COLUMNS,
        state=state,
        states=CAMPAIGN_STATES,
        page=page,
        total=total,
        being_cleared=cleared,
        live_url=f"/campaigns/rows?{state.url().partition('?')[2]}",
    )


@router.get("/{campaign_id}")
async def show_campaign(
    request: Request, parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID
) -> Response:
    """One campaign; as a fragment, another tab of its emails."""
    seen = await parts.email_queries.snapshot()  # before what it stands for
    context = await _everything(request, parts, viewer, campaign_id) | {"seen": seen}
    template = "_list.html" if wants_fragment(request) else "campaign.html"
    if template == "campaign.html":
        context["launch_notes"] = await _launch_notes(request, parts, viewer, context["campaign"])
        context |= await _failures(request, parts, viewer, context["campaign"])
        owner = viewer.principal.user_id
        context["files"] = await parts.attachments.sent_along(owner, campaign_id)
        context["imports"] = await parts.imports.reports(owner, campaign_id)
    return render(request, template, viewer=viewer, section="campaigns", **context)


@router.get("/{campaign_id}/rows")
async def campaign_rows(
    request: Request, parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID
) -> Response:
    """What moves on it, for the page that is open already."""
    context = await _everything(request, parts, viewer, campaign_id)
    _keep(request, [context["campaign"]])
    return render(request, "_campaign_live.html", viewer=viewer, **context)


@router.get("/{campaign_id}/launch-notes")
async def launch_notes(
    request: Request, parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID
) -> Response:
    """Who gets its subject twice, as of now: for the question before its launch."""
    campaign = await parts.queries.campaign(viewer.principal.user_id, campaign_id)
    notes = await _launch_notes(request, parts, viewer, campaign)
    return render(request, "_launch_notes.html", viewer=viewer, launch_notes=notes)


@router.get("/{campaign_id}/imports/{report_id}/refused")
async def refused_rows(
    parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID, report_id: uuid.UUID
) -> Response:
    """What was refused of one of its lists, to be mended and imported again."""
    rows = await parts.imports.not_taken(viewer.principal.user_id, campaign_id, report_id)
    told = [("line", "value", "reason"), *((str(r.line), r.value, r.reason) for r in rows)]
    return file_of("refused.csv", csv_lines(told))


@router.post("/{campaign_id}/launch")
@carried_out_once
async def launch(
    request: Request, parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID
) -> Response:
    """Let a draft go."""
    return await _change(request, viewer, campaign_id, parts.campaigns.launch, "Launched.")


@router.post("/{campaign_id}/launch-now")
@carried_out_once
async def launch_now(
    request: Request, parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID
) -> Response:
    """Let a draft go right away whose start was missed."""
    await parts.campaigns.launch(viewer.principal.user_id, campaign_id, right_away=True)
    return go_to(request, f"/campaigns/{campaign_id}", said="Launched.")


@router.post("/{campaign_id}/pause")
@carried_out_once
async def pause(
    request: Request, parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID
) -> Response:
    """Hold everything that has not gone out."""
    return await _change(
        request,
        viewer,
        campaign_id,
        parts.campaigns.pause,
        "Paused.",
    )


@router.post("/{campaign_id}/resume")
@carried_out_once
async def resume(
    request: Request, parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID
) -> Response:
    """Go on where it stopped."""
    return await _change(request, viewer, campaign_id, parts.campaigns.resume, "Resumed.")


@router.post("/{campaign_id}/retry")
@carried_out_once
async def retry(
    request: Request, parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID
) -> Response:
    """Try again what failed for one reason, with one reply."""
    form = await form_of(request)
    wanted = FailedFilter.of(reason=text_of(form, "reason"), reply=text_of(form, "reply"))
    report = await parts.retrying.campaign(
        viewer.principal.user_id, campaign_id, wanted, run=reserved_id(request)
    )
    stay = report.suppressed + report.doubtful
    return go_to(request, f"/campaigns/{campaign_id}?retried={report.retried}&stay={stay}")


@router.post("/{campaign_id}/cancel")
@carried_out_once
async def cancel(
    request: Request, parts: Wired, viewer: SignedIn, campaign_id: uuid.UUID
) -> Response:
    """End it; what waits is never sent."""
    return await _change(request, viewer, campaign_id, parts.campaigns.cancel, "Cancelled.")


async def _change(
    request: Request,
    viewer: Viewer,
    campaign_id: uuid.UUID,
    change: Callable[[uuid.UUID, uuid.UUID], Awaitable[CampaignView]],
    said: str,
) -> Response:
    await change(viewer.principal.user_id, campaign_id)
    return go_to(request, f"/campaigns/{campaign_id}", said=said)


async def _failures(
    request: Request, parts: Parts, viewer: Viewer, campaign: CampaignView
) -> dict[str, Any]:
    """Why emails of it failed, and what came of it when they were tried again just now."""
    groups = []
    if campaign.counts.failed:
        groups = await parts.retrying.groups(viewer.principal.user_id, campaign.id)
    return {
        "failed_groups": [
            (group, reply_key(group.reply_code, group.reply_enhanced)) for group in groups
        ],
        "retried": _counted(request, "retried"),
        "stay": _counted(request, "stay"),
    }


def _counted(request: Request, name: str) -> int | None:
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else None


async def _everything(
    request: Request, parts: Parts, viewer: Viewer, campaign_id: uuid.UUID
) -> dict[str, Any]:
    owner = viewer.principal.user_id
    path = f"/campaigns/{campaign_id}"
    progress = await parts.queries.campaign_progress(owner, campaign_id)
    campaign = progress.campaign
    counts = _by_tab(campaign.counts)
    query = ListQuery.read(
        dict(request.query_params), path=path, campaign=campaign_id, default_tab=_liveliest(counts)
    )
    found, sender = await together(
        found_by(request, parts, viewer, query),
        parts.senders.get(owner, campaign.sender_id, even_deleted=True),
    )
    ahead = outlook(progress, sender, now=clock.now())
    undo = None
    if campaign.state in _CALLED_BACK_FROM and not campaign.counts.beyond_recall:
        undo = await parts.drafts.of_campaign(owner, campaign_id)
    return {
        "undo": undo,
        "launch_notes": (),  # a page's own; not each poll's
        "undone_late": request.query_params.get("undo") == "late",
        "campaign": campaign,
        "sender": sender,
        "outlook": ahead,
        "start_missed": has_missed_start(campaign, now=clock.now()),
        "chart": chart_of(progress, ahead, zone=zone_of(request), now=clock.now()),
        **rows_of(query, *found, counts),
        "campaigns": [],
        "senders": [],
    }


async def _launch_notes(
    request: Request, parts: Parts, viewer: Viewer, campaign: CampaignView
) -> tuple[str, ...]:
    """What the question before a launch has to say beside its figures."""
    if campaign.state is not CampaignState.DRAFT:
        return ()
    found = await parts.queries.repeats(viewer.principal.user_id, campaign.id)
    return same_again.notes_on(found, subject=campaign.subject, zone=zone_of(request))


def _keep(request: Request, campaigns: Sequence[CampaignView]) -> None:
    starts = [campaign.start_at for campaign in campaigns if campaign.start_at]
    keep(request, [campaign.status for campaign in campaigns], starts)


def _by_tab(counts: Counts) -> dict[EmailList, int]:
    return {which: counts.of(which) for which in EmailList}


def _liveliest(counts: dict[EmailList, int]) -> EmailList:
    return next((which for which in EmailList if counts[which]), EmailList.SCHEDULED)
