"""The queue, for administrators: lanes, workers, leases and doubts of the whole installation."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.services.queue_watch import LaneStanding
from paceline.web.access import Administrator, Viewer
from paceline.web.listing import Column, ListState
from paceline.web.parts import Parts, Wired
from paceline.web.rendering import render, wants_fragment

router = APIRouter(prefix="/queue")

COLUMNS = (
    Column(key="sender", label="Lane"),
    Column(key="standing", label="Is"),
    Column(key="waits", label="Waits for", line=True, look="pl-quiet"),
    Column(key="job", label="In Redis", wide_from="md", look="pl-quiet"),
    Column(key="owner", label="Owner", wide_from="lg", look="pl-quiet"),
)
WORKERS = (
    Column(key="name", label="Worker"),
    Column(key="heard", label="Heard of", look="pl-quiet tabular-nums"),
    Column(key="lanes", label="Lanes", align="end", look="tabular-nums"),
    Column(key="leases", label="Holds", align="end", look="tabular-nums"),
    Column(key="since", label="Since", wide_from="md", look="pl-quiet tabular-nums"),
)


@router.get("")
async def show_queue(request: Request, parts: Wired, viewer: Administrator) -> Response:
    """All lanes, or those of one standing, the most urgent first."""
    template = "_queue_rows.html" if wants_fragment(request) else "queue.html"
    return await _shown(request, parts, viewer, template)


@router.get("/rows")
async def queue_rows(request: Request, parts: Wired, viewer: Administrator) -> Response:
    """The same for the page that is open already."""
    return await _shown(request, parts, viewer, "_queue_live.html")


async def _shown(request: Request, parts: Parts, viewer: Viewer, template: str) -> Response:
    state = ListState.read(request.query_params, path="/queue", filters=("is",))
    asked = state.filters["is"]
    report = await parts.queue_watch.report(
        standing=LaneStanding(asked) if asked in set(LaneStanding) else None,
        cursor=state.cursor or None,
        limit=state.size,
    )
    return render(
        request,
        template,
        viewer=viewer,
        section="queue",
        columns=COLUMNS,
        worker_columns=WORKERS,
        state=state,
        report=report,
    )
