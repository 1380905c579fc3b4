"""The sidebar's counts, and what a browser may tell of, for the page that is open already."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.domain.preferences import Notice
from paceline.web.access import SignedIn
from paceline.web.kept import keep
from paceline.web.notices import notices
from paceline.web.parts import Wired
from paceline.web.rendering import render, zone_of
from paceline.web.routes.email_lists import nav_counts_of

router = APIRouter()

MAX_SECTION_CHARACTERS = 40


@router.get("/nav")
async def show_navigation(
    request: Request, parts: Wired, viewer: SignedIn, section: str = ""
) -> Response:
    """Every entry with its count, and the notices that were chosen; `section` is open."""
    owner = viewer.principal.user_id
    overview = await parts.queries.overview(owner)
    drafts = await parts.drafts.how_many(owner)
    keep(request, overview.now.each)
    chosen = viewer.principal.preferences.notices
    finished = await parts.activities.finished(owner) if Notice.FINISHED in chosen else ()
    return render(
        request,
        "_nav.html",
        viewer=viewer,
        section=section[:MAX_SECTION_CHARACTERS],
        nav_counts=nav_counts_of(overview, drafts),
        notices=notices(chosen, overview, finished, zone=zone_of(request)) if chosen else None,
    )
