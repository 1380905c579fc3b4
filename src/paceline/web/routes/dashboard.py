"""The dashboard: how many emails there are, what holds them, what goes next, and the last day."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from paceline import clock
from paceline.domain.pacing import HOUR, hour_of
from paceline.services.watching import QUARTER
from paceline.together import together
from paceline.web.access import SignedIn, Viewer
from paceline.web.glance import cards, day, day_series, meters
from paceline.web.kept import keep
from paceline.web.list_query import HOME, NAMES
from paceline.web.listing import Column
from paceline.web.parts import Parts, Wired
from paceline.web.rendering import render, zone_of
from paceline.web.routes.email_lists import nav_counts_of

router = APIRouter()

NEXT_SHOWN = 5
NEXT_COLUMNS = (
    Column(key="recipient", label="Recipient"),
    Column(key="campaign", label="Campaign", wide_from="xl", look="pl-quiet"),
    Column(key="time", label="Goes", look="pl-quiet tabular-nums whitespace-nowrap"),
    Column(key="why", label="Why then", look="pl-quiet pl-grow", line=True),
)


@router.get("/")
async def dashboard(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """All of it. An address of the lists, which once were here, leads to them."""
    if any(name in request.query_params for name in NAMES):
        return RedirectResponse(f"{HOME}?{request.url.query}", status_code=307)
    now, hours, first_steps = await together(
        _now(parts, viewer), _day(request, parts, viewer), _first_steps(parts, viewer)
    )
    return render(
        request,
        "dashboard.html",
        viewer=viewer,
        section="dashboard",
        first_steps=first_steps,
        **now,
        **hours,
    )


@router.get("/dashboard/now")
async def dashboard_now(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """What moves from second to second, for the page that is open already."""
    now = await _now(parts, viewer)
    keep(request, now["statuses"])
    return render(request, "_dashboard_live.html", viewer=viewer, section="dashboard", **now)


@router.get("/dashboard/day")
async def dashboard_day(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """The last 24 hours: where nothing is sent, the same until the next one begins."""
    keep(request, (), longest=QUARTER, times=4)  # pages ask every 30 s
    return render(request, "_day_live.html", viewer=viewer, **await _day(request, parts, viewer))


async def _now(parts: Parts, viewer: Viewer) -> dict[str, Any]:
    owner = viewer.principal.user_id
    (overview, upcoming), activity, drafts = await together(
        parts.queries.glance(owner, limit=NEXT_SHOWN),
        parts.activities.of(owner, planned=False),
        parts.drafts.how_many(owner),
    )
    return {
        "cards": cards(overview, activity),
        "going": overview.now.status,
        "drafted": overview.drafted,
        "statuses": overview.now.each,
        "meters": meters(overview),
        "hour_ends_at": hour_of(clock.now()) + HOUR,
        "upcoming": upcoming,
        "next_columns": NEXT_COLUMNS,
        "nav_counts": nav_counts_of(overview, drafts),
        "needs": overview.now.status.needs,
        "campaign_id": None,
    }


async def _day(request: Request, parts: Parts, viewer: Viewer) -> dict[str, Any]:
    hours = day(await parts.activities.of(viewer.principal.user_id))
    return {
        "hours": hours,
        "series": day_series(hours, zone_of(request)),
    }


async def _first_steps(parts: Parts, viewer: Viewer) -> dict[str, bool] | None:
    """What of them is done; None once all is. The dev inbox and what goes there do not count."""
    owner = viewer.principal.user_id
    senders = await parts.senders.list(owner)
    inbox = parts.dev_inbox
    own: list[uuid.UUID] = [
        sender.id
        for sender in senders
        if inbox is None or (sender.smtp_host, sender.smtp_port) != (inbox.host, inbox.port)
    ]
    if own and await parts.queries.is_any_launched(owner, own):
        return None
    return {
        "has_sender": bool(own),
        "has_campaign": False,
        "leads_to_inbox": bool(senders) and not own,
    }
