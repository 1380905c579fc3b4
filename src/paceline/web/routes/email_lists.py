"""The five lists of emails: scheduled, sent, failed, in doubt, cancelled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.domain.lifecycle import EmailList
from paceline.domain.short_lists import Extent
from paceline.services.views import EmailView, Overview, Page
from paceline.together import together
from paceline.web.access import SignedIn, Viewer
from paceline.web.kept import keep
from paceline.web.list_query import ListQuery
from paceline.web.navigation import DRAFTS, NEEDS
from paceline.web.parts import Parts, Wired
from paceline.web.rendering import render, wants_fragment, zone_of

router = APIRouter(prefix="/emails")

MAX_FILTER_CHOICES = 100


@router.get("")
async def list_emails(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """The emails of one list, as the address asks for them."""
    query = ListQuery.read(request.query_params)
    owner = viewer.principal.user_id
    seen = await parts.email_queries.snapshot()  # before what it stands for
    listing, campaigns, senders = await together(
        _listing(request, parts, viewer, query),
        parts.queries.campaigns(owner, limit=MAX_FILTER_CHOICES),
        parts.senders.list(owner),
    )
    return render(
        request,
        "_list_swap.html" if wants_fragment(request) else "emails.html",
        viewer=viewer,
        **listing,
        seen=seen,
        campaigns=[(campaign.id, campaign.name) for campaign in campaigns.items],
        senders=[(sender.id, sender.from_address) for sender in senders],
    )


@router.get("/rows")
async def email_rows(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """What moves of it, for the page that is open already."""
    query = ListQuery.read(request.query_params)
    listing = await _listing(request, parts, viewer, query)
    keep(request, listing["statuses"])
    return render(request, "_rows_live.html", viewer=viewer, **listing)


async def _listing(
    request: Request, parts: Parts, viewer: Viewer, query: ListQuery
) -> dict[str, Any]:
    owner = viewer.principal.user_id
    overview, drafts, found = await together(
        parts.queries.overview(owner),
        parts.drafts.how_many(owner),
        found_by(request, parts, viewer, query),
    )
    counts = counts_of(overview)
    return {
        **rows_of(query, *found, counts),
        "nav_counts": nav_counts_of(overview, drafts),
        "statuses": overview.now.each,
        "section": f"emails-{query.tab}",
    }


async def found_by(
    request: Request, parts: Parts, viewer: Viewer, query: ListQuery
) -> tuple[Page[EmailView], Extent | None]:
    """One page of what a list asks for, and how much there is of it; None: all of its tab."""
    page = await parts.email_queries.emails(
        viewer.principal.user_id,
        query.wanted(zone_of(request)),
        cursor=query.cursor or None,
        limit=query.size,
        counted=query.filtered,
    )
    total = page.extent if query.filtered else None
    if total is None or total.is_exact:
        return page, total
    return page, replace(total, number=max(total.number, len(page.items)))


def rows_of(
    query: ListQuery, page: Page[EmailView], total: Extent | None, counts: dict[EmailList, int]
) -> dict[str, Any]:
    """What the tabs and the rows of a list of emails show."""
    total = total or Extent(counts[query.tab])
    return {
        "query": query,
        "page": page,
        "total": total,
        "columns": query.columns(is_short=total.is_short),
        "orders": query.orders(is_short=total.is_short),
        "counts": counts,
        "live_url": query.rows_url,
    }


def nav_counts_of(overview: Overview, drafts: int) -> dict[str, int]:
    """What the sidebar counts: each list, and the drafts, and what needs somebody."""
    counts = {str(which): count for which, count in counts_of(overview).items()}
    return counts | {DRAFTS: drafts, NEEDS: len(overview.now.status.needs)}


def counts_of(overview: Overview) -> dict[EmailList, int]:
    """How many emails each list holds."""
    return {which: getattr(overview, which) for which in EmailList}
