"""The audit log: one's own account's, and for administrators everybody's."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from paceline import clock
from paceline.domain.acts import Family
from paceline.services.audit_trail import LogFilter
from paceline.web.access import SignedIn
from paceline.web.audit_words import FAMILIES, details, page_of, what
from paceline.web.list_query import beginning_of, day_of
from paceline.web.listing import Column, ListState, as_id
from paceline.web.parts import Wired
from paceline.web.rendering import render, wants_fragment, zone_of

router = APIRouter(prefix="/audit-log")

PATH = "/audit-log"
FILTERS = ("q", "person", "kind", "from", "to")
COLUMNS = (
    Column(key="what", label="What"),
    Column(key="who", label="Who", line=True),
    Column(key="when", label="When", look="pl-quiet tabular-nums whitespace-nowrap"),
)
ACCOUNT = Column(key="account", label="Account", wide_from="lg", look="pl-quiet")


@router.get("")
async def show_log(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """What was done, as the address asks for it."""
    state = _state(request)
    reader = viewer.principal
    page = await parts.audit_trail.page(
        reader, _wanted(request, state), cursor=state.cursor or None, limit=state.size
    )
    now, zone = clock.now(), zone_of(request)
    return render(
        request,
        "_audit_rows.html" if wants_fragment(request) else "audit_log.html",
        viewer=viewer,
        section="audit-log",
        columns=(*COLUMNS, ACCOUNT) if reader.is_admin else COLUMNS,
        state=state,
        page=page,
        people=await parts.audit_trail.people(reader),
        families=FAMILIES,
        what=what,
        details=lambda entry: details(entry, now=now, zone=zone),
        page_of=lambda entry: page_of(entry, reader.user_id),
        kept=parts.audit_trail.kept,
    )


@router.get("/export")
async def export(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """The same as CSV, all of it."""
    wanted = _wanted(request, _state(request))
    return StreamingResponse(
        await parts.audit_trail.export(viewer.principal, wanted),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="audit-log.csv"'},
    )


def _state(request: Request) -> ListState:
    return ListState.read(request.query_params, path=PATH, filters=FILTERS)


def _wanted(request: Request, state: ListState) -> LogFilter:
    """What makes no sense in an address is left out."""
    zone, kind = zone_of(request), state.filters["kind"]
    until = day_of(state.filters["to"])
    return LogFilter(
        q=state.q.replace("\x00", "") or None,
        person=as_id(state.filters["person"]),
        family=Family(kind) if kind in set(Family) else None,
        begin=beginning_of(day_of(state.filters["from"]), zone),
        end=beginning_of(until and until + timedelta(days=1), zone),
    )
