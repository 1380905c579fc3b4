"""The list of senders, which keeps itself up to date."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.together import together
from paceline.web.access import SignedIn, Viewer
from paceline.web.listing import Column
from paceline.web.parts import Parts, Wired
from paceline.web.rendering import render

router = APIRouter(prefix="/senders")

COLUMNS = (
    Column(key="name", label="Sender"),
    Column(key="status", label="Status"),
    Column(key="account", label="Account"),
    Column(key="server", label="SMTP server", wide_from="lg", look="font-mono text-xs"),
    Column(key="limits", label="Limits", look="pl-quiet tabular-nums"),
)


@router.get("")
async def list_senders(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """All senders, with their states and what they have used of their limits."""
    return await _listed(request, parts, viewer, "senders.html")


@router.get("/rows")
async def sender_rows(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """The same for the page that is open already."""
    return await _listed(request, parts, viewer, "_senders_live.html")


async def _listed(request: Request, parts: Parts, viewer: Viewer, template: str) -> Response:
    owner = viewer.principal.user_id
    senders, overview = await together(parts.senders.list(owner), parts.queries.overview(owner))
    return render(
        request,
        template,
        viewer=viewer,
        section="senders",
        columns=COLUMNS,
        senders=senders,
        standing={each.sender_id: each for each in overview.now.senders},
        dev_inbox=parts.dev_inbox,
    )
